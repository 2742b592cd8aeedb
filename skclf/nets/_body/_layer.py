"""The interface of all layer kinds in users' nets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras

# `onnx.TensorProto.FLOAT` and `INT64`; the layers don't import onnx.
ONNX_FLOAT, ONNX_INT64 = 1, 7


@dataclass(frozen=True)
class BodyLayer(ABC):
    """A layer of a graph without its weights; hashable.

    Shapes are those of one row, without the number of rows. All values have Keras's own layout,
    with the channels last, in NumPy as well as in ONNX. A kind of layer defines ``kind``, its name
    in files, and the methods below.
    """

    kind: ClassVar[str]
    # The classes of `keras.layers` that it computes.
    keras_names: ClassVar[tuple[str, ...]] = ()
    # Names of integer variables; all others are float32.
    whole_weights: ClassVar[tuple[str, ...]] = ()
    # Whether `forward` receives weights in float32, as stored, for rows of any dtype.
    looks_weights_up: ClassVar[bool] = False
    # Whether `forward` accepts CSR rows.
    takes_sparse: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Keras layer, or return None if an option is not supported.

        Parameters
        ----------
        layer : keras.Layer
            Of one of the classes of ``keras_names`` itself, and built.
        shapes : list of tuple
            Of the layer's inputs.
        """

    def weight_names(self) -> tuple[str, ...]:
        """Names of the Keras layer's variables, in their order."""
        return ()

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Return what is wrong with inputs of these shapes, each as part of a sentence."""
        return [] if len(shapes) == 1 else [f"{len(shapes)} inputs"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the shape of an output row, for inputs in which `shape_faults` finds no fault."""
        return shapes[0]

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Shapes of the weights, in Keras's order."""
        return []

    @abstractmethod
    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer in NumPy, as it predicts.

        Parameters
        ----------
        weights : list of ndarray
            Of the shapes of `weight_shapes`, and of the dtype of the inputs.
        inputs : list of ndarray of shape (n_rows, *shape)
            Other layers may need them too, so they stay as they are; the result may be one of them
            or a view of it.

        Returns
        -------
        ndarray of shape (n_rows, *output_shape)
        """

    @abstractmethod
    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add the layer's ONNX nodes to a graph.

        The graph's last value is the first input, and is the layer's output in the end.
        """

    def n_values_at_work(self, shapes: list[Shape]) -> int:
        """Return about how many values `forward` computes for a row."""
        return prod(self.output_shape(shapes))

    def to_state(self) -> dict[str, Any]:
        """Return the layer as a dict of plain values, for a file."""
        return {"kind": self.kind, **asdict(self)}

    def faults(self) -> list[str]:
        """Return the options from a file that are wrong, each as ``name=value``."""
        return []


def activation_name(function: object) -> str | None:
    """Return the name of one of Keras's activations in the table, or None for another function.

    The function itself is compared, since a user's own may have the name of Keras's.
    """
    import keras

    for name in ACTIVATIONS:
        if getattr(keras.activations, name, None) is function:
            return name
    return None


def add_activation(graph: Any, name: str) -> None:
    """Add the ONNX nodes of an activation of values with the channels last."""
    of_all_channels = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}
    if name in of_all_channels:
        graph.add(of_all_channels[name], axis=-1)
    else:
        ACTIVATIONS[name].add_to(graph)


def wrong_options(layer: BodyLayer, **right: bool) -> list[str]:
    """Return the options of a layer that are wrong, each as ``name=value``."""
    return [f"{name}={getattr(layer, name)!r}" for name, is_right in right.items() if not is_right]


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_positive(value: object) -> bool:
    """Whether a value is a finite number above 0."""
    return is_number(value) and value > 0  # type: ignore[operator]
