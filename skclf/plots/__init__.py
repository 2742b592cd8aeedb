"""Pictures of training and of predictions, in the form of scikit-learn's displays.

==========================  ====================================================================
`HistoryDisplay`            learning curve of a fitted net, with its best epoch
`ImagePredictionsDisplay`   images with the predicted labels and how probable they are
==========================  ====================================================================

A display stores what it shows, and draws it in `plot`. Only drawing needs Matplotlib, which
``pip install skclf[plots]`` brings along; no display loads TensorFlow.
"""

from ._history import HistoryDisplay
from ._image_predictions import ImagePredictionsDisplay

__all__ = ["HistoryDisplay", "ImagePredictionsDisplay"]
