"""Data to try the classifiers on: two sets that are made, two that are read.

===============  ======================================================  =================
made             rows                                                    classes
===============  ======================================================  =================
make_shapes      grey images of filled shapes                            square, circle, …
make_low_high    four numbers between 0 and 100                          low, high
===============  ======================================================  =================

===============  ======================================================  =================
read             rows                                                    classes
===============  ======================================================  =================
fetch_imdb       film reviews as sequences of word ids                   negative, positive
fetch_reuters    newswires as sequences of word ids                      46 or 52 topics
===============  ======================================================  =================

Each returns a `sklearn.utils.Bunch`, or ``(X, y)`` with ``return_X_y=True``.

One file, one idea: `_shapes` and `_low_high` make data; `_imdb` and `_reuters` know the files of
their set; `_sources` finds those files, `_hosted` knows Keras's, `_ragged_npz` opens them;
`_coding` turns words into ids, and `_corpus` turns coded texts into what the user gets. Nothing
here imports another part of skclf, or TensorFlow.
"""

from ._imdb import fetch_imdb
from ._low_high import make_low_high
from ._reuters import fetch_reuters
from ._shapes import make_shapes

__all__ = ["fetch_imdb", "fetch_reuters", "make_low_high", "make_shapes"]
