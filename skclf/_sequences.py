"""Pad and truncate sequences of integer ids to one integer array.

`_ids` reads the rows, plain functions in this module truncate and pad a block of ids at a time, and
`SequencePadder` holds the parameters. Doesn't import Keras or TensorFlow; from skclf it imports
only `_ids`, `_constraints`, `_repr`, `_versions` and `_typing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.exceptions import NotFittedError

from skclf._constraints import Interval, StrOptions
from skclf._ids import read_blocks
from skclf._repr import ApiPageMixin, FittedReprMixin
from skclf._typing import keeps_type
from skclf._versions import refusal, with_versions, without_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sklearn.utils import Tags

_IDS = range(-(2**31), 2**31)  # of int32
# The same limit as for MultiHotVectorizer.
_MOST_COLUMNS = np.iinfo(np.int32).max
# The attributes that the checksum of a saved padder covers.
_CHECKED = ("maxlen_",)


@dataclass(frozen=True)
class _Block:
    """Some rows: all their ids (int32), concatenated, and the number of ids in each row."""

    ids: np.ndarray
    lengths: np.ndarray


def _read(X: Iterable[Any]) -> Iterator[_Block]:
    """Yield the rows of `X` in blocks."""
    for _, ids, lengths in read_blocks(X, allowed=_IDS):
        yield _Block(ids.astype(np.int32, copy=False), lengths)


def _truncate(block: _Block, maxlen: int, truncating: str) -> _Block:
    """Return the first ("post") or last ("pre") `maxlen` ids of each row."""
    kept = np.minimum(block.lengths, maxlen)
    n_kept = int(kept.sum())
    if n_kept == len(block.ids):
        return block
    sources = block.lengths.cumsum() - (kept if truncating == "pre" else block.lengths)
    targets = kept.cumsum() - kept
    positions = np.arange(n_kept) + np.repeat(sources - targets, kept)
    return _Block(block.ids[positions], kept)


def _pad(blocks: list[_Block], maxlen: int, padding: str, value: int) -> np.ndarray:
    """Return rows of at most `maxlen` ids as an array, padded with `value`."""
    X_padded = np.empty((sum(len(block.lengths) for block in blocks), maxlen), dtype=np.int32)
    # The comparisons below are a third of the work, and int32 halves their time.
    columns, start = np.arange(maxlen, dtype=np.int32), 0
    for block in blocks:
        lengths = block.lengths.astype(np.int32)[:, np.newaxis]
        holds_id = columns < lengths if padding == "post" else columns >= maxlen - lengths
        rows = X_padded[start : start + len(lengths)]
        rows.fill(value)
        rows[holds_id] = block.ids
        start += len(lengths)
    return X_padded


def _resolve_maxlen(maxlen: int | None, longest: int) -> int:
    """Return `maxlen`, or the length of the longest row if that is None."""
    if maxlen is None and longest == 0:
        raise ValueError("Got only empty rows; expected at least one id. Set maxlen.")
    return int(longest if maxlen is None else maxlen)


class SequencePadder(
    ApiPageMixin,
    FittedReprMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Pad and truncate sequences of integer ids to the same length.

    Sequences shorter than `maxlen` are padded with `value`, and longer ones are silently truncated.
    The result is an int32 array with one row per sequence, equal to that of
    `keras.utils.pad_sequences`, as required by nets that begin with an embedding layer.

    Parameters
    ----------
    maxlen : int, default=None
        Number of columns. If None, `fit` learns the length of the longest sequence.
    padding : {"pre", "post"}, default="pre"
        Whether to pad before the ids of a shorter sequence or after them.
    truncating : {"pre", "post"}, default="pre"
        Whether to remove ids from the beginning of a longer sequence or from its end.
    value : int, default=0
        The id to pad with, from -2**31 to 2**31 - 1.

    Attributes
    ----------
    maxlen_ : int
        Number of columns. If `maxlen` is set, `transform` works without `fit`.

    See Also
    --------
    MultiHotVectorizer : Converts the same sequences to sparse rows, for dense nets.

    Notes
    -----
    `X` may be a list, an array, a `pandas.Series`, a generator or a `tf.RaggedTensor` with one
    ragged dimension. Its rows may be lists, tuples, NumPy arrays or other iterables of integers.
    Rows may be empty, in which case all their columns are `value`, but `X` may not. Error messages
    count rows from 0.

    Ids must fit into int32. Unlike `MultiHotVectorizer`, the padder also accepts negative ids, as
    Keras does. All ids are checked, including those that are truncated. Nets convert ids to
    float32, which represents integers exactly only up to 2**24.

    Examples
    --------
    >>> from skclf import SequencePadder
    >>> padder = SequencePadder(maxlen=4)
    >>> padder.fit_transform([[7, 8], [1, 2, 3, 4, 5], []])
    array([[0, 0, 7, 8],
           [2, 3, 4, 5],
           [0, 0, 0, 0]], dtype=int32)
    >>> padder.set_params(padding="post", truncating="post", value=9)
    SequencePadder(maxlen=4, padding='post', truncating='post', value=9)
    >>> padder.fit_transform([[7, 8], [1, 2, 3, 4, 5], []])
    array([[7, 8, 9, 9],
           [1, 2, 3, 4],
           [9, 9, 9, 9]], dtype=int32)
    """

    maxlen_: int

    _parameter_constraints: dict = {
        "maxlen": [Interval(Integral, 1, _MOST_COLUMNS, closed="both"), None],
        "padding": [StrOptions({"pre", "post"})],
        "truncating": [StrOptions({"pre", "post"})],
        "value": [Interval(Integral, _IDS[0], _IDS[-1], closed="both")],
    }

    def __init__(
        self,
        maxlen: int | None = None,
        *,
        padding: str = "pre",
        truncating: str = "pre",
        value: int = 0,
    ) -> None:
        self.maxlen = maxlen
        self.padding = padding
        self.truncating = truncating
        self.value = value

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
        self : SequencePadder
            The fitted padder.

        Raises
        ------
        ValueError
            If `X` has no rows, or only empty rows and `maxlen` is None; if an id is a float,
            missing or does not fit into int32. The message names the row and the id.
        TypeError
            If `X` is not a sequence of rows, if a row is not a sequence of ids (a flat list, None),
            or if an id is not a number (text, a boolean, a nested list).

        Examples
        --------
        >>> from skclf import SequencePadder
        >>> padder = SequencePadder().fit([[7, 8], [1, 2, 3]])
        >>> padder.maxlen_
        3
        """
        maxlen = self._checked_maxlen()
        longest = max(int(block.lengths.max()) for block in _read(X))
        self.maxlen_ = _resolve_maxlen(maxlen, longest)
        return self

    @keeps_type(_fit_context(prefer_skip_nested_validation=True))
    def fit_transform(self, X: Iterable[Any], y: Any = None) -> np.ndarray:
        """Fit and transform in a single pass, so that `X` may be a generator.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            The ids of each sample, as in `fit`.
        y : None
            Ignored.

        Returns
        -------
        X_padded : ndarray of shape (n_samples, `maxlen_`), int32
            The padded rows, as from `transform`.

        Raises
        ------
        ValueError, TypeError
            For the same reasons as in `fit`.

        Examples
        --------
        >>> from skclf import SequencePadder
        >>> reviews = (map(int, line.split()) for line in ["7 8", "1 2 3"])
        >>> SequencePadder().fit_transform(reviews)
        array([[0, 7, 8],
               [1, 2, 3]], dtype=int32)
        """
        maxlen = self._checked_maxlen()
        blocks = self._read_truncated(X, maxlen)
        longest = max(int(block.lengths.max()) for block in blocks)
        maxlen = _resolve_maxlen(maxlen, longest)
        X_padded = _pad(blocks, maxlen, self.padding, self.value)
        self.maxlen_ = maxlen
        return X_padded

    def transform(self, X: Iterable[Any]) -> np.ndarray:
        """Pad or truncate each sequence.

        Parameters
        ----------
        X : iterable of n_samples iterables of int
            The ids of each sample, as in `fit`.

        Returns
        -------
        X_padded : ndarray of shape (n_samples, `maxlen_`), int32
            The ids of each sample, padded with `value`.

        Raises
        ------
        ValueError, TypeError
            For the same reasons as in `fit`.
        sklearn.exceptions.NotFittedError
            If `maxlen` is None and `fit` was not called.

        Examples
        --------
        >>> from skclf import SequencePadder
        >>> SequencePadder(maxlen=2, padding="post").transform([[7], [1, 2, 3]])
        array([[7, 0],
               [2, 3]], dtype=int32)
        """
        maxlen = self._known_maxlen()
        return _pad(self._read_truncated(X, maxlen), maxlen, self.padding, self.value)

    def _read_truncated(self, X: Iterable[Any], maxlen: int | None) -> list[_Block]:
        if maxlen is None:
            return list(_read(X))
        return [_truncate(block, maxlen, self.truncating) for block in _read(X)]

    def _checked_maxlen(self) -> int | None:
        """Return `maxlen`, after a check that `_parameter_constraints` can't express."""
        for name, allowed in (("maxlen", "an integer or None"), ("value", "an integer")):
            value = getattr(self, name)
            if isinstance(value, bool):
                raise ValueError(f"Got {name}={value}; expected {allowed}.")
        return self.maxlen

    def _known_maxlen(self) -> int:
        """Return the number of columns, from `fit` or from the parameters."""
        self._validate_params()
        maxlen = getattr(self, "maxlen_", self._checked_maxlen())
        if maxlen is None:
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit', or set maxlen."
            )
        return int(maxlen)

    @property
    def _n_features_out(self) -> int:
        return self._known_maxlen()

    def __getstate__(self) -> dict[str, Any]:
        return with_versions(super().__getstate__(), _CHECKED)

    def __setstate__(self, state: dict[str, Any]) -> None:
        name = type(self).__name__
        attributes = without_versions(state, name, self._parameter_constraints, _CHECKED)
        maxlen = attributes.get("maxlen_", 1)
        is_whole = isinstance(maxlen, Integral) and not isinstance(maxlen, bool)
        if not is_whole or not 1 <= maxlen <= _MOST_COLUMNS:
            fault = f"maxlen_ is {maxlen!r}, not an integer from 1 to {_MOST_COLUMNS}"
            raise refusal(name, fault, state)
        super().__setstate__(attributes)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.maxlen is None
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
