"""Pooling of windows and of whole rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, wrong_options
from skclf.nets._body._windows import (
    PADDINGS,
    add_with_channels_first,
    n_windows,
    onnx_pads,
    pad,
    window_pads,
)
from skclf.nets._layer import Shape, are_sizes
from skclf.nets._window_arithmetic import merge_windows

if TYPE_CHECKING:
    import keras

_MODES = ("average", "max")


@dataclass(frozen=True)
class Pooling(BodyLayer):
    """The maximum or the average of each window of sequences or images.

    Parameters
    ----------
    mode : {"average", "max"}
    pool_size, strides : tuple of int
        One number for each axis: of sequences one, of images two.
    padding : {"valid", "same"}
        What is padded is neither a maximum nor counted in an average.
    """

    mode: str
    pool_size: Shape
    strides: Shape
    padding: str = "valid"

    kind: ClassVar[str] = "pooling"
    keras_names: ClassVar[tuple[str, ...]] = (
        "AveragePooling1D",
        "AveragePooling2D",
        "MaxPooling1D",
        "MaxPooling2D",
    )

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert one of Keras's four layer classes."""
        strides, padding = tuple(map(int, layer.strides)), layer.padding
        right = are_sizes(strides) and padding in PADDINGS[:2]
        if layer.data_format != "channels_last" or not right:
            return None
        mode = "max" if type(layer).__name__.startswith("Max") else "average"
        return cls(mode, tuple(map(int, layer.pool_size)), strides, padding)

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that the input has one axis per dimension of the windows, and channels."""
        if len(shapes) != 1 or len(shapes[0]) != len(self.pool_size) + 1:
            return [f"inputs of shapes {shapes}"]
        fits = min(self.output_shape(shapes)) > 0
        return [] if fits else [f"an input of shape {shapes[0]}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Number of windows along each axis, channels."""
        *lengths, channels = shapes[0]
        numbers = n_windows(tuple(lengths), self.pool_size, self.strides, self.padding)
        return (*numbers, channels)

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer, axis by axis."""
        values = inputs[0]
        pads = window_pads(values.shape[1:-1], self.pool_size, self.strides, self.padding)
        is_max = self.mode == "max"
        merge = np.maximum if is_max else np.add
        padded = pad(values, pads, -np.inf if is_max else 0)
        for axis, sizes in enumerate(zip(self.pool_size, self.strides, strict=True), start=1):
            padded = merge_windows(merge, padded, axis, *sizes)
        if is_max:
            return padded
        return padded / self._counts(values.shape[1:-1], values.dtype)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a MaxPool or an AveragePool between two transpositions."""
        pads = window_pads(shapes[0][:-1], self.pool_size, self.strides, self.padding)
        add_with_channels_first(
            graph,
            "MaxPool" if self.mode == "max" else "AveragePool",
            len(self.pool_size),
            kernel_shape=self.pool_size,
            strides=self.strides,
            pads=onnx_pads(pads),
        )

    def n_values_at_work(self, shapes: list[Shape]) -> int:
        """Return the number of input values, which is an upper limit."""
        return prod(shapes[0])

    def faults(self) -> list[str]:
        """Check the options."""
        n_axes = len(self.pool_size) if are_sizes(self.pool_size) else 0
        return wrong_options(
            self,
            mode=self.mode in _MODES,
            pool_size=n_axes in (1, 2),
            strides=are_sizes(self.strides, n_axes),
            padding=self.padding in PADDINGS[:2],
        )

    def _counts(self, lengths: Shape, dtype: np.dtype) -> np.ndarray:
        """Return the number of values in each window, without padding."""
        pads = window_pads(lengths, self.pool_size, self.strides, self.padding)
        counts = pad(np.ones((1, *lengths, 1), dtype=dtype), pads)
        for axis, sizes in enumerate(zip(self.pool_size, self.strides, strict=True), start=1):
            counts = merge_windows(np.add, counts, axis, *sizes)
        return counts


@dataclass(frozen=True)
class GlobalPooling(BodyLayer):
    """The maximum or the average of each channel of sequences or images.

    Parameters
    ----------
    mode : {"average", "max"}
    n_axes : int
        1 for sequences, 2 for images.
    keepdims : bool
        Whether the axes stay, with a length of 1.
    """

    mode: str
    n_axes: int
    keepdims: bool = False

    kind: ClassVar[str] = "global_pooling"
    keras_names: ClassVar[tuple[str, ...]] = (
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
    )

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert one of Keras's four layer classes."""
        if layer.data_format != "channels_last":
            return None
        name = type(layer).__name__
        mode = "max" if name.startswith("GlobalMax") else "average"
        return cls(mode, int(name[-2]), bool(layer.keepdims))

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that the input has these axes, and channels."""
        right = len(shapes) == 1 and len(shapes[0]) == self.n_axes + 1
        return [] if right else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the channels, after the axes that are kept."""
        return (*[1] * (self.n_axes if self.keepdims else 0), shapes[0][-1])

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        values = inputs[0]
        reduce = np.max if self.mode == "max" else np.mean
        # Reducing one axis is faster than reducing two.
        channels = values.shape[-1:]
        found = reduce(values.reshape(len(values), prod(values.shape[1:-1]), *channels), axis=1)
        return found.reshape(len(values), *self.output_shape([values.shape[1:]]))

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a ReduceMax or a ReduceMean."""
        operator = "ReduceMax" if self.mode == "max" else "ReduceMean"
        graph.add(operator, axes=self._axes(), keepdims=int(self.keepdims))

    def faults(self) -> list[str]:
        """Check the options."""
        return wrong_options(
            self,
            mode=self.mode in _MODES,
            n_axes=type(self.n_axes) is int and self.n_axes in (1, 2),
            keepdims=isinstance(self.keepdims, bool),
        )

    def _axes(self) -> Shape:
        return tuple(range(1, self.n_axes + 1))
