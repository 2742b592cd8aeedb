"""From images to rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skclf.nets._layer import Layer, Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Flatten(Layer):
    """A layer that makes a row of an image, pixel by pixel with the channels last."""

    kind: ClassVar[str] = "flatten"
    input_rank: ClassVar[int | None] = 3

    def name(self, number: int) -> str:
        """There is one."""
        return self.kind

    def output_shape(self, input_shape: Shape) -> Shape:
        """All values in a row."""
        return (int(np.prod(input_shape)),)

    def forward(self, weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
        """Reshape."""
        return values.reshape(len(values), -1)

    def build(self, name: str) -> keras.Layer:
        """Make a `keras.layers.Flatten`."""
        import keras

        return keras.layers.Flatten("channels_last", dtype="float32", name=name)

    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Put the channels last, and flatten."""
        graph.add("Transpose", perm=[0, 2, 3, 1])
        graph.add("Flatten", axis=1)
