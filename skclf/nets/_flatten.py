"""The layer between the convolutions and the dense layers of a net for images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skclf.nets._layer import Layer, Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Flatten(Layer):
    """A layer that turns an image into a vector, pixel by pixel with the channels last."""

    kind: ClassVar[str] = "flatten"
    input_rank: ClassVar[int | None] = 3

    def name(self, number: int) -> str:
        """The name without a number, since a net has only one such layer."""
        return self.kind

    def output_shape(self, input_shape: Shape) -> Shape:
        """The number of all values of a row."""
        return (int(np.prod(input_shape)),)

    def forward(self, weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
        """Reshape."""
        return values.reshape(len(values), -1)

    def build(self, name: str) -> keras.Layer:
        """Make a `keras.layers.Flatten`."""
        import keras

        return keras.layers.Flatten("channels_last", dtype="float32", name=name)

    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add a Transpose that puts the channels last, and a Flatten."""
        graph.add("Transpose", perm=[0, 2, 3, 1])
        graph.add("Flatten", axis=1)
