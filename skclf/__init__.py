"""Small Keras nets as scikit-learn classifiers.

============================  ======================================================================
`BinaryDenseClassifier`       dense net with one sigmoid unit, for two classes
`MulticlassDenseClassifier`   dense net with softmax, for two or more classes
`MultilabelDenseClassifier`   dense net with a sigmoid unit per label, for several labels per row
`ShapeConvClassifier`         small convolutional net, for images
`NetworkClassifier`           net with Keras layers of your own
`network`, `Network`          the layers of such a net as a function or as a class
`MultiHotVectorizer`          converts lists of integer word ids to sparse multi-hot rows
`SequencePadder`              pads lists of integer word ids to one length
`skclf.plots`                 plots of learning curves, and of images with their predicted labels
`skclf.onnx`                  saves fitted nets as ONNX files
`skclf.datasets`              example data sets
============================  ======================================================================

TensorFlow is loaded by the first ``fit``. Importing skclf doesn't load it, nor does loading a
fitted classifier or predicting with one whose layers NumPy can compute.
"""

from skclf._bodies import Network, network
from skclf._dense import BinaryDenseClassifier, MulticlassDenseClassifier
from skclf._multi_hot import MultiHotVectorizer
from skclf._multilabel import MultilabelDenseClassifier
from skclf._network import NetworkClassifier
from skclf._sequences import SequencePadder
from skclf._shape_conv import ShapeConvClassifier

__all__ = [
    "BinaryDenseClassifier",
    "MultiHotVectorizer",
    "MulticlassDenseClassifier",
    "MultilabelDenseClassifier",
    "Network",
    "NetworkClassifier",
    "SequencePadder",
    "ShapeConvClassifier",
    "network",
]

__version__ = "0.2.0.dev0"
