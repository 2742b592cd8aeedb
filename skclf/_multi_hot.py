"""Convert sequences of integer word ids to sparse multi-hot rows, and back.

`_ids` reads the rows, `_bags` turns them into the arrays of a CSR matrix, `_vocabulary` checks the
words, and `MultiHotVectorizer` holds the parameters. Doesn't import TensorFlow; from skclf it
imports only these three modules, `_constraints`, `_repr`, `_versions` and `_typing`.
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
from sklearn.utils.validation import check_is_fitted

from skclf._bags import MOST_COLUMNS, counts_as, encode, place_unknown
from skclf._constraints import Interval, StrOptions
from skclf._ids import read_blocks
from skclf._repr import ApiPageMixin, FittedReprMixin
from skclf._typing import keeps_type
from skclf._versions import refusal, with_versions, without_versions
from skclf._vocabulary import names_of_columns, words_by_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from scipy import sparse

    from skclf._typing import MatrixLike

# The attributes that the checksum of a saved vectorizer covers.
_CHECKED = ("num_words_", "vocabulary")


def _from_state(state, name, parameters):
    """Return an estimator's attributes from its saved state, after checking it.

    Warns if another version saved the state. ``num_words_`` may differ from the parameters, which
    can change after a fit.
    """
    attributes = without_versions(state, name, parameters, _CHECKED)
    num_words = attributes.get("num_words_", 1)
    is_whole = isinstance(num_words, Integral) and not isinstance(num_words, bool)
    if not is_whole or not 1 <= num_words <= MOST_COLUMNS:
        fault = f"num_words_ is {num_words!r}, not an integer from 1 to {MOST_COLUMNS}"
        raise refusal(name, fault, state)
    return attributes


class MultiHotVectorizer(ApiPageMixin, FittedReprMixin, TransformerMixin, BaseEstimator):
    """Convert sequences of integer ids to multi-hot rows or to bags of words.

    Each row of the result has one column per id. It contains a one for every id that occurs in the
    sequence, and zeros elsewhere. With ``binary=False`` it contains the number of occurrences.

    Parameters
    ----------
    num_words : int, default=None
        Number of columns; known ids are 0 to ``num_words - 1``. If None, it is the largest id of
        the `vocabulary` plus one or, without a vocabulary, the largest id seen in `fit` plus one.
    handle_unknown : {"ignore", "error"} or int, default="ignore"
        What to do with ids of `num_words` or more: "ignore" drops them, "error" raises a ValueError
        that names the first such id and its row, and an int is the column in which all of them are
        counted, like ``oov_char`` in `keras.datasets.imdb.load_data`.
    dtype : dtype, default=np.float32
        Type of the result: integer, boolean or floating, except float16, which sparse matrices
        don't support.
    sparse_output : bool, default=True
        Whether to return a CSR matrix instead of a dense array.
    vocabulary : dict of {str: int}, default=None
        The id of each word, as used in the data. Note that the ids of
        `keras.datasets.imdb.get_word_index` are 3 lower than those in its data. The words become
        the names of the columns, and `decode` requires them.
    binary : bool, default=True
        Whether to count an id only once per row. If False, the result contains counts, as from
        `sklearn.feature_extraction.text.CountVectorizer`.
    norm : {"l1", "l2"}, default=None
        Divide each row by the sum of its values ("l1") or by its Euclidean length ("l2"), as
        `sklearn.preprocessing.normalize` does; rows without ids stay zero. Requires `dtype` to be
        np.float32 or np.float64. With ``binary=False, norm="l1"``, a first dense layer computes the
        mean of its kernel's rows over the ids, which is an embedding with average pooling.

    Attributes
    ----------
    num_words_ : int
        Number of columns. If `num_words` or `vocabulary` is set, `transform` works without `fit`.

    See Also
    --------
    SequencePadder : Converts the same sequences to an array of ids, for embedding layers.
    BinaryDenseClassifier : Dense net for two classes, which accepts the sparse rows directly.
    sklearn.preprocessing.MultiLabelBinarizer : Does the same for labels of any type; slower.
    sklearn.feature_extraction.text.CountVectorizer : Counts the words of raw texts.

    Notes
    -----
    `X` may be a list, an array, a `pandas.Series`, a generator or a `tf.RaggedTensor` with one
    ragged dimension. Its rows may be lists, tuples, NumPy arrays or other iterables of integers.
    Rows may be empty, but `X` may not. Error messages count rows from 0.

    Floats raise an error even if they are whole numbers, and so do booleans, because they look like
    a mask. 0 is an id like any other, so don't pad the rows.

    The CSR matrix is canonical and has int32 indices. It is a `scipy.sparse.csr_matrix`, or a
    `scipy.sparse.csr_array` if scikit-learn is configured with ``sparse_interface="sparray"``.

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

    Counts, and counts divided by their sum:

    >>> MultiHotVectorizer(4, binary=False).transform([[1, 3, 1]]).toarray()
    array([[0., 2., 0., 1.]], dtype=float32)
    >>> MultiHotVectorizer(4, binary=False, norm="l1").transform([[1, 3, 1, 1]]).toarray()
    array([[0.  , 0.75, 0.  , 0.25]], dtype=float32)
    """

    _parameter_constraints: dict = {
        "num_words": [Interval(Integral, 1, MOST_COLUMNS, closed="both"), None],
        "handle_unknown": [
            StrOptions({"ignore", "error"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "dtype": "no_validation",  # checked in _resolve_num_words
        "sparse_output": ["boolean"],
        "vocabulary": [Mapping, None],
        "binary": ["boolean"],
        "norm": [StrOptions({"l1", "l2"}), None],
    }

    def __init__(
        self,
        num_words: int | None = None,
        *,
        handle_unknown: int | str = "ignore",
        dtype: npt.DTypeLike = np.float32,
        sparse_output: bool = True,
        vocabulary: Mapping[str, int] | None = None,
        binary: bool = True,
        norm: str | None = None,
    ) -> None:
        self.num_words = num_words
        self.handle_unknown = handle_unknown
        self.dtype = dtype
        self.sparse_output = sparse_output
        self.vocabulary = vocabulary
        self.binary = binary
        self.norm = norm

    @keeps_type(_fit_context(prefer_skip_nested_validation=True))
    def fit(self, X: Iterable[Any], y: Any = None) -> Self:
        """Learn the number of columns and check the ids.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            The ids of each sample. They are not stored.
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

        Examples
        --------
        >>> from skclf import MultiHotVectorizer
        >>> vectorizer = MultiHotVectorizer().fit([[1, 3, 1], [2]])
        >>> vectorizer.num_words_
        4
        """
        num_words, learned = self._resolve_num_words(), 0
        for first_row, ids, lengths in read_blocks(X):
            ids, _ = place_unknown(ids, lengths, first_row, num_words, self.handle_unknown)
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
            The ids of each sample, as in `fit`.
        y : None
            Ignored.

        Returns
        -------
        X_multi_hot : {ndarray, CSR matrix} of shape (n_samples, `num_words_`)
            The multi-hot rows, as from `transform`.

        Raises
        ------
        ValueError, TypeError
            For the same reasons as in `fit`.

        Examples
        --------
        >>> from skclf import MultiHotVectorizer
        >>> reviews = (map(int, line.split()) for line in ["1 3 1", "2"])
        >>> MultiHotVectorizer().fit_transform(reviews).toarray()
        array([[0., 1., 0., 1.],
               [0., 0., 1., 0.]], dtype=float32)
        """
        num_words = self._resolve_num_words()
        indices, indptr, counts = encode(X, num_words, self.handle_unknown, not self.binary)
        if num_words is None:
            num_words = self._resolve_num_words(learned=int(indices.max(initial=-1)) + 1)
        X_multi_hot = self._assemble(indices, indptr, counts, num_words)
        self.num_words_ = num_words
        return X_multi_hot

    def transform(self, X: Iterable[Any]) -> sparse.csr_matrix | sparse.csr_array | np.ndarray:
        """Convert each sequence of ids to a multi-hot row.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            The ids of each sample, as in `fit`.

        Returns
        -------
        X_multi_hot : {ndarray, CSR matrix} of shape (n_samples, `num_words_`)
            Zeros and ones, or counts with ``binary=False``, of type `dtype` and normalized by
            `norm`.

        Raises
        ------
        ValueError, TypeError
            For the same reasons as in `fit`, or if `dtype` can't represent a count.
        sklearn.exceptions.NotFittedError
            If neither `num_words` nor `vocabulary` is set and `fit` was not called.

        Examples
        --------
        >>> from skclf import MultiHotVectorizer
        >>> vectorizer = MultiHotVectorizer(num_words=4, handle_unknown=0, binary=False)
        >>> vectorizer.transform([[1, 3, 1], [2, 99]]).toarray()
        array([[0., 2., 0., 1.],
               [1., 0., 1., 0.]], dtype=float32)
        """
        num_words = self._known_num_words()
        indices, indptr, counts = encode(X, num_words, self.handle_unknown, not self.binary)
        return self._assemble(indices, indptr, counts, num_words)

    def inverse_transform(self, X: MatrixLike) -> list[np.ndarray]:
        """Return the ids whose columns are not zero.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, `num_words_`)
            Multi-hot rows, as from `transform`.

        Returns
        -------
        ids : list of n_samples ndarrays of type int64
            The distinct ids of each sample, in ascending order.

        Raises
        ------
        ValueError
            If the number of columns is wrong, or if a value can't be a result of `transform`: one
            other than 0 and 1 or, with ``binary=False`` or `norm`, a negative one.

        Examples
        --------
        >>> from skclf import MultiHotVectorizer
        >>> vectorizer = MultiHotVectorizer(num_words=4)
        >>> vectorizer.inverse_transform([[0, 1, 0, 1], [0, 0, 0, 0]])
        [array([1, 3]), array([], dtype=int64)]
        """
        num_words = self._known_num_words()
        X = check_array(X, accept_sparse="csr", copy=True)
        if X.shape[1] != num_words:
            raise ValueError(f"Got X with {X.shape[1]} columns; expected {num_words}.")
        if issparse(X):
            X.sum_duplicates()
        values = X.data if issparse(X) else X
        has_ones = self.binary and self.norm is None
        wrong = values[(values != 0) & (values != 1)] if has_ones else values[values < 0]
        if wrong.size:
            expected = "only zeros and ones" if has_ones else "no negative values"
            raise ValueError(f"Got X with the value {wrong[0]}; expected {expected}.")
        X = csr_matrix(X != 0)  # also drops explicitly stored zeros
        ids = X.indices.astype(np.int64)
        return [ids[start:stop] for start, stop in pairwise(X.indptr.tolist())]

    def decode(self, X: Iterable[Any] | MatrixLike) -> list[list[str]]:
        """Return the words for ids or multi-hot rows.

        Parameters
        ----------
        X : iterable of n_samples iterables of int, or multi-hot rows
            Ids as in `fit`, or rows as in `inverse_transform`. Sparse matrices, DataFrames and 2-D
            arrays of floats or booleans are read as multi-hot rows, 2-D arrays of integers as ids.

        Returns
        -------
        words : list of n_samples lists of str
            The word of each id, including ids of `num_words` or more; "?" for ids that are not in
            the `vocabulary`.

        Raises
        ------
        ValueError
            If `vocabulary` is None, or for the same reasons as in `fit` or `inverse_transform`.
        TypeError
            For the same reasons as in `fit`.

        Examples
        --------
        >>> from skclf import MultiHotVectorizer
        >>> vectorizer = MultiHotVectorizer(vocabulary={"good": 1, "bad": 2, "film": 3})
        >>> vectorizer.decode([[1, 3], [3, 3, 99]])
        [['good', 'film'], ['film', 'film', '?']]
        """
        if self.vocabulary is None:
            raise ValueError(
                "Got vocabulary=None; expected the words, which decode needs. Set vocabulary."
            )
        words = words_by_id(self.vocabulary)
        is_mask = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fb"
        if is_mask or issparse(X) or hasattr(X, "columns"):
            X = self.inverse_transform(X)
        decoded = []
        for _, ids, lengths in read_blocks(X):
            block = iter([words.get(i, "?") for i in ids.tolist()])
            decoded += [list(islice(block, length)) for length in lengths.tolist()]
        return decoded

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the name of each column, which is its word.

        The name of a column without a word is its id, such as ``"id_7"``, with an underscore
        appended if that is itself a word, so that all names are different.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (`num_words_`,), of str objects
            Names in the order of the columns.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If neither `num_words` nor `vocabulary` is set and `fit` was not called.

        Examples
        --------
        >>> from skclf import MultiHotVectorizer
        >>> vectorizer = MultiHotVectorizer(vocabulary={"good": 1, "bad": 2, "film": 3})
        >>> vectorizer.get_feature_names_out()
        array(['id_0', 'good', 'bad', 'film'], dtype=object)
        """
        words = {} if self.vocabulary is None else words_by_id(self.vocabulary)
        return np.array(names_of_columns(words, self._known_num_words()), dtype=object)

    def _resolve_num_words(self, learned=None):
        """Return the number of columns, which is `learned` if given, and check the parameters."""
        num_words = self.num_words if learned is None else learned
        if learned is None and self.vocabulary is not None:
            words = words_by_id(self.vocabulary)
            num_words = max(words) + 1 if num_words is None else num_words
        if num_words == 0:
            raise ValueError("Got only empty rows; expected at least one id. Set num_words.")
        dtype, column = np.dtype(self.dtype), self.handle_unknown
        if dtype.kind not in "biuf" or dtype == np.float16:
            raise ValueError(
                "The 'dtype' parameter must be an integer, boolean or floating type that SciPy's "
                f"sparse matrices hold, such as np.float32. Got {self.dtype!r} instead."
            )
        if self.norm is not None and dtype not in (np.float32, np.float64):
            raise ValueError(
                f"Got dtype={self.dtype!r} with norm={self.norm!r}; expected np.float32 or "
                "np.float64, because normalized values are fractions."
            )
        if isinstance(self.num_words, bool):
            raise ValueError(f"Got num_words={self.num_words}; expected an integer or None.")
        if isinstance(column, bool):
            raise ValueError(
                f"Got handle_unknown={column}; expected 'error', 'ignore' or an integer."
            )
        if num_words is not None and isinstance(column, Integral) and column >= num_words:
            raise ValueError(
                f"Got handle_unknown={column} with {num_words} columns; expected a column from 0 "
                f"to {num_words - 1}. Choose one of them, or increase num_words."
            )
        return None if num_words is None else int(num_words)

    def _known_num_words(self):
        """Return the number of columns, from `fit` or from the parameters."""
        self._validate_params()
        num_words = self._resolve_num_words(learned=getattr(self, "num_words_", None))
        if num_words is None:
            check_is_fitted(
                self, msg="This %(name)s instance is not fitted yet. Call 'fit', or set num_words."
            )
        return num_words

    def _assemble(self, indices, indptr, counts, num_words):
        """Return a canonical CSR matrix of ones or counts, or the dense array."""
        # scikit-learn's setting decides, as for its own vectorizers (from version 1.9).
        wants_array = get_config().get("sparse_interface") == "sparray"
        container = csr_array if wants_array else csr_matrix
        if counts is None:
            data = np.ones(len(indices), self.dtype)
        else:
            data = counts_as(self.dtype, counts)
        X = container((data, indices, indptr), shape=(len(indptr) - 1, num_words))
        X.has_sorted_indices = X.has_canonical_format = True
        if self.norm is not None:
            # Imported here because it takes longer to load than the rest of skclf.
            from sklearn.preprocessing import normalize

            X = normalize(X, self.norm, copy=False)
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
