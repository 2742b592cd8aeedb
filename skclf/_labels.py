"""Pure functions that validate labels and encode them as positions among the classes.

pandas is imported inside functions, since loading it takes longer than the rest of
``import skclf``.
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_labels(y: Any, name: str = "y") -> np.ndarray:
    """Labels as a 1-D array.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    name : str
        For messages.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If labels are missing, continuous, one-hot or of more than one column.
    TypeError
        If labels are not all strings, all booleans, all numbers, or all dates or time differences
        of NumPy.
    """
    y = _as_array(y, name)
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(_message_for_columns(y, name))
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind in "fcOMm":
        _check_none_missing(labels, name)
    if labels.dtype.kind in "OSV":
        labels = _of_one_type(labels, name)
    if labels.dtype == "m8":
        raise ValueError(
            f"Got {name} with time differences without a unit; expected a unit. Set one, for "
            "example with y.astype('timedelta64[s]'), or convert them to whole numbers with "
            "y.astype(int)."
        )
    if labels.dtype.kind in "fc":
        assert_all_finite(labels, input_name=name)
        # scikit-learn would cast them with a warning, and treat them as a regression's.
        if (np.abs(labels) >= np.float64(2**63)).any():
            raise _beyond_64_bits(labels, name)
    if labels.dtype.kind != "O":
        # Repeated, or scikit-learn would warn that there are as many classes as labels.
        check_classification_targets(np.tile(labels, 2) if name == "classes" else labels)
    return labels


def _as_array(y, name):
    if issparse(y):
        raise ValueError(
            f"{name} should be a 1d array, got an object of type {type(y).__name__} instead; "
            "expected one label for each row. For several labels per row, use "
            "MultilabelDenseClassifier or multilabel=True."
        )
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} should be a 1d array, got lists of different lengths instead; expected one "
            "label for each row. For several labels per row, use MultilabelDenseClassifier or "
            "multilabel=True."
        ) from error
    if array.ndim == 0:
        raise ValueError(
            f"{name} should be a 1d array, got an object of type {type(y).__name__} instead. Pass "
            "one label for each row, as a list, an array or a pandas Series."
        )
    if array.dtype.kind == "U" and array.ndim == 1 and isinstance(y, list | tuple):
        # In a list of strings, NumPy would convert numbers and NaN to strings.
        return array if all(isinstance(label, str) for label in y) else np.asarray(y, dtype=object)
    if array.dtype.kind == "f" and array.ndim == 1 and isinstance(y, list | tuple):
        # Integers of which some need unsigned 64 bits; see `_numbers`.
        return np.asarray(y, dtype=object) if all(isinstance(n, Integral) for n in y) else array
    # scikit-learn doesn't support NumPy's StringDType, and pandas no foreign byte orders.
    return array.astype(object if array.dtype.kind == "T" else array.dtype.newbyteorder("="))


def _check_none_missing(labels, name):
    import pandas as pd

    missing = pd.isna(labels)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"Input {name} contains NaN: the label of row {row} is missing ({labels[row]}). "
            "Every row needs a label; drop the rows without one."
        )


def _of_one_type(labels, name):
    """Convert objects, bytes or records: strings are kept, numbers become a numeric array."""
    import pandas as pd

    found = pd.api.types.infer_dtype(labels)
    if found in ("string", "empty"):
        # Members of a string enumeration become plain strings, so that a saved net doesn't need
        # their class.
        are_plain = set(map(type, labels)) <= {str}
        return labels if are_plain else np.array(list(map(str.__str__, labels)), dtype=object)
    if found in ("boolean", "integer", "floating", "mixed-integer-float"):
        return _numbers(labels, name)
    types = sorted({type(label).__name__ for label in labels})
    raise TypeError(
        f"Got {name} with labels of type {' and '.join(types)}; expected all strings, all booleans "
        "or all whole numbers. Convert them to strings, for example with y.astype(str)."
    )


def _numbers(labels, name):
    numbers = np.array(labels.tolist())
    if numbers.dtype.kind == "f" and all(isinstance(label, Integral) for label in labels):
        # NumPy rounds integers to floats if some of them need unsigned 64 bits. Convert them one
        # by one; NumPy 1 would wrap negative ones around.
        if all(0 <= label < 2**64 for label in labels):
            return np.array([int(label) for label in labels], dtype=np.uint64)
        raise _beyond_64_bits(labels, name)
    if numbers.dtype.kind == "O":
        raise _beyond_64_bits(labels, name)
    return numbers


def _beyond_64_bits(labels, name):
    # Don't show the number, since Python raises an error for very long ones.
    row = max(range(len(labels)), key=lambda row: abs(labels[row]))
    return ValueError(
        f"Got {name} with whole numbers that no 64-bit type can hold, the largest in row {row}; "
        "expected integers of one 64-bit type. Convert them to strings with "
        f"list(map(str, {name}))."
    )


def _message_for_columns(y, name):
    is_one_hot = y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
    if is_one_hot:
        return (
            f"Got one-hot encoded {name} of shape {y.shape}; expected a 1-D array of labels, also "
            "with loss='categorical_crossentropy', which encodes them itself. Pass "
            f"{name}.argmax(axis=1), or classes[{name}.argmax(axis=1)], where classes are the "
            f"names of the columns; for a DataFrame, pass {name}.idxmax(axis=1)."
        )
    return (
        f"{name} should be a 1d array, got an array of shape {y.shape} instead; expected one label "
        "for each row. For several labels per row, use MultilabelDenseClassifier or "
        "multilabel=True."
    )


def classes_and_codes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels, sorted, and the position of each row's label among them.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int of shape (n_rows,)
    """
    return np.unique(labels, return_inverse=True)


def encode_labels(labels: np.ndarray, classes: np.ndarray, name: str = "y") -> np.ndarray:
    """Position of each label among the sorted classes.

    Returns
    -------
    ndarray of int of shape (n_rows,)

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    codes = codes_or_minus_one(labels, classes)
    if (codes < 0).any():
        strange = list(dict.fromkeys(keys_of(labels[codes < 0])))
        raise ValueError(
            f"Got {name} with labels that are not among the classes: {some_of(strange)}; expected "
            f"labels among {some_of(keys_of(classes))}."
        )
    return codes


def codes_or_minus_one(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Position of each label among the classes, or -1 where it is not among them.

    Numbers and booleans of any type are compared by their values, and dates or time differences
    of any unit by what they stand for.

    Returns
    -------
    ndarray of int of shape (n_rows,)
    """
    if labels.dtype.kind in "Mm" or classes.dtype.kind in "Mm":
        return _codes_of_times(labels, classes)
    positions = {label: code for code, label in enumerate(keys_of(classes))}
    # Sorting numbers is faster than looking up each of them, unlike strings.
    rows = None
    if labels.dtype.kind not in "UO":
        labels, rows = np.unique(labels, return_inverse=True)
    codes = np.array([positions.get(label, -1) for label in keys_of(labels)], dtype=np.intp)
    return codes if rows is None else codes[rows]


def check_comparable(labels: np.ndarray, classes: np.ndarray) -> None:
    """Raise the error of `encode_labels` where NumPy can't compare labels with the classes."""
    is_of_times = labels.dtype.kind in "Mm" or classes.dtype.kind in "Mm"
    if is_of_times and not _have_common_unit(labels, classes):
        encode_labels(labels, classes)


def _have_common_unit(labels, classes):
    try:
        np.promote_types(labels.dtype, classes.dtype)
    except (TypeError, OverflowError):  # as with differences in years and in days
        return False
    return labels.dtype.kind == classes.dtype.kind


def _codes_of_times(labels, classes):
    unknown = np.full(len(labels), -1)
    if not _have_common_unit(labels, classes):
        return unknown
    # Convert to the unit of the classes; values that it rounds or can't hold change in the
    # conversion back.
    times = labels.astype(classes.dtype)
    places = np.minimum(np.searchsorted(classes, times), len(classes) - 1)
    is_known = (classes[places] == times) & (times.astype(labels.dtype) == labels)
    return np.where(is_known, places, unknown)


def keys_of(labels: np.ndarray) -> list[Any]:
    """Labels as a list of values such that equal labels are equal dict keys."""
    if labels.dtype.kind in "Mm":
        return list(labels)  # tolist would convert some units to plain numbers
    if labels.dtype == np.longdouble:
        return [int(label) if label.is_integer() else label for label in labels]
    return labels.tolist()


def some_of(values: Sequence[Any], most: int = 10) -> str:
    """The first values of a list as text, for messages."""
    more = f", and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(repr, values[:most])) + more
