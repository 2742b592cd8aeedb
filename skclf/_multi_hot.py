"""Sequences of integer word ids -> sparse multi-hot rows, and back.

`_ids` reads the rows. Here plain functions turn a block of ids into sorted columns, and
`MultiHotVectorizer` below them holds the parameters. No TensorFlow, and of skclf only `_ids`,
`_versions` and `_typing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice, pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skclf._ids import read_blocks, rows_holding
from skclf._typing import keeps_type
from skclf._versions import refusal, with_versions, without_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from scipy import sparse

    from skclf._typing import MatrixLike

# This many ids are sorted within the innermost cache, and the sort outweighs the call.
_IDS_IN_SORT = 2000
# SciPy and scikit-learn index columns by int32, so no matrix may be wider.
_MOST_COLUMNS = np.iinfo(np.int32).max
# What the checksum of a saved vectorizer covers.
_CHECKED = ("num_words_", "vocabulary")


def _place_unknown(ids, lengths, first_row, num_words, handle_unknown):
    """Return `ids` and `lengths` with each id from `num_words` on dropped, moved or refused."""
    limit = _MOST_COLUMNS if num_words is None else num_words
    if ids.max(initial=0) < limit:
        return ids, lengths
    known, ends = ids < limit, lengths.cumsum()
    if num_words is None or handle_unknown == "error":
        position = known.argmin()
        row_number = first_row + ends.searchsorted(position, side="right")
        fix = "Set num_words, and" if num_words is None else "Raise num_words, or"
        raise ValueError(
            f"Row {row_number} holds the id {ids[position]}, but with num_words={num_words} ids "
            f"must be less than {limit}. {fix} let handle_unknown drop such ids ('ignore') or put "
            "them in one column (its number)."
        )
    if handle_unknown == "ignore":
        known_before = np.append(0, known.cumsum())
        return ids.compress(known), np.diff(known_before[np.append(0, ends)])
    return np.where(known, ids, int(handle_unknown)), lengths


def _distinct_ids(ids, lengths):
    """Return the distinct ids of each row in ascending order (int32), and how many each row has."""
    # A key holds the row in its high bits and the id in the low ones.
    bits = int(ids.max(initial=0)).bit_length()
    fits = len(lengths) << bits <= np.iinfo(np.int32).max
    row_starts = np.arange(len(lengths) + 1, dtype=np.int32 if fits else np.int64) << bits
    keys = np.repeat(row_starts[:-1], lengths)
    np.add(keys, ids, out=keys, dtype=keys.dtype, casting="same_kind")
    # The rows are in order already, so a few of them at a time sort faster than all at once.
    step = rows_holding(_IDS_IN_SORT, len(lengths), len(keys))
    stops = lengths.cumsum()[step - 1 : -1 : step].tolist()
    for start, stop in pairwise([0, *stops, len(keys)]):
        keys[start:stop].sort()
    is_first = np.empty(len(keys), dtype=bool)
    is_first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    keys = keys.compress(is_first)
    counts = np.diff(keys.searchsorted(row_starts))
    keys &= (1 << bits) - 1
    return keys.astype(np.int32, copy=False), counts


def _with_room(array, size):
    """Return `array`, or a longer one that begins alike, for at least `size` numbers."""
    if size <= len(array):
        return array
    longer = np.empty(2 * size, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def _encode(X, num_words, handle_unknown):
    """Return the column indices and row pointers (int32) of the multi-hot rows of `X`."""
    # One array that grows; allocating many small ones takes longer.
    indices, n_indices, counts = np.empty(0, dtype=np.int32), 0, [[0]]
    for first_row, ids, lengths in read_blocks(X):
        ids, lengths = _place_unknown(ids, lengths, first_row, num_words, handle_unknown)
        block_indices, block_counts = _distinct_ids(ids, lengths)
        start, n_indices = n_indices, n_indices + len(block_indices)
        indices = _with_room(indices, n_indices)
        indices[start:n_indices] = block_indices
        counts.append(block_counts)
    indices.resize(n_indices, refcheck=False)
    indptr = np.concatenate(counts).cumsum()
    fits = n_indices <= np.iinfo(np.int32).max  # csr_array keeps the types of its arguments
    return indices, indptr.astype(np.int32 if fits else np.int64, copy=False)


def _words_by_id(vocabulary):
    """Return ``{id: word}`` for ``{word: id}``, checked."""
    words = {}
    for word, value in vocabulary.items():
        is_id = isinstance(value, Integral) and not isinstance(value, bool)
        if not (is_id and 0 <= value < _MOST_COLUMNS and isinstance(word, str)) or value in words:
            twin = f", like {words[value]!r}" if is_id and value in words else ""
            raise ValueError(
                "The 'vocabulary' parameter must map each word, a string, to an id of its own, an "
                f"integer from 0 to {_MOST_COLUMNS - 1}, but it maps {word!r} to {value!r}{twin}."
            )
        words[int(value)] = word
    if not words:
        raise ValueError("Got an empty vocabulary. Give at least one word, or vocabulary=None.")
    return words


def _free_name(name, taken):
    """Return `name`, with underscores appended until it differs from the names in `taken`."""
    while name in taken:
        name += "_"
    return name


def _from_state(state, name, parameters):
    """Return an estimator's attributes from its saved state, after checks; warn of other versions.

    The number of columns may differ from that of the parameters, which can change after a fit.
    """
    attributes = without_versions(state, name, parameters, _CHECKED)
    num_words = attributes.get("num_words_", 1)
    is_whole = isinstance(num_words, Integral) and not isinstance(num_words, bool)
    if not is_whole or not 1 <= num_words <= _MOST_COLUMNS:
        fault = f"num_words_ is {num_words!r}, and not a whole number from 1 to {_MOST_COLUMNS}"
        raise refusal(name, fault, state)
    return attributes


class MultiHotVectorizer(TransformerMixin, BaseEstimator):
    """Turn sequences of integer ids into multi-hot rows.

    Row ``i`` of the result has a one in each column whose number occurs among the ids of row ``i``,
    and zeros elsewhere: a bag of words without counts.

    Parameters
    ----------
    num_words : int, default=None
        Number of columns; known ids are 0 to ``num_words - 1``. If None, it is the largest id of
        the `vocabulary` plus one or, without a vocabulary, the largest id seen in `fit` plus one.
    handle_unknown : {"ignore", "error"} or int, default="ignore"
        What to do with ids of `num_words` or more: "ignore" drops them, "error" raises a ValueError
        that names the first one and its row, and an int puts them all in the column of that number
        (like `oov_char` in Keras).
    dtype : dtype, default=np.float32
        Type of the result: integer, boolean or floating, except float16, which SciPy's sparse
        matrices don't support.
    sparse_output : bool, default=True
        Whether to return a CSR matrix instead of a dense array.
    vocabulary : dict of {str: int}, default=None
        The id of each word, in the numbering of the data (the ids of Keras's
        ``imdb.get_word_index()`` are 3 lower than those in its data). It gives the columns their
        names, and `decode` requires it.

    Attributes
    ----------
    num_words_ : int
        Number of columns. If `num_words` or `vocabulary` is set, `transform` works without `fit`.

    See Also
    --------
    SequencePadder : The same sequences as an array of ids, for nets with an embedding layer.
    BinaryDenseClassifier : A net for two classes that takes the sparse rows as they are.
    sklearn.preprocessing.MultiLabelBinarizer : The same for labels of any kind; slower.
    sklearn.feature_extraction.text.CountVectorizer : Texts to counts of words.

    Notes
    -----
    Rows are lists, tuples, NumPy arrays or other iterables of integers, held by a list, an array,
    a pandas Series, a generator or a ``tf.RaggedTensor`` with one ragged dimension. A row may be
    empty, `X` may not. Error messages count rows from 0. Floats raise an error even if they are
    whole, as they do as an index in Python, and so do booleans, which look like a mask. 0 is an id
    like any other, so don't pad the rows. The CSR matrix is canonical and has int32 indices; it is
    a `csr_matrix`, or a `csr_array` if scikit-learn is configured with
    ``sparse_interface="sparray"``.

    Examples
    --------
    >>> from skclf import MultiHotVectorizer
    >>> vectorizer = MultiHotVectorizer(vocabulary={"<pad>": 0, "good": 1, "bad": 2, "film": 3})
    >>> X = vectorizer.fit_transform([[1, 3, 1], [2, 3, 99]])
    >>> X.toarray()
    array([[0., 1., 0., 1.],
           [0., 0., 1., 1.]], dtype=float32)
    >>> vectorizer.get_feature_names_out()
    array(['<pad>', 'good', 'bad', 'film'], dtype=object)
    >>> vectorizer.inverse_transform(X)
    [array([1, 3]), array([2, 3])]
    >>> vectorizer.decode([[1, 3, 1], [2, 3, 99]])
    [['good', 'film', 'good'], ['bad', 'film', '?']]
    """

    _parameter_constraints: dict = {
        "num_words": [Interval(Integral, 1, _MOST_COLUMNS, closed="both"), None],
        "handle_unknown": [
            StrOptions({"ignore", "error"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "dtype": "no_validation",  # what NumPy reads as a dtype, see _resolve_num_words
        "sparse_output": ["boolean"],
        "vocabulary": [Mapping, None],
    }

    def __init__(
        self,
        num_words: int | None = None,
        *,
        handle_unknown: int | str = "ignore",
        dtype: npt.DTypeLike = np.float32,
        sparse_output: bool = True,
        vocabulary: Mapping[str, int] | None = None,
    ) -> None:
        self.num_words = num_words
        self.handle_unknown = handle_unknown
        self.dtype = dtype
        self.sparse_output = sparse_output
        self.vocabulary = vocabulary

    @keeps_type(_fit_context(prefer_skip_nested_validation=True))
    def fit(self, X: Iterable[Any], y: Any = None) -> Self:
        """Learn the number of columns, and check the ids as `transform` does.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            The ids of each sample; none are stored.
        y : None
            Ignored.

        Returns
        -------
        self : MultiHotVectorizer
            The fitted vectorizer.

        Raises
        ------
        ValueError
            If `X` has no rows; if an id is negative, fractional, missing, too large or, with
            ``handle_unknown="error"``, unknown. The message names the row and the id.
        TypeError
            If `X` is not a sequence of rows, if a row is not a sequence of ids (a flat list, None),
            or if an id is not a number (text, a boolean, a nested list).
        """
        num_words, learned = self._resolve_num_words(), 0
        for first_row, ids, lengths in read_blocks(X):
            ids, _ = _place_unknown(ids, lengths, first_row, num_words, self.handle_unknown)
            learned = max(learned, int(ids.max()) + 1) if ids.size else learned
        self.num_words_ = num_words or self._resolve_num_words(learned=learned)
        return self

    @keeps_type(_fit_context(prefer_skip_nested_validation=True))
    def fit_transform(
        self, X: Iterable[Any], y: Any = None
    ) -> sparse.csr_matrix | sparse.csr_array | np.ndarray:
        """Fit and transform in a single pass, so that `X` may be a generator.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            As in `fit`, with the same errors.
        y : None
            Ignored.

        Returns
        -------
        X_multi_hot : CSR matrix or ndarray of shape (n_samples, `num_words_`)
            As from `transform`.
        """
        num_words = self._resolve_num_words()
        indices, indptr = _encode(X, num_words, self.handle_unknown)
        if num_words is None:
            num_words = self._resolve_num_words(learned=int(indices.max(initial=-1)) + 1)
        X_multi_hot = self._assemble(indices, indptr, num_words)
        self.num_words_ = num_words
        return X_multi_hot

    def transform(self, X: Iterable[Any]) -> sparse.csr_matrix | sparse.csr_array | np.ndarray:
        """Turn each sequence of ids into a multi-hot row.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            As in `fit`, with the same errors.

        Returns
        -------
        X_multi_hot : CSR matrix or ndarray of shape (n_samples, `num_words_`)
            Zeros and ones of type `dtype`.
        """
        num_words = self._known_num_words()
        indices, indptr = _encode(X, num_words, self.handle_unknown)
        return self._assemble(indices, indptr, num_words)

    def inverse_transform(self, X: MatrixLike) -> list[np.ndarray]:
        """Return the ids whose columns hold a one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, `num_words_`)
            Zeros and ones; other values raise a ValueError.

        Returns
        -------
        ids : list of n_samples ndarrays of type int64
            The distinct ids of each sample, in ascending order.
        """
        num_words = self._known_num_words()
        X = check_array(X, accept_sparse="csr", copy=True)
        if X.shape[1] != num_words:
            raise ValueError(f"Got X with {X.shape[1]} columns, but expected {num_words}.")
        if issparse(X):
            X.sum_duplicates()
        values = X.data if issparse(X) else X
        wrong = values[(values != 0) & (values != 1)]
        if wrong.size:
            raise ValueError(f"Got X with the value {wrong[0]}, but expected only zeros and ones.")
        X = csr_matrix(X != 0)  # also drops zeros that are stored
        ids = X.indices.astype(np.int64)
        return [ids[start:stop] for start, stop in pairwise(X.indptr.tolist())]

    def decode(self, X: Iterable[Any] | MatrixLike) -> list[list[str]]:
        """Return the words behind ids, or behind multi-hot rows.

        Parameters
        ----------
        X : iterable of n_samples iterables of int, or multi-hot rows
            Ids as in `fit`, or rows as in `inverse_transform`. A sparse matrix, a DataFrame and a
            2-D array of floats or booleans are taken as rows; a 2-D array of integers holds ids.

        Returns
        -------
        words : list of n_samples lists of str
            The word of each id, also beyond `num_words`; "?" for an id without a word.
        """
        if self.vocabulary is None:
            raise ValueError("decode needs the words: set the vocabulary parameter.")
        words = _words_by_id(self.vocabulary)
        is_mask = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fb"
        if is_mask or issparse(X) or hasattr(X, "columns"):
            X = self.inverse_transform(X)
        decoded = []
        for _, ids, lengths in read_blocks(X):
            block = iter([words.get(i, "?") for i in ids.tolist()])
            decoded += [list(islice(block, length)) for length in lengths.tolist()]
        return decoded

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the word of each column, or ``"id_7"`` if id 7 has none; all names differ.

        If ``"id_7"`` is itself a word, the name of column 7 gets one more underscore.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (`num_words_`,), of str objects
            In the order of the columns.
        """
        words = {} if self.vocabulary is None else _words_by_id(self.vocabulary)
        taken = set(words.values())
        names = [
            words[i] if i in words else _free_name(f"id_{i}", taken)
            for i in range(self._known_num_words())
        ]
        return np.array(names, dtype=object)

    def _resolve_num_words(self, learned=None):
        """Return the number of columns, `learned` or fixed by the parameters; check these."""
        num_words = self.num_words if learned is None else learned
        if learned is None and self.vocabulary is not None:
            words = _words_by_id(self.vocabulary)
            num_words = max(words) + 1 if num_words is None else num_words
        if num_words == 0:
            raise ValueError("Got only empty rows, which have no largest id: set num_words.")
        dtype, column = np.dtype(self.dtype), self.handle_unknown
        if dtype.kind not in "biuf" or dtype == np.float16:
            raise ValueError(
                "The 'dtype' parameter must be an integer, boolean or floating type that SciPy's "
                f"sparse matrices hold, such as np.float32. Got {self.dtype!r} instead."
            )
        if isinstance(self.num_words, bool) or isinstance(column, bool):
            raise ValueError("'num_words' and 'handle_unknown' must not be booleans.")
        if num_words is not None and isinstance(column, Integral) and column >= num_words:
            raise ValueError(
                f"handle_unknown={column} is not one of the {num_words} columns: choose one from 0 "
                f"to {num_words - 1}, or raise num_words."
            )
        return None if num_words is None else int(num_words)

    def _known_num_words(self):
        """Return the number of columns, from `fit` or from the parameters."""
        self._validate_params()
        num_words = self._resolve_num_words(learned=getattr(self, "num_words_", None))
        if num_words is None:
            check_is_fitted(self, msg="%(name)s needs num_words: set it, or call fit.")
        return num_words

    def _assemble(self, indices, indptr, num_words):
        """Return a canonical CSR matrix of ones, or the dense array."""
        # csr_matrix or csr_array by scikit-learn's setting, as its own vectorizers do (from 1.9).
        wants_array = get_config().get("sparse_interface") == "sparray"
        container = csr_array if wants_array else csr_matrix
        data = np.ones(len(indices), dtype=self.dtype)
        X = container((data, indices, indptr), shape=(len(indptr) - 1, num_words))
        X.has_sorted_indices = X.has_canonical_format = True
        return X if self.sparse_output else X.toarray()

    def __getstate__(self):
        return with_versions(super().__getstate__(), _CHECKED)

    def __setstate__(self, state):
        name, parameters = type(self).__name__, self._parameter_constraints
        super().__setstate__(_from_state(state, name, parameters))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.num_words is None and self.vocabulary is None
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []
        return tags
