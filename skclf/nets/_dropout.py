"""Dropout of the classifiers with a fixed architecture; it acts in training only."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skclf.nets._layer import Layer, Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Dropout(Layer):
    """A layer that sets values to 0 at random while the net is trained.

    Parameters
    ----------
    rate : float
        Fraction of the values to set to 0, at least 0 and below 1.
    """

    rate: float

    kind: ClassVar[str] = "dropout"

    def forward(self, weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
        """Return the values unchanged."""
        return values

    def build(self, name: str) -> keras.Layer:
        """Make a `keras.layers.Dropout`; `initial_generator_states` seeds it for each fit."""
        import keras

        return keras.layers.Dropout(self.rate, seed=0, dtype="float32", name=name)

    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add nothing."""

    @property
    def n_generators(self) -> int:
        """One, which draws the values to set to 0."""
        return 1

    def faults(self) -> list[str]:
        """Check the rate."""
        is_number = isinstance(self.rate, Real) and not isinstance(self.rate, bool)
        return [] if is_number and 0 <= self.rate < 1 else [f"rate={self.rate!r}"]
