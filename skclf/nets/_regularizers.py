"""The table of penalties on kernels, one entry for each kind.

It serves the parameters of classifiers with a fixed architecture. In bodies that users wrote, Keras
handles regularizers.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# Name of a classifier's parameter, used in saved files too -> class in `keras.regularizers`.
REGULARIZERS = {"l2": "L2"}

# Names and factors of penalties; factors of 0 are left out.
Penalties = tuple[tuple[str, float], ...]


def penalties_of(classifier: Any) -> Penalties:
    """The penalties that the parameters of a classifier specify."""
    factors = ((name, float(getattr(classifier, name, 0))) for name in REGULARIZERS)
    return tuple((name, factor) for name, factor in factors if factor)


def regularizer(penalties: Penalties) -> keras.Regularizer | None:
    """The Keras regularizer of a kernel, or None if there are no penalties."""
    import keras

    if len(penalties) > 1:  # a layer takes only one regularizer, and this class has two penalties
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
