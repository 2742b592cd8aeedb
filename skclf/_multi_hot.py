"""Sequences of integer word ids -> sparse multi-hot rows, and back.

Reading (rows of any kind -> blocks of checked ids) and encoding (a block of ids -> sorted columns)
are plain functions; `MultiHotVectorizer` below them holds the parameters. A block is read in bulk;
only what the bulk reader doubts is read again id by id, and only there are ids complained about.
NumPy, SciPy and scikit-learn only: no other module of skclf, no TensorFlow.
"""

import operator
import reprlib
import struct
from collections.abc import Iterable, Mapping, Set
from itertools import chain, islice, pairwise
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

# A block of this many rows stays in the processor's cache, and bounds the memory beside the result.
_ROWS_IN_BLOCK = 128
# SciPy and scikit-learn index columns by int32: no matrix may be wider.
_MOST_COLUMNS = np.iinfo(np.int32).max
_LARGEST_ID = np.iinfo(np.int64).max
_BOOLEANS = (bool, np.bool_)


def _iterate_rows(X):
    """Return an iterator over the rows of `X`, whatever holds them."""
    if hasattr(X, "flat_values") and hasattr(X, "row_splits"):
        return _iterate_ragged_rows(np.asarray(X.flat_values), np.asarray(X.row_splits))
    fix = ""
    if hasattr(X, "columns"):
        fix = " Pass the one column that holds the id lists, such as frame['ids']."
    elif issparse(X):
        fix = " A sparse matrix is multi-hot already."
    elif isinstance(X, (str, bytes)):
        fix = " Split each text into words, and map each word to its id."
    # Mappings and sets have no order of rows, a 0-d array has no rows.
    elif isinstance(X, Iterable) and not isinstance(X, (Mapping, Set)) and getattr(X, "ndim", 1):
        return iter(X)
    raise TypeError(
        f"Got X of type {type(X).__name__}, but expected a sequence of rows, each a sequence of "
        f"non-negative integer ids, such as [[3, 1, 4], [1, 5]].{fix}"
    )


def _iterate_ragged_rows(values, splits):
    """Return an iterator over the rows ``values[splits[i]:splits[i + 1]]``."""
    rises = splits.ndim == 1 and splits.size and splits[0] == 0 and np.all(np.diff(splits) >= 0)
    if values.ndim != 1 or not rises or splits[-1] != len(values):
        raise ValueError(
            f"Got a ragged X with flat_values of shape {values.shape}, but expected one ragged "
            "dimension: flat_values of shape (n_ids,), row_splits that rise from 0 to n_ids."
        )
    return (values[start:stop] for start, stop in pairwise(splits.tolist()))


def _read_id(value, row_number):
    """Return `value` as an int, or say why it is no id."""
    is_boolean = isinstance(value, _BOOLEANS)
    try:
        number = -1 if is_boolean else operator.index(value)
    except TypeError:
        number = -1
    if 0 <= number <= _LARGEST_ID:
        return number
    error, shown = ValueError, reprlib.repr(value) if abs(number) < 10**99 else "beyond 10**99"
    missing = value is None or type(value).__name__ in ("NAType", "NaTType")  # pandas stays out
    if missing or (isinstance(value, Real) and value != value):
        what, fix = "missing id", "Drop it, or give missing words an id of their own."
    elif is_boolean:
        error, what, fix = TypeError, "boolean", "Turn a mask into ids by np.flatnonzero(mask)."
    elif isinstance(value, Integral):
        what = "negative id" if number < 0 else "huge id"
        fix = f"Shift ids to start at 0; the largest possible one is {_LARGEST_ID}."
    elif isinstance(value, Real):
        what, fix = "number", "Convert whole numbers with row.astype(int)."
    elif isinstance(value, (str, bytes)):
        error, what, fix = TypeError, "text", "Map words to ids: [vocabulary[w] for w in row]."
    else:
        error, what = TypeError, type(value).__name__
        fix = "Flatten nested rows: each row is one flat sequence of ids."
    raise error(
        f"Row {row_number} holds the {what} {shown}, but ids are non-negative integers. {fix}"
    )


def _read_row(row, row_number):
    """Return one row of any kind as an int64 array, or say what is wrong with it."""
    if hasattr(row, "__array__"):
        row = np.asanyarray(row)
        row = row.tolist() if row.ndim == 0 or np.ma.is_masked(row) else np.asarray(row)
    if isinstance(row, (str, bytes, Mapping)) or not isinstance(row, Iterable):
        fix = "Give a row without ids as []."
        if isinstance(row, (str, bytes)):
            fix = "Split it into words, and map each word to its id."
        elif isinstance(row, Real) and row == row:
            fix = "Where X is one flat row, pass [X]."
        raise TypeError(
            f"Row {row_number} is {reprlib.repr(row)} of type {type(row).__name__}, but each row "
            f"of X must be a sequence of non-negative integer ids. {fix}"
        )
    if isinstance(row, np.ndarray):
        if row.ndim == 1 and row.dtype.kind in "iu":
            if row.min(initial=0) >= 0 and row.max(initial=0) <= _LARGEST_ID:
                return row.astype(np.int64, copy=False)
        elif row.dtype.kind == "f" and np.isnan(row).any():
            row = row[np.isnan(row)]  # name the missing id, it has made the others floats
        row = row.tolist()
    return np.array([_read_id(value, row_number) for value in row], dtype=np.int64)


def _read_in_bulk(rows):
    """Return the ids of all `rows` as one int64 array, or None for rows that need a closer look."""
    kinds = set(map(type, rows))
    if kinds <= {list, tuple}:
        values = list(chain.from_iterable(rows))
        try:  # struct refuses floats, text, None and huge ints, and is faster than NumPy here
            ids = np.frombuffer(struct.pack(f"{len(values)}q", *values), dtype=np.int64)
        except (struct.error, TypeError, ValueError):
            return None
        # It takes booleans, but these can only be among the zeros and ones.
        if any(isinstance(values[i], _BOOLEANS) for i in np.flatnonzero(ids <= 1).tolist()):
            return None
    elif kinds == {np.ndarray} and {row.ndim for row in rows} == {1}:
        dtypes = {row.dtype for row in rows}
        if not all(dtype.kind in "iu" and np.can_cast(dtype, np.int64) for dtype in dtypes):
            return None
        ids = np.concatenate(rows, dtype=np.int64)
    else:
        return None
    return ids if ids.min(initial=0) >= 0 else None


def _read_blocks(X):
    """Yield ``(first_row, ids, lengths)``: the int64 ids of some rows, and each row's length."""
    rows, first_row = _iterate_rows(X), 0
    while block := list(islice(rows, _ROWS_IN_BLOCK)):
        ids = _read_in_bulk(block)
        if ids is None:
            block = [_read_row(row, first_row + i) for i, row in enumerate(block)]
            ids = np.concatenate(block)
        yield first_row, ids, np.fromiter(map(len, block), np.intp, len(block))
        first_row += len(block)
    if first_row == 0:
        raise ValueError("Got X without rows, but expected at least one sequence of ids.")


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
    """Return the distinct ids of each row in rising order (int32), and how many each row has."""
    # One sort for the whole block: a key holds the row in its high bits and the id in the low ones.
    bits = int(ids.max(initial=0)).bit_length()
    fits = len(lengths) << bits <= np.iinfo(np.int32).max
    row_starts = np.arange(len(lengths) + 1, dtype=np.int32 if fits else np.int64) << bits
    keys = np.repeat(row_starts[:-1], lengths)
    np.add(keys, ids, out=keys, dtype=keys.dtype, casting="same_kind")
    keys.sort()
    is_first = np.ones(keys.size, dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    keys = keys.compress(is_first)
    counts = np.diff(keys.searchsorted(row_starts))
    return (keys & ((1 << bits) - 1)).astype(np.int32, copy=False), counts


def _encode(X, num_words, handle_unknown):
    """Return the column indices and row pointers (int32) of the multi-hot rows of `X`."""
    indices, counts = [], [[0]]
    for first_row, ids, lengths in _read_blocks(X):
        ids, lengths = _place_unknown(ids, lengths, first_row, num_words, handle_unknown)
        block_indices, block_counts = _distinct_ids(ids, lengths)
        indices.append(block_indices)
        counts.append(block_counts)
    indptr = np.concatenate(counts).cumsum()
    fits = indptr[-1] <= np.iinfo(np.int32).max  # csr_array keeps the types that it is given
    return np.concatenate(indices), indptr.astype(np.int32 if fits else np.int64, copy=False)


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


class MultiHotVectorizer(TransformerMixin, BaseEstimator):
    """Turn sequences of integer ids into multi-hot rows.

    Row ``i`` of the result holds a one in each column whose number is among the ids of row ``i``,
    however often, and zeros elsewhere: a bag of words without counts.

    Parameters
    ----------
    num_words : int, default=None
        Number of columns; known ids are 0 to ``num_words - 1``. None learns the largest id plus
        one in `fit`, or takes the largest id of the `vocabulary` plus one, whatever the data hold.
    handle_unknown : {"ignore", "error"} or int, default="ignore"
        Ids of `num_words` or more are dropped ("ignore"), raise a ValueError that names the first
        one and its row ("error"), or all go to the column of this number (`oov_char` in Keras).
    dtype : dtype, default=np.float32
        Type of the ones: integer, boolean or floating, except float16, unknown to SciPy's sparse
        matrices.
    sparse_output : bool, default=True
        Whether to return a CSR matrix, or else a dense array.
    vocabulary : dict of {str: int}, default=None
        The id of each word, in the numbering of the data (Keras's ``imdb.get_word_index()`` is 3
        behind its data). It names the columns, and `decode` needs it.

    Attributes
    ----------
    num_words_ : int
        Number of columns. With `num_words` or `vocabulary`, `transform` works without `fit`.

    See Also
    --------
    BinaryDenseClassifier : A net for two classes that takes the sparse rows as they are.
    sklearn.preprocessing.MultiLabelBinarizer : The same for labels of any kind; slower.
    sklearn.feature_extraction.text.CountVectorizer : Texts to counts of words.

    Notes
    -----
    Rows are lists, tuples, NumPy arrays or other iterables of integers, held by a list, an array,
    a pandas Series, a generator or a ``tf.RaggedTensor`` with one ragged dimension. A row may be
    empty, `X` may not. Messages count rows from 0. Floats are refused even if whole, as Python
    refuses them as an index, and booleans too, which look like a mask. 0 is an id like any other,
    so leave padding out. The CSR matrix is canonical, with int32 indices; it is a `csr_matrix`, or
    a `csr_array` if scikit-learn's setting ``sparse_interface`` says so for its own vectorizers.

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
        num_words=None,
        *,
        handle_unknown="ignore",
        dtype=np.float32,
        sparse_output=True,
        vocabulary=None,
    ):
        self.num_words = num_words
        self.handle_unknown = handle_unknown
        self.dtype = dtype
        self.sparse_output = sparse_output
        self.vocabulary = vocabulary

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the number of columns, and refuse whatever `transform` would refuse.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            The ids of each sample; none is kept.
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
            If `X` is not a sequence of rows, a row not of ids (a flat list, None), or an id not a
            number (text, a boolean, a nested list).
        """
        num_words, largest = self._resolve_num_words(), -1
        for first_row, ids, lengths in _read_blocks(X):
            ids, _ = _place_unknown(ids, lengths, first_row, num_words, self.handle_unknown)
            largest = max(largest, int(ids.max(initial=-1)))
        self.num_words_ = num_words or self._resolve_num_words(learned=largest + 1)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
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
        learned = int(indices.max(initial=-1)) + 1
        num_words = num_words or self._resolve_num_words(learned=learned)
        X_multi_hot = self._assemble(indices, indptr, num_words)
        self.num_words_ = num_words
        return X_multi_hot

    def transform(self, X):
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
        return self._assemble(*_encode(X, num_words, self.handle_unknown), num_words)

    def inverse_transform(self, X):
        """Return the ids whose columns hold a one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, `num_words_`)
            Zeros and ones; a ValueError refuses anything else.

        Returns
        -------
        ids : list of n_samples ndarrays of type int64
            The distinct ids of each sample, rising.
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

    def decode(self, X):
        """Return the words behind ids, or behind multi-hot rows.

        Parameters
        ----------
        X : iterable of n_samples iterables of int, or multi-hot rows
            Ids as in `fit`; or rows as in `inverse_transform`, recognized by a sparse matrix, a
            DataFrame or a 2-D array of floats or booleans (a 2-D array of integers holds ids).

        Returns
        -------
        words : list of n_samples lists of str
            The word of each id, also beyond `num_words`; "?" for an id without a word.
        """
        if self.vocabulary is None:
            raise ValueError("decode needs to know the words: set the vocabulary parameter.")
        words = _words_by_id(self.vocabulary)
        is_mask = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fb"
        if is_mask or issparse(X) or hasattr(X, "columns"):
            X = self.inverse_transform(X)
        decoded = []
        for _, ids, lengths in _read_blocks(X):
            block = iter([words.get(i, "?") for i in ids.tolist()])
            decoded += [list(islice(block, length)) for length in lengths.tolist()]
        return decoded

    def get_feature_names_out(self, input_features=None):
        """Return the word of each column, or ``"id_7"`` if id 7 has none.

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
        names = [words.get(i, f"id_{i}") for i in range(self._known_num_words())]
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
            raise ValueError("The 'num_words' and 'handle_unknown' parameters take no booleans.")
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
            check_is_fitted(self, msg="%(name)s has not been told num_words: set it, or call fit.")
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.num_words is None and self.vocabulary is None
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []
        return tags
