"""Samples: rows with their encoded labels, weights and groups, as one record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skclf import _rows
from skclf._row_view import rows_at


@dataclass(frozen=True, eq=False)
class Samples:
    """Validated rows to train, validate or evaluate on.

    Parameters
    ----------
    X : {ndarray, CSR, RowView} of shape (n_rows, n_features), dtype float32
    codes : ndarray of shape (n_rows,) or (n_rows, n_labels)
        Labels, as encoded by the target.
    weights : ndarray of shape (n_rows,) or None
    groups : ndarray of int of shape (n_rows,) or None
        Number of each row's group.
    positions : ndarray of int of shape (n_rows,) or None
        Positions of the rows in the data that the user passed.
    """

    X: Any
    codes: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    positions: np.ndarray | None = None

    def __len__(self) -> int:
        return self.X.shape[0]

    def take(self, at: np.ndarray) -> Samples:
        """The samples at these positions."""
        others = (self.weights, self.groups, self.positions)
        taken = (None if column is None else column[at] for column in others)
        return Samples(rows_at(self.X, at), self.codes[at], *taken)

    def without_weightless(self) -> Samples:
        """The samples with a weight other than 0."""
        if self.weights is None or self.weights.all():
            return self
        return self.take(np.flatnonzero(self.weights))

    def merged(self) -> Samples:
        """Samples with equal ones merged and their weights added, in a canonical order."""
        return Samples(*_rows.merge_repeated_rows(self.X, self.codes, self.weights))

    def followed_by(self, more: Samples) -> Samples:
        """These samples followed by others, without groups and positions."""
        columns = (self.X, self.codes, self.weights), (more.X, more.codes, more.weights)
        return Samples(*_rows.stacked(*columns))

    def in_format_of(self, other: Samples) -> Samples:
        """The same samples, with sparse rows if the others are sparse, else dense rows."""
        return replace(self, X=_rows.of_one_kind(self.X, other.X))

    def weighted(self, weights: np.ndarray | None) -> Samples:
        """The same samples with other weights."""
        return replace(self, weights=weights)
