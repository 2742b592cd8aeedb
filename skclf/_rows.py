"""Check and prepare rows, weights and groups for training; pure functions.

pandas is imported only where it is used, because loading it takes longer than the rest of
``import skclf``.
"""

from __future__ import annotations

from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from skclf._labels import keys_of, some_of
from skclf._row_view import RowView, rows_of_both


def check_groups(groups: Any) -> np.ndarray:
    """Encode groups as integers from 0, in sorted order if the ids can be sorted.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
        Hashable ids: numbers, strings or tuples, which may be mixed.

    Returns
    -------
    ndarray of int of shape (n_rows,)

    Raises
    ------
    ValueError
        If an id is missing, or there are several columns.
    TypeError
        If an id is not hashable.
    """
    import pandas as pd

    ids: Any = np.asarray(groups, dtype=object)  # otherwise NumPy converts mixed ids to strings
    is_of_tuples = isinstance(groups, list | tuple) and all(isinstance(g, tuple) for g in groups)
    if ids.ndim == 0 or (ids.ndim > 1 and ids.shape[1:] != (1,) and not is_of_tuples):
        raise ValueError(
            f"Got groups of shape {ids.shape}; expected a 1-D array-like, with one id for each "
            "row. If several columns make up the id, pass list(map(tuple, np.asarray(groups)))."
        )
    missing = pd.isna(ids).reshape(len(ids), -1).any(axis=1)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"Got groups with a missing id in row {row} ({ids[row]}); expected an id for every "
            "row. Give each row that belongs to no group an id of its own."
        )
    ids = groups if is_of_tuples else ids.ravel().tolist()
    try:
        known: Any = dict.fromkeys(ids)
    except TypeError as error:
        raise TypeError(
            f"Got groups with unhashable ids ({error}); expected numbers, strings or tuples. "
            "Convert them to strings with list(map(str, groups))."
        ) from error
    with suppress(TypeError):  # numbers and strings can't be compared
        known = sorted(known)
    numbers = {group: number for number, group in enumerate(known)}
    return np.array([numbers[group] for group in ids], dtype=np.intp)


def class_weights(
    class_weight: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray | None:
    """Return the weight of each class, in the order of the classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        With ``"balanced"``, the weight of a class is ``n / (n_classes * n_of_class)``, as in
        `sklearn.utils.class_weight.compute_class_weight`, but with sums of the sample weights
        instead of numbers of rows.
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    ndarray of shape (n_classes,) or None
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if sample_weight is not None:
            sample_weight = sample_weight / sample_weight.max()  # otherwise the sum may overflow
        counts = np.bincount(codes, sample_weight, minlength=len(classes))
        # A class may have no rows if training continues with other rows.
        return np.divide(
            counts.sum(), len(classes) * counts, out=np.zeros(len(classes)), where=counts > 0
        )
    known = keys_of(classes)
    unknown = [label for label in class_weight if label not in known]
    if unknown:
        raise ValueError(
            f"Got class_weight with labels that are not among the classes: {some_of(unknown)}; "
            f"expected labels among {some_of(known)}."
        )
    weights = [1.0] * len(known)
    for label, weight in class_weight.items():
        weights[known.index(label)] = weight
    if not all(map(_is_weight, weights)) or not any(weights[code] for code in set(codes.tolist())):
        raise ValueError(
            f"Got class_weight={class_weight!r}; expected finite and non-negative weights, and a "
            "weight above 0 for at least one class in y."
        )
    return np.array(weights, dtype=np.float64)


def _is_weight(value):
    try:
        return isinstance(value, Real | np.bool_) and 0 <= float(value) < np.inf
    except OverflowError:
        return False


def with_mean_one(
    sample_weight: np.ndarray | None, class_weight: Any, codes: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Scale weights so that their product has a mean of 1 over the rows.

    Keras divides the weighted sum of the losses in a batch by the number of rows. With a mean of 1,
    the weights of all rows add up to that number, and a weight of 2 has the same effect as
    repeating the row.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_rows,) or None
    class_weight : ndarray of shape (n_classes,) or None
    codes : ndarray of int of shape (n_rows,)

    Returns
    -------
    sample_weight, class_weight : ndarray or None
    """
    # Divide by the largest weight first, so that the sum can't overflow.
    if sample_weight is not None:
        sample_weight = sample_weight / sample_weight.max()
        sample_weight = sample_weight / sample_weight.mean()
    if class_weight is not None:
        is_there = np.bincount(codes, minlength=len(class_weight)) > 0
        class_weight = np.where(is_there, class_weight, 0)
        class_weight = class_weight / class_weight.max()
        rows = class_weight[codes] if sample_weight is None else class_weight[codes] * sample_weight
        class_weight = class_weight / rows.mean()
    return sample_weight, class_weight


def feature_far_outside(X: Any, X_train: Any) -> int | None:
    """Return the first feature in which most rows are far outside the range of the training rows.

    A value is far outside if its distance from the range exceeds the width of the range. Such rows
    were probably not scaled in the same way as the training rows.

    Parameters
    ----------
    X, X_train : {ndarray, CSR} of shape (n_rows, n_features)

    Returns
    -------
    int or None
    """
    low, high = _ranges(X_train)
    width = np.where(high > low, high - low, np.maximum(np.abs(high), 1))
    # Most rows can be far outside only if the smallest or the largest value is, so all rows are
    # compared only for these features.
    smallest, largest = _ranges(X)
    doubtful = np.flatnonzero((smallest < low - width) | (largest > high + width))
    for feature in doubtful.tolist():
        column = X[:, [feature]]
        column = column.toarray() if sparse.issparse(column) else column
        outside = (column < low[feature] - width[feature]) | (
            column > high[feature] + width[feature]
        )
        if outside.mean() > 0.5:
            return feature
    return None


def _ranges(X):
    """Return the smallest and largest value of each feature, as float64."""
    bounds = X.min(axis=0), X.max(axis=0)
    if sparse.issparse(X):
        bounds = [bound.toarray() for bound in bounds]
    return [np.ravel(bound).astype(np.float64) for bound in bounds]


def check_in_float32(sample_weight: np.ndarray | None, class_weight: Any) -> None:
    """Raise an error if unscaled weights would become infinite in float32."""
    most = float(np.finfo(np.float32).max)  # with a number in float32, the comparison overflows
    of_row, of_class = (
        1.0 if weights is None else float(weights.max())
        for weights in (sample_weight, class_weight)
    )
    largest = max(of_row, of_class, of_row * of_class)
    if largest > most:
        raise ValueError(
            f"Got weights of up to {largest:.3g} (sample_weight times class_weight); expected at "
            f"most {most:.3g}, since partial_fit doesn't scale weights. Divide them by the largest."
        )


def without_weightless(X, y, sample_weight, *more):
    """Drop rows with weight 0 from all arrays; `sample_weight` and `more` may be None."""
    columns = (X, y, sample_weight, *more)
    if sample_weight is None or sample_weight.all():
        return columns
    kept = np.flatnonzero(sample_weight)
    return tuple(None if column is None else column[kept] for column in columns)


def stacked(
    rows: tuple[Any, np.ndarray, np.ndarray | None], more: tuple[Any, np.ndarray, np.ndarray | None]
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Concatenate two sets of rows ``(X, codes, sample_weight)``."""
    (X, codes, weights), (X_more, codes_more, weights_more) = rows, more
    if weights is not None or weights_more is not None:
        weights = np.concatenate(
            [
                np.ones(len(codes)) if weights is None else weights,
                np.ones(len(codes_more)) if weights_more is None else weights_more,
            ]
        )
    if sparse.issparse(X) or sparse.issparse(X_more):
        X = sparse.vstack([sparse.csr_array(X), sparse.csr_array(X_more)], format="csr")
    else:
        X = rows_of_both(X, X_more)
    return X, np.concatenate([codes, codes_more]), weights


def of_one_kind(X: Any, other: Any) -> Any:
    """Return ``X`` as a CSR matrix if ``other`` is sparse, else as an array."""
    if sparse.issparse(X) == sparse.issparse(other):
        return X
    return X.toarray() if sparse.issparse(X) else sparse.csr_array(X)


def merge_repeated_rows(
    X: Any, codes: np.ndarray, sample_weight: np.ndarray | None = None
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Merge equal rows with the same label, add up their weights, and sort the rows.

    If one batch contains all rows, their order, and whether a row is repeated or has twice the
    weight, affect the result of training only by rounding. Merging removes this difference.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, n_values)
    codes : ndarray of int of shape (n_rows,)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    X, codes, sample_weight
        The weights are None if they are all equal.
    """
    X = np.asarray(X) if isinstance(X, RowView) else X
    keys = [(code, *key) for code, key in zip(codes.tolist(), _row_keys(X), strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    first = [i for i in range(len(order)) if not i or keys[order[i]] != keys[order[i - 1]]]
    weights = np.ones(len(codes)) if sample_weight is None else sample_weight
    sums = np.add.reduceat(weights[order], first)
    kept = np.array(order)[first]
    return X[kept], codes[kept], None if np.ptp(sums) == 0 else sums


def _row_keys(X):
    if not sparse.issparse(X):
        return ((row.tobytes(),) for row in np.ascontiguousarray(X))
    bounds = zip(X.indptr[:-1], X.indptr[1:], strict=True)
    return ((X.indices[a:b].tobytes(), X.data[a:b].tobytes()) for a, b in bounds)
