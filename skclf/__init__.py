"""Small Keras nets as scikit-learn classifiers.

============================  ======================================================================
`BinaryDenseClassifier`       dense net with one sigmoid unit, for two classes
`MulticlassDenseClassifier`   dense net with softmax, for two or more classes
`MultilabelDenseClassifier`   dense net with a sigmoid unit for each label, for several labels a row
`ShapeConvClassifier`         small convolutional net, for images
`NetworkClassifier`           net with a body of your own
`network`, `Network`          bodies as functions and as classes
`MultiHotVectorizer`          lists of integer word ids -> sparse multi-hot rows
`SequencePadder`              lists of integer word ids -> array padded to one length
`skclf.plots`                 learning curves, and images with their predicted labels
`skclf.onnx`                  a fitted net as an ONNX file
`skclf.datasets`              data to try them on
============================  ======================================================================

Importing skclf, loading a fitted classifier and predicting with it load no TensorFlow; the first
``fit`` does.
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
