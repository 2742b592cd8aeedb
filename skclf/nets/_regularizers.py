"""Penalties on kernels: one line for each kind."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# A classifier's parameter, also the name in saved files -> the class in `keras.regularizers`.
REGULARIZERS = {"l2": "L2"}

# Names and factors, those above 0 alone.
Penalties = tuple[tuple[str, float], ...]


def penalties_of(classifier: Any) -> Penalties:
    """The penalties that the parameters of a classifier ask for."""
    factors = ((name, float(getattr(classifier, name, 0))) for name in REGULARIZERS)
    return tuple((name, factor) for name, factor in factors if factor)


def regularizer(penalties: Penalties) -> keras.Regularizer | None:
    """The Keras regularizer of a kernel, or None where nothing is penalized."""
    import keras

    if len(penalties) > 1:  # Keras has one class for two penalties
        return keras.regularizers.L1L2(**dict(penalties))
    for name, factor in penalties:
        return getattr(keras.regularizers, REGULARIZERS[name])(factor)
    return None


def are_penalties(value: object) -> bool:
    """Whether a value is a tuple of known names with finite factors above 0."""
    return isinstance(value, tuple) and all(map(_is_penalty, value))


def _is_penalty(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    name, factor = value
    is_number = isinstance(factor, Real) and not isinstance(factor, bool)
    return is_number and name in list(REGULARIZERS) and 0 < factor < float("inf")
