"""Plots of training and of predictions, as displays like those of scikit-learn.

==========================  ====================================================================
`HistoryDisplay`            learning curve of a fitted net, with its best epoch
`ImagePredictionsDisplay`   images with the predicted labels and how probable they are
==========================  ====================================================================

A display stores the data that it shows, and `plot` draws them. Only drawing needs Matplotlib, which
``pip install 'skclf[plots]'`` installs. Displays don't load TensorFlow.
"""

from ._history import HistoryDisplay
from ._image_predictions import ImagePredictionsDisplay

__all__ = ["HistoryDisplay", "ImagePredictionsDisplay"]
