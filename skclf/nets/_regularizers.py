"""Penalties on kernels: one line for each kind."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# A layer's option -> Keras's regularizer.
_KERAS_NAMES = {"l2": "L2"}


def regularizer(layer: Any) -> keras.Regularizer | None:
    """The Keras regularizer of a layer's kernel, or None where nothing is penalized."""
    import keras

    for option, name in _KERAS_NAMES.items():
        if getattr(layer, option):
            return getattr(keras.regularizers, name)(getattr(layer, option))
    return None


def is_penalty(value: object) -> bool:
    """Whether a value is a finite number of at least 0."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0 <= value < float("inf")  # type: ignore[operator]
