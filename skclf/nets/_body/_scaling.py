"""Rescaling by constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, is_number, wrong_options
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Rescaling(BodyLayer):
    """Multiply all values by a number, and add another.

    Parameters
    ----------
    scale, offset : float
    """

    scale: float
    offset: float = 0.0

    kind: ClassVar[str] = "rescaling"
    keras_names: ClassVar[tuple[str, ...]] = ("Rescaling",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Rescaling by two numbers; Keras also accepts arrays."""
        if not (is_number(layer.scale) and is_number(layer.offset)):
            return None
        return cls(float(layer.scale), float(layer.offset))

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        values = inputs[0] * self.scale
        if self.offset:
            values += self.offset
        return values

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a product and a sum."""
        graph.add("Mul", graph.last, np.array(self.scale, dtype=np.float32))
        if self.offset:
            graph.add("Add", graph.last, np.array(self.offset, dtype=np.float32))

    def faults(self) -> list[str]:
        """Check both numbers."""
        return wrong_options(self, scale=is_number(self.scale), offset=is_number(self.offset))
