"""Check the arguments of classifiers and their methods, with errors that say how to fix them.

Pure functions. `skclf._rows` checks rows, labels and weights.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Set
from functools import wraps
from numbers import Integral, Rational
from typing import Any

from skclf import _rows
from skclf._constraints import HasMethods, Interval
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
