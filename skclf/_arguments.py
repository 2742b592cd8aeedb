"""Check the arguments of classifiers and their methods, with errors that say how to fix them.

Pure functions. `skclf._rows` checks rows, labels and weights.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from functools import wraps
from numbers import Integral, Rational
from typing import Any

import numpy as np
from scipy import sparse

from skclf import _rows
from skclf._constraints import HasMethods, Interval
from skclf._labels import some_of
from skclf._typing import Function

# Arguments of Keras's fit that have no parameter of the same name, and what to do instead.
_OF_KERAS_FIT = {
    "initial_epoch": "To continue from an earlier fit, set warm_start=True",
    "nb_epoch": "Set the parameter epochs",
    "shuffle": "Leave it out: rows are shuffled in each epoch, as random_state determines",
    "steps_per_epoch": "Leave it out: each epoch uses every row once",
    "validation_batch_size": "Leave it out: validation rows need no batch size",
    "validation_freq": "Leave it out: validation rows are evaluated after each epoch",
    "validation_steps": "Leave it out: all validation rows are evaluated",
}


class InstanceWith(HasMethods):
    """An object with these methods that isn't a class: ``Adam()``, not ``Adam``."""

    def is_satisfied_by(self, val):
        return not isinstance(val, type) and super().is_satisfied_by(val)

    def __str__(self):
        return super().__str__().replace("an object", "an instance (not a class)")


class RealInterval(Interval):
    """Accepts fractions too; scikit-learn's own calls `numpy.isnan` on them, which fails."""

    def __contains__(self, val):
        try:
            return super().__contains__(float(val) if isinstance(val, Rational) else val)
        except OverflowError:
            return False


class ValidationValue(HasMethods):
    """The name of a validation value, or a tuple of such a name and its direction."""

    def __init__(self):
        super().__init__("__len__")

    def is_satisfied_by(self, val):
        name = val[0] if isinstance(val, tuple) and val else val
        return isinstance(name, str) and name.startswith("val_")

    def __str__(self):
        return (
            "the name of a validation value, such as 'val_loss', or a tuple of such a name and "
            "'min' or 'max'"
        )


def names_misplaced_arguments(method: Function) -> Function:
    """Make a method's errors explain where arguments of Keras's ``fit`` belong."""
    known = list(inspect.signature(method).parameters)

    @wraps(method)
    def checked(self, *arguments, **keywords):
        for name in keywords:
            if name not in known:
                raise TypeError(_misplaced(type(self), method.__name__, known[1:], name))
        return method(self, *arguments, **keywords)

    return checked  # type: ignore[return-value]


def _misplaced(cls, method, known, name):
    title = f"{cls.__name__}.{method}() got an unexpected keyword argument {name!r}"
    if name in cls._parameter_constraints:
        return (
            f"{title}, which is a parameter of the class. Set it with {cls.__name__}({name}=...) "
            f"or clf.set_params({name}=...)."
        )
    if name in _OF_KERAS_FIT:
        return f"{title}, which is an argument of Keras's fit. {_OF_KERAS_FIT[name]}."
    return f"{title}; expected one of {', '.join(known)}."


def validation_columns(validation_data, *columns):
    """Return ``X_val, y_val, sample_weight_val``, also if passed as ``validation_data``."""
    if validation_data is None:
        return columns
    if any(column is not None for column in columns):
        raise ValueError(
            "Got validation_data together with X_val, y_val or sample_weight_val; expected one or "
            "the other. Pass validation_data alone."
        )
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        raise ValueError(
            f"Got validation_data of type {type(validation_data).__name__}; expected a tuple "
            "(X_val, y_val) or (X_val, y_val, sample_weight_val)."
        )
    return (*validation_data, None)[:3]


def warn_if_far_outside(X, X_train, names):
    feature = _rows.feature_far_outside(X, X_train)
    if feature is None:
        return
    name = feature if names is None else repr(names[feature])
    warnings.warn(
        f"Most validation rows lie far outside the range of the training rows in feature {name}, "
        "as if they were not scaled in the same way. In a Pipeline, pass X_val with "
        'transform_input=["X_val"], or transform the validation rows first.',
        UserWarning,
        stacklevel=6,  # the caller of fit
    )


def sizes(name: str, value: Any, length: int | None = None) -> tuple[int, ...]:
    """Return a parameter that is one integer or several as a tuple of positive integers.

    Parameters
    ----------
    name : str
        The parameter's name, for messages.
    value : int or array-like of int
    length : int or None
        How many numbers there must be; a single one is repeated.
    """
    if isinstance(value, Integral):
        value = (value,) * (length or 1)
    if isinstance(value, Mapping | Set):
        raise ValueError(f"Got {name}={value!r}, which has no order; expected a tuple or a list.")
    value = tuple(value)
    if not all(isinstance(v, Integral) and v >= 1 for v in value):  # type: ignore[operator]
        raise ValueError(f"Got {name}={value!r}; expected integers of at least 1.")
    if length is not None and len(value) != length:
        raise ValueError(f"Got {name}={value!r}; expected an integer or {length} integers.")
    return tuple(map(int, value))


@contextmanager
def errors_that_name_the_fix(values: Any, name: str = "X") -> Iterator[None]:
    """Replace NumPy's errors about text and nested sequences by errors that name the fix."""
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
            f"Got values{_in_columns(values)} that can't be converted to numbers; expected "
            "numbers. Encode dates and times first, for example with skrub.DatetimeEncoder."
        )
    if name == "X" and error.startswith("Input X contains NaN"):
        return (
            f"Input X contains NaN{_in_columns(values, np.isnan)}. Fill in missing values first, "
            "with SimpleImputer(add_indicator=True) in a pipeline, or use "
            "skrub.tabular_pipeline(classifier)."
        )
    if name == "X" and error.startswith("Input X contains infinity"):
        return (
            f"{error.rstrip('.')}{_in_columns(values, _overflows)}. Replace infinite values, or "
            "scale such columns, for example with StandardScaler in a pipeline."
        )
    if name == "X" and error.startswith("Found array with dim"):
        return (
            f"{error.rstrip('.')}. Flatten each row with X.reshape(len(X), -1), or use "
            "ShapeConvClassifier for images and NetworkClassifier for other rows."
        )
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
    return f"Got text{_in_columns(values)} ({error}); expected numbers as features. {fix}"


def _in_columns(values, is_fault=None):
    """Name the columns that aren't numbers, or that hold faults, as a part of a message."""
    if not hasattr(values, "columns"):
        return ""
    found = []
    for label in values.columns:
        try:
            numbers = np.asarray(values[label], dtype=np.float64)
        except (TypeError, ValueError):
            found.append(label)
            continue
        if is_fault is None:
            if np.asarray(values[label]).dtype.kind in "mM":
                found.append(label)
        elif np.any(is_fault(numbers)):
            found.append(label)
    return f" in the column{'s' * (len(found) > 1)} {some_of(found)}" if found else ""


def _overflows(numbers):
    return np.abs(numbers) > np.finfo(np.float32).max


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
