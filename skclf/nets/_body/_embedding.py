"""Embeddings of ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import ONNX_INT64, BodyLayer, wrong_options
from skclf.nets._layer import Shape, is_size

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Embedding(BodyLayer):
    """A vector for each id; ids are floats, and their fractions are cut off.

    Parameters
    ----------
    input_dim : int
        Ids are 0 to one less.
    output_dim : int
        Length of the vectors.
    """

    input_dim: int
    output_dim: int

    kind: ClassVar[str] = "embedding"
    keras_names: ClassVar[tuple[str, ...]] = ("Embedding",)
    # A row needs few vectors, and converting all of them to float64 takes long.
    looks_weights_up: ClassVar[bool] = True

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert an Embedding; other layers handle its mask."""
        return cls(int(layer.input_dim), int(layer.output_dim))

    def weight_names(self) -> tuple[str, ...]:
        """The vectors."""
        return ("embeddings",)

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the shape of the ids with the length of a vector appended."""
        return (*shapes[0], self.output_dim)

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """The vectors."""
        return [(self.input_dim, self.output_dim)]

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Look up the vectors, or raise a ValueError for an id without one."""
        ids = np.trunc(inputs[0])
        has_vector = (ids >= 0) & (ids < self.input_dim)
        if not has_vector.all():
            # Keras counts negative ids from the end. The result for too large ids depends on the
            # device.
            raise ValueError(
                f"Got the id {ids[~has_vector][0]:g}; expected ids from 0 to {self.input_dim - 1}, "
                f"since the Embedding has input_dim={self.input_dim}."
            )
        return weights[0][ids.astype(np.int64)].astype(ids.dtype, copy=False)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Gather, which fails for ids that are too large."""
        ids = graph.add("Cast", to=ONNX_INT64)
        graph.add("Gather", weights[0], ids)

    def faults(self) -> list[str]:
        """Check both numbers."""
        return wrong_options(
            self, input_dim=is_size(self.input_dim), output_dim=is_size(self.output_dim)
        )
