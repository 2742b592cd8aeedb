"""Layers that merge several values, element by element or side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, is_number, wrong_options
from skclf.nets._layer import Shape, is_size

if TYPE_CHECKING:
    import keras

# Keras's layer or operation -> NumPy's function and ONNX's operator of two values.
OPERATIONS = {
    "Add": (np.add, "Add"),
    "Average": (np.add, "Add"),
    "Divide": (np.divide, "Div"),
    "Maximum": (np.maximum, "Max"),
    "Minimum": (np.minimum, "Min"),
    "Multiply": (np.multiply, "Mul"),
    "Subtract": (np.subtract, "Sub"),
}


@dataclass(frozen=True)
class Merging(BodyLayer):
    """An elementwise operation on two or more inputs; axes of length 1 are broadcast.

    Parameters
    ----------
    operation : str
        Keras's name of the layer or of the operation.
    """

    operation: str

    kind: ClassVar[str] = "merging"
    keras_names: ClassVar[tuple[str, ...]] = tuple(OPERATIONS)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert an Add layer or another one of the table."""
        return cls(type(layer).__name__)

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check for two or more inputs that can be broadcast."""
        takes_two = self.operation in ("Divide", "Subtract")
        right = len(shapes) == 2 if takes_two else len(shapes) >= 2
        if not right:
            return [f"{len(shapes)} inputs"]
        has_one_rank = len(set(map(len, shapes))) == 1
        fits = all(len({*lengths} - {1}) <= 1 for lengths in zip(*shapes, strict=has_one_rank))
        return [] if has_one_rank and fits else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the larger length of each axis."""
        return tuple(map(max, zip(*shapes, strict=True)))

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        compute, _ = OPERATIONS[self.operation]
        values = compute(inputs[0], inputs[1])
        for value in inputs[2:]:
            values = compute(values, value)
        if self.operation == "Average":
            values /= len(inputs)
        return values

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add an operator for each input after the first."""
        _, operator = OPERATIONS[self.operation]
        for name in inputs[1:]:
            graph.add(operator, graph.last, name)
        if self.operation == "Average":
            graph.add("Div", graph.last, np.array(len(inputs), dtype=np.float32))

    def faults(self) -> list[str]:
        """Check the operation."""
        known = isinstance(self.operation, str) and self.operation in OPERATIONS
        return wrong_options(self, operation=known)


@dataclass(frozen=True)
class Arithmetic(BodyLayer):
    """An operation on each element and a number.

    Parameters
    ----------
    operation : str
        Keras's name of the operation.
    number : float
    number_first : bool
        Whether the number is on the left.
    """

    operation: str
    number: float
    number_first: bool = False

    kind: ClassVar[str] = "arithmetic"

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Return None: a layer doesn't store the number it was called with."""
        return None

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the operation."""
        compute, _ = OPERATIONS[self.operation]
        pair = (inputs[0], self.number)
        return compute(*reversed(pair)) if self.number_first else compute(*pair)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add the operator."""
        _, operator = OPERATIONS[self.operation]
        pair = (graph.last, np.array(self.number, dtype=np.float32))
        graph.add(operator, *(reversed(pair) if self.number_first else pair))

    def faults(self) -> list[str]:
        """Check the options."""
        known = isinstance(self.operation, str) and self.operation in OPERATIONS
        return wrong_options(
            self,
            operation=known and self.operation != "Average",
            number=is_number(self.number),
            number_first=isinstance(self.number_first, bool),
        )


@dataclass(frozen=True)
class Concatenate(BodyLayer):
    """Concatenate inputs along an axis.

    Parameters
    ----------
    axis : int
        The axis that becomes longer, counted from 1.
    """

    axis: int

    kind: ClassVar[str] = "concatenate"
    keras_names: ClassVar[tuple[str, ...]] = ("Concatenate",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Concatenate along an axis of the rows."""
        axis = layer.axis + len(shapes[0]) + 1 if layer.axis < 0 else layer.axis
        return cls(int(axis)) if axis >= 1 else None

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that all inputs have equal lengths in the other axes."""
        others = {shape[: self.axis - 1] + (0,) + shape[self.axis :] for shape in shapes}
        ranks = set(map(len, shapes))
        right = len(others) == len(ranks) == 1 and self.axis <= max(ranks)
        return [] if right else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the shape with the sum of the lengths along the axis."""
        place = self.axis - 1
        total = sum(shape[place] for shape in shapes)
        return (*shapes[0][:place], total, *shapes[0][self.axis :])

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Concatenate."""
        return np.concatenate(inputs, axis=self.axis)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Concat."""
        graph.add("Concat", *inputs, axis=self.axis)

    def faults(self) -> list[str]:
        """Check the axis."""
        return wrong_options(self, axis=is_size(self.axis))
