"""Layers that merge several values, element by element or side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, wrong_options
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras

# Keras's class -> NumPy's function and ONNX's operator of two values.
_OPERATIONS = {
    "Add": (np.add, "Add"),
    "Average": (np.add, "Add"),
    "Maximum": (np.maximum, "Max"),
    "Minimum": (np.minimum, "Min"),
    "Multiply": (np.multiply, "Mul"),
    "Subtract": (np.subtract, "Sub"),
}


@dataclass(frozen=True)
class Merging(BodyLayer):
    """An operation on the elements of two or more values of one shape.

    Parameters
    ----------
    operation : str
        Keras's name of the layer.
    """

    operation: str

    kind: ClassVar[str] = "merging"
    keras_names: ClassVar[tuple[str, ...]] = tuple(_OPERATIONS)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Make it of an Add or one of the others."""
        return cls(type(layer).__name__)

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Two or more inputs of one shape; nothing is broadcast."""
        found = ["inputs of several shapes"] if len(set(shapes)) > 1 else []
        right = len(shapes) == 2 if self.operation == "Subtract" else len(shapes) >= 2
        return found if right else [*found, f"{len(shapes)} inputs"]

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        compute, _ = _OPERATIONS[self.operation]
        values = compute(inputs[0], inputs[1])
        for value in inputs[2:]:
            compute(values, value, out=values)
        if self.operation == "Average":
            values /= len(inputs)
        return values

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add an operator for each further value."""
        _, operator = _OPERATIONS[self.operation]
        for name in inputs[1:]:
            graph.add(operator, graph.last, name)
        if self.operation == "Average":
            graph.add("Div", graph.last, np.array(len(inputs), dtype=np.float32))

    def faults(self) -> list[str]:
        """Check the operation."""
        known = isinstance(self.operation, str) and self.operation in _OPERATIONS
        return wrong_options(self, operation=known)
