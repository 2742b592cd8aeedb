"""Pure functions that validate and weight indicator matrices, which have a column for each label.

pandas is not imported: a DataFrame is recognized by its attribute ``columns``.
"""

from __future__ import annotations

from collections.abc import Set
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

# Types of indicators that predictions keep; others are predicted as int64.
DTYPES = {"bool", "float16", "float32", "float64"}
DTYPES |= {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def check_indicator(y: Any, name: str = "y") -> np.ndarray:
    """Validate an indicator matrix and return it as a dense array of zeros and ones.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (n_rows, n_labels)
    name : str
        For messages.

    Returns
    -------
    ndarray of uint8 of shape (n_rows, n_labels)

    Raises
    ------
    ValueError
        If ``y`` is not a matrix with at least two columns, or has values other than 0 and 1.
    """
    array = y.toarray() if sparse.issparse(y) else _as_array(y, name)
    if array.ndim != 2:
        raise ValueError(_message_for_one_label(array, name))
    if array.shape[1] < 2:
        raise ValueError(
            f"Got {name} of shape {array.shape}; expected an indicator matrix with a column of 0 "
            "and 1 for each of at least two labels. For one label use BinaryDenseClassifier, with "
            f"{name}.ravel()."
        )
    if array.dtype.kind not in "biuf":
        array = _numbers(array, name)
    is_right = (array == 0) | (array == 1)
    if not is_right.all():
        row, column = np.argwhere(~is_right)[0]
        raise ValueError(
            f"Got {name} with {array[row, column]!r} in row {row}, column {column}; expected an "
            "indicator matrix of 0 and 1 or of booleans, with a column for each label."
        )
    return array.astype(np.uint8)


def _as_array(y, name):
    is_of_sets = isinstance(y, list | tuple) and any(isinstance(row, Set) for row in y)
    try:
        array = np.asarray(None if is_of_sets else y)
    except ValueError as error:  # lists of different lengths
        raise ValueError(_message_for_lists(name)) from error
    is_of_lists = array.dtype == object and array.ndim == 1 and not isinstance(y[0], str)
    if is_of_sets or is_of_lists:
        raise ValueError(_message_for_lists(name))
    return array


def _message_for_lists(name):
    return (
        f"Got {name} with sets or lists of labels; expected an indicator matrix of 0 and 1. "
        f"Pass sklearn.preprocessing.MultiLabelBinarizer().fit_transform({name})."
    )


def _message_for_one_label(array, name):
    return (
        f"Got {name} of shape {array.shape}; expected an indicator matrix, with a column of 0 and "
        "1 for each label. If each row has one label, use BinaryDenseClassifier or "
        "MulticlassDenseClassifier."
    )


def _numbers(array, name):
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Got {name} of type {array.dtype}; expected an indicator matrix of 0 and 1 or of "
            "booleans, with a column for each label and no missing values. Convert lists of labels "
            "with sklearn.preprocessing.MultiLabelBinarizer."
        ) from error


def names_of(y: Any) -> tuple[str, ...] | None:
    """Column names of a DataFrame as strings; None for other types and for default names."""
    columns = getattr(y, "columns", None)
    if columns is None or list(columns) == list(range(len(columns))):
        return None
    names = tuple(map(str, columns))
    if len(set(names)) < len(names):
        raise ValueError(
            f"Got y with the columns {', '.join(names)}; expected a different name for each label."
        )
    return names


def dtype_of(y: Any) -> np.dtype[Any]:
    """The type of predictions after a fit on this indicator."""
    dtype = y.dtype if sparse.issparse(y) else np.asarray(y).dtype
    return dtype if dtype.name in DTYPES else np.dtype(np.int64)


def label_weights(
    class_weight: Any,
    names: tuple[str, ...] | None,
    n_labels: int,
    codes: Any,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Weights of the negatives and of the positives of each label.

    Parameters
    ----------
    class_weight : dict or "balanced"
        ``{label: weight of its positives}`` by name or number. ``"balanced"`` gives the positives
        and the negatives of each label the same total weight, where a row counts by its weight.
    names : tuple of str or None
    n_labels : int
    codes : ndarray of shape (n_rows, n_labels) or None
        Used only with ``"balanced"``.
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    ndarray of shape (2, n_labels)
    """
    if isinstance(class_weight, str):
        weights = np.ones(len(codes)) if sample_weight is None else sample_weight
        weights = weights / weights.max()  # or their sum may overflow
        positives = weights @ codes
        counts = np.stack([weights.sum() - positives, positives])
        shares = np.zeros((2, n_labels))
        return np.divide(weights.sum(), 2 * counts, out=shares, where=counts > 0)
    known = [*map(str, range(n_labels))] if names is None else list(names)
    weights = np.ones((2, n_labels))
    for label, weight in class_weight.items():
        if str(label) not in known and label in range(n_labels):
            label = known[label]
        if str(label) not in known:
            raise ValueError(
                f"Got class_weight with the unknown label {label!r}; expected labels among "
                f"{', '.join(map(repr, names or range(n_labels)))}."
            )
        if not isinstance(weight, Real) or not np.isfinite(float(weight)) or weight < 0:
            raise ValueError(
                f"Got class_weight={class_weight!r}; expected a finite and non-negative weight for "
                "the positives of each label."
            )
        weights[1, known.index(str(label))] = float(weight)
    return weights


def thresholds(value: Any, n_labels: int) -> np.ndarray:
    """Validate thresholds and return them as an array of one number, or one for each label."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.shape not in ((), (n_labels,)) or not ((array >= 0) & (array <= 1)).all():
        raise ValueError(
            f"Got threshold={value!r}; expected a number from 0 to 1, or {n_labels} of them, one "
            "for each label."
        )
    return array
