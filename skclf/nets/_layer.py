"""`Layer`, the base class of the layers of classifiers with a fixed architecture.

Layers of bodies that users wrote derive from `BodyLayer` in `_body/_layer.py` instead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer(ABC):
    """A layer without its weights; hashable.

    Shapes are those of one row, without the number of rows. A kind of layer defines ``kind``, its
    name in files and at the beginning of its Keras layer's name, and the methods below.
    """

    kind: ClassVar[str]
    # Number of dimensions that a row must have, or None for any.
    input_rank: ClassVar[int | None] = None

    def name(self, number: int) -> str:
        """Name of the Keras layer; layers of a kind are numbered from 1 within a net."""
        return f"{self.kind}_{number}"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of a row that leaves the layer."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> list[Shape]:
        """Shapes of the weights, in Keras's order."""
        return []

    @abstractmethod
    def forward(self, weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
        """Compute the layer in NumPy, as it predicts.

        Parameters
        ----------
        weights : list of ndarray
            Their shapes are those of `weight_shapes`.
        values : ndarray of shape (n_rows, *input_shape)
            It may be overwritten.

        Returns
        -------
        ndarray of shape (n_rows, *output_shape)
        """

    @abstractmethod
    def build(self, name: str) -> keras.Layer:
        """Make a new Keras layer with this name."""

    @abstractmethod
    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add the layer's ONNX nodes to a graph, after the last value.

        In the graph, the channels of images come before height and width.
        """

    @property
    def is_known(self) -> bool:
        """Whether `forward` and `add_to` can compute the layer; otherwise only Keras can."""
        return True

    @property
    def n_generators(self) -> int:
        """Number of random generators in the Keras layer."""
        return 0

    def to_state(self) -> dict[str, Any]:
        """The layer as a dict of plain values, for a file."""
        return {"kind": self.kind, **asdict(self)}

    def faults(self) -> list[str]:
        """Wrong options, each as ``name=value``; checked when a file is loaded."""
        return []


def is_size(value: object) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def are_sizes(value: object, length: int | None = None) -> bool:
    """Whether a value is a tuple of whole numbers of at least 1, of a given length if any."""
    return isinstance(value, tuple) and length in (None, len(value)) and all(map(is_size, value))
