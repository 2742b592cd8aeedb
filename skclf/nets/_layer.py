"""What every kind of layer offers."""

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
    # Dimensions of a row that it takes, or None where any will do.
    input_rank: ClassVar[int | None] = None

    def name(self, number: int) -> str:
        """Name of the Keras layer that is the so-manieth of its kind in the net."""
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
            Of the shapes of `weight_shapes`.
        values : ndarray of shape (n_rows, *input_shape)
            Its memory may be used for the result.

        Returns
        -------
        ndarray of shape (n_rows, *output_shape)
        """

    @abstractmethod
    def build(self, name: str) -> keras.Layer:
        """Make a new Keras layer of this name."""

    @abstractmethod
    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add the layer's ONNX nodes to a graph, on the last value.

        Images have their channels before height and width there.
        """

    @property
    def is_known(self) -> bool:
        """Whether `forward` and `add_to` can compute the layer; else Keras alone can."""
        return True

    @property
    def n_generators(self) -> int:
        """How many random generators the Keras layer has."""
        return 0

    def to_state(self) -> dict[str, Any]:
        """The layer as a dict of plain values, for a file."""
        return {"kind": self.kind, **asdict(self)}

    def faults(self) -> list[str]:
        """What is wrong with the options, each as ``name=value``, where they come from a file."""
        return []


def is_size(value: object) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def are_sizes(value: object, length: int | None = None) -> bool:
    """Whether a value is a tuple of such numbers."""
    return isinstance(value, tuple) and length in (None, len(value)) and all(map(is_size, value))
