"""Select rows of large arrays without copying them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# Smaller selections are copied, which makes later steps a little faster.
_BYTES_OF_A_COPY = 1 << 24
_BYTES_AT_ONCE = 1 << 22


class RowView:
    """Selected rows of one or more arrays, which can be read like a single array.

    Only the rows that are read are copied.

    Parameters
    ----------
    parts : tuple of ndarray of shape (n_rows_of_part, ...)
        C-contiguous arrays that differ only in the number of rows.
    at : ndarray of int of shape (n_rows,) or None
        Positions in the concatenated parts. None selects all rows.
    """

    def __init__(self, parts: tuple[np.ndarray, ...], at: np.ndarray | None = None) -> None:
        self.parts, self._at = parts, at
        self._starts = np.cumsum([0, *map(len, parts)])
        n_rows = int(self._starts[-1]) if at is None else len(at)
        self.shape = (n_rows, *parts[0].shape[1:])
        self.dtype, self.ndim = parts[0].dtype, parts[0].ndim
        self.nbytes = n_rows * self.dtype.itemsize * int(np.prod(self.shape[1:]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: Any) -> np.ndarray:
        """Copy the rows at these positions, given as an array or a slice."""
        if isinstance(chosen, slice):
            chosen = np.arange(*chosen.indices(len(self)))
        return self.take(chosen, np.empty((len(chosen), *self.shape[1:]), self.dtype))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def take(self, chosen: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Copy the rows at these positions to ``out``."""
        at = chosen if self._at is None else self._at[chosen]
        if len(self.parts) == 1:
            # With mode="raise", the default, NumPy writes to a buffer first and copies it to `out`.
            # The positions are known to be valid, so "clip" never changes one.
            return np.take(self.parts[0], at, axis=0, out=out, mode="clip")
        numbers = np.searchsorted(self._starts, at, side="right") - 1
        for number, part in enumerate(self.parts):
            of_part = np.flatnonzero(numbers == number)
            out[of_part] = part[at[of_part] - self._starts[number]]
        return out

    def reshape(self, *shape: int) -> RowView:
        """Return the same rows in another shape, which must begin with -1."""
        return RowView(tuple(part.reshape(shape) for part in self.parts), self._at)

    def min(self, axis: int) -> np.ndarray:
        """Return the smallest value of each column; the axis must be 0."""
        return self._reduced(np.minimum)

    def max(self, axis: int) -> np.ndarray:
        """Return the largest value of each column; the axis must be 0."""
        return self._reduced(np.maximum)

    def _reduced(self, function: np.ufunc) -> np.ndarray:
        step = max(1, _BYTES_AT_ONCE * len(self) // self.nbytes)
        pieces = (self[start : start + step] for start in range(0, len(self), step))
        return function.reduce([function.reduce(piece) for piece in pieces])


def rows_at(X: Any, at: np.ndarray) -> Any:
    """Return rows of an array or CSR matrix: as a copy, or as a view if a copy would be large.

    Parameters
    ----------
    X : {ndarray, CSR, RowView} of shape (n_rows, ...)
    at : ndarray of int of shape (n_chosen,)
    """
    if _is_large(X, len(at)):
        return RowView((X,), at)
    return X[at]


def rows_of_both(X: Any, more: Any) -> Any:
    """Concatenate the rows of two arrays: as a copy, or as a view if a copy would be large.

    Parameters
    ----------
    X, more : {ndarray, RowView} of shape (n_rows, ...)
    """
    n_rows = len(X) + len(more)
    if _is_large(X, n_rows) and _is_large(more, n_rows):
        return RowView((X, more))
    return np.concatenate([X, more])


def _is_large(X, n_rows):
    """Return whether this many rows justify a view, which is slow for non-contiguous arrays."""
    if not isinstance(X, np.ndarray) or not X.flags.c_contiguous or not len(X):
        return False
    return n_rows * (X.nbytes // len(X)) > _BYTES_OF_A_COPY


def each_part(X: Any, check: Callable[[Any], None]) -> None:
    """Call a function with the rows or, for a view, with each of the arrays that it refers to."""
    for part in X.parts if isinstance(X, RowView) else (X,):
        check(part)
