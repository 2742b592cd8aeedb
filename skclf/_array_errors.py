"""Errors of NumPy and scikit-learn about arrays, rewritten so that they name the fix.

Pure functions. Each message says what was found and, for a table, in which columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import numpy as np
from scipy import sparse

from skclf._labels import some_of


@contextmanager
def errors_that_name_the_fix(values: Any, name: str = "X") -> Iterator[None]:
    """Replace errors about an array by errors that name the fix, where one is known."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = _message_with_fix(values, name, str(error))
        if message is None:
            raise
        raise ValueError(message) from error


def _message_with_fix(values, name, error):
    if "could not convert string" in error:
        return _message_for_text(values, name, re.sub(r"np\.(?:str|bytes)_\((.*)\)", r"\1", error))
    if "DType" in error and "promoted" in error:
        return (
            f"Got values{_in_columns(values, _is_not_numeric)} that can't be converted to numbers; "
            "expected numbers. Encode dates and times first, for example with "
            "skrub.DatetimeEncoder."
        )
    message = _message_for_numbers(values, error) if name == "X" else None
    return message or _message_for_sequences(values, name, error)


def _message_for_text(values, name, error):
    if name != "X":
        return f"Got text in {name} ({error}); expected numbers."
    fix = "Encode text first, for example with TfidfVectorizer, and categories with OneHotEncoder."
    if re.search(r"\.(bmp|gif|jpe?g|png|tiff?|webp)'?$", error, re.IGNORECASE):
        fix = (
            "Read the images first, for example with Pillow: "
            "np.stack([np.asarray(Image.open(path)) for path in paths])."
        )
    if hasattr(values, "columns"):
        fix = (
            "Encode the columns first, with a ColumnTransformer of OneHotEncoder and "
            "TfidfVectorizer, or use skrub.tabular_pipeline(classifier)."
        )
    where = _in_columns(values, _is_not_numeric)
    return f"Got text{where} ({error}); expected numbers as features. {fix}"


def _message_for_numbers(values, error):
    if error.startswith("Input X contains NaN"):
        return (
            f"Input X contains NaN{_in_columns(values, _is_missing)}. Fill in missing values "
            "first, with SimpleImputer(add_indicator=True) in a pipeline, or use "
            "skrub.tabular_pipeline(classifier)."
        )
    if error.startswith("Input X contains infinity"):
        return (
            f"{error.rstrip('.')}{_in_columns(values, _overflows)}. Replace infinite values, or "
            "scale such columns, for example with StandardScaler in a pipeline."
        )
    if error.startswith("Found array with dim"):
        return (
            f"{error.rstrip('.')}. Flatten each row with X.reshape(len(X), -1), or use "
            "ShapeConvClassifier for images and NetworkClassifier for other rows."
        )
    return None


def _in_columns(values, is_fault):
    """Name the columns of a table that have a fault, as a part of a message."""
    if not hasattr(values, "columns"):
        return ""
    found = [label for label in values.columns if is_fault(np.asarray(values[label]))]
    return f" in the column{'s' * (len(found) > 1)} {some_of(found)}" if found else ""


def _is_not_numeric(column):
    """Whether a column holds dates, or text that isn't a number."""
    return column.dtype.kind in "mM" or (
        column.dtype.kind in "OSU" and any(map(_is_text_or_date, column.ravel().tolist()))
    )


def _is_text_or_date(value):
    if not isinstance(value, str | bytes):
        return isinstance(value, date)
    try:
        float(value)
    except ValueError:
        return True
    return False


def _is_missing(column):
    if column.dtype.kind == "f":
        return np.isnan(column).any()
    # pandas's missing value differs from itself, too, but has no truth value.
    return column.dtype.kind == "O" and any(
        value is None or type(value).__name__ == "NAType" or value != value for value in column.flat
    )


def _overflows(column):
    return (np.abs(column.astype(np.float64)) > np.finfo(np.float32).max).any()


def _message_for_sequences(values, name, error):
    has_sequences = "setting an array element with a sequence" in error
    if not has_sequences and "float() argument must be" not in error:
        return None
    for where, rows in _holders_of_rows(values, name) if name == "X" else []:
        stacked = _stacked(rows)
        if stacked is not None:
            return (
                f"Got {where} with an array in each of its elements; expected one array of "
                f"numbers. Pass np.stack(list({where})), which has the shape {stacked.shape}."
            )
    if not has_sequences:
        return None
    if all(map(sparse.issparse, values)):
        return (
            f"Got {name} with a sparse matrix in each of its elements; expected one sparse matrix "
            f"with all rows. Pass scipy.sparse.vstack(list({name}))."
        )
    if name == "X" and all(getattr(row, "ndim", 0) > 1 for row in values):
        return (
            f"Got rows of different shapes ({error}); expected one shape. Resize images, for "
            "example with Pillow's Image.resize."
        )
    if name == "X" and len({_length(row) for row in values} - {None}) > 1:
        return (
            f"Got rows of different lengths ({error}); expected the same number of features in "
            "each row. Convert lists of word ids with skclf.MultiHotVectorizer."
        )
    join = "np.stack" if name == "X" else "np.concatenate"
    return (
        f"Got {name} with nested sequences ({error}); expected one array of numbers. Convert it, "
        f"for example with {join}, and look for None and for lists among the numbers."
    )


def _holders_of_rows(values, name):
    """Objects that may hold an array for each row, each with the code to access it."""
    if hasattr(values, "columns"):
        return [(f"{name}[{label!r}]", column) for label, column in values.items()]
    if getattr(values, "shape", ())[1:] == (1,):
        return [(f"{name}.ravel()", values.ravel())]
    return [(name, values)]


def _length(row):
    try:
        return len(row)
    except TypeError:
        return None


def _stacked(rows):
    """Rows stacked into one array of numbers, or None if that fails."""
    try:
        array = np.stack(list(rows))
    except (TypeError, ValueError):
        return None
    return array if array.ndim > 1 and array.dtype.kind in "biuf" else None
