"""Layers that change shapes but no values."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, wrong_options
from skclf.nets._body._windows import onnx_pads, pad
from skclf.nets._layer import Shape, are_sizes

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Reshape(BodyLayer):
    """Reshape rows; Flatten is a reshape to one dimension.

    Parameters
    ----------
    target_shape : tuple of int
    """

    target_shape: Shape

    kind: ClassVar[str] = "reshape"
    keras_names: ClassVar[tuple[str, ...]] = ("Flatten", "Reshape")

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Flatten or a Reshape."""
        total = prod(shapes[0])
        if type(layer).__name__ == "Flatten":
            return cls((total,)) if layer.data_format == "channels_last" else None
        given = tuple(map(int, layer.target_shape))
        known = prod(length for length in given if length != -1)
        target = tuple(total // known if length == -1 else length for length in given)
        return cls(target) if are_sizes(target) and target else None

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that the input has as many values as the target."""
        right = len(shapes) == 1 and prod(shapes[0]) == prod(self.target_shape)
        return [] if right else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the target shape."""
        return self.target_shape

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Reshape."""
        return inputs[0].reshape(len(inputs[0]), *self.target_shape)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Reshape, in which 0 keeps the number of rows."""
        graph.add("Reshape", graph.last, np.array([0, *self.target_shape]))

    def faults(self) -> list[str]:
        """Check the target."""
        right = are_sizes(self.target_shape) and bool(self.target_shape)
        return wrong_options(self, target_shape=right)


@dataclass(frozen=True)
class Permute(BodyLayer):
    """Permute the axes of rows.

    Parameters
    ----------
    axes : tuple of int
        Counted from 1.
    """

    axes: tuple[int, ...]

    kind: ClassVar[str] = "permute"
    keras_names: ClassVar[tuple[str, ...]] = ("Permute",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Permute."""
        return cls(tuple(map(int, layer.dims)))

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check the number of axes."""
        right = len(shapes) == 1 and len(shapes[0]) == len(self.axes)
        return [] if right else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the lengths in the new order."""
        return tuple(shapes[0][axis - 1] for axis in self.axes)

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Transpose."""
        return inputs[0].transpose(0, *self.axes)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Transpose."""
        graph.add("Transpose", perm=[0, *self.axes])

    def faults(self) -> list[str]:
        """Check the axes."""
        right = are_sizes(self.axes) and sorted(self.axes) == list(range(1, len(self.axes) + 1))
        return wrong_options(self, axes=right)


@dataclass(frozen=True)
class ZeroPadding(BodyLayer):
    """Zeros before and after the axes of sequences or images.

    Parameters
    ----------
    pads : tuple of tuple of int
        For each axis how many before it and after it.
    """

    pads: tuple[tuple[int, int], ...]

    kind: ClassVar[str] = "zero_padding"
    keras_names: ClassVar[tuple[str, ...]] = ("ZeroPadding1D", "ZeroPadding2D")

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert one of Keras's two layer classes."""
        if not _is_last(layer):
            return None
        pads = [layer.padding] if type(layer).__name__ == "ZeroPadding1D" else layer.padding
        return cls(tuple((int(before), int(after)) for before, after in pads))

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that the input has these axes, and channels."""
        right = len(shapes) == 1 and len(shapes[0]) == len(self.pads) + 1
        return [] if right else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the padded lengths, and the channels."""
        lengths = zip(shapes[0], (*self.pads, (0, 0)), strict=True)
        return tuple(before + length + after for length, (before, after) in lengths)

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Pad."""
        return pad(inputs[0], list(self.pads))

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Pad."""
        graph.add("Pad", graph.last, np.array(onnx_pads([(0, 0), *self.pads, (0, 0)])))

    def faults(self) -> list[str]:
        """Check that there are two numbers for each of one or two axes."""
        right = isinstance(self.pads, tuple) and len(self.pads) in (1, 2)
        return wrong_options(self, pads=right and all(map(_is_pair, self.pads)))


def _is_last(layer: Any) -> bool:
    """Whether the channels are last; some layers for sequences have no such option."""
    return getattr(layer, "data_format", "channels_last") == "channels_last"


def _is_pair(value: object) -> bool:
    """Whether a value is a tuple of two non-negative integers."""
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    return all(type(number) is int and number >= 0 for number in value)
