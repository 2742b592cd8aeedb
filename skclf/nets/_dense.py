"""Dense layers of the classifiers with a fixed architecture, and of every output layer.

Those of bodies that users wrote are in `_body/_dense.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._layer import Layer, Shape, is_size
from skclf.nets._products import add_bias, multiply
from skclf.nets._regularizers import Penalties, are_penalties, regularizer

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer.

    Parameters
    ----------
    units : int
    activation : str
        Keras's name of the activation.
    penalties : tuple of tuple
        Names and factors of the penalties on the kernel, such as ``(("l2", 0.01),)``.
    """

    units: int
    activation: str = "linear"
    penalties: Penalties = ()

    kind: ClassVar[str] = "dense"
    input_rank: ClassVar[int | None] = 1

    def name(self, number: int) -> str:
        """The name of a hidden layer; the net names its output layer itself."""
        return f"hidden_{number}"

    def output_shape(self, input_shape: Shape) -> Shape:
        """The number of units."""
        return (self.units,)

    def weight_shapes(self, input_shape: Shape) -> list[Shape]:
        """Kernel and bias."""
        return [(*input_shape, self.units), (self.units,)]

    def logits(self, weights: list[np.ndarray], values: Any) -> np.ndarray:
        """Values before the activation; rows may be sparse."""
        kernel, bias = weights
        return add_bias(multiply(values, kernel), bias)

    def forward(self, weights: list[np.ndarray], values: Any) -> np.ndarray:
        """Compute the layer; rows may be sparse."""
        return ACTIVATIONS[self.activation].compute(self.logits(weights, values))

    def build(self, name: str) -> keras.Layer:
        """Make a `keras.layers.Dense`."""
        import keras

        return keras.layers.Dense(self.units, name=name, **kernel_options(self))

    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add a Gemm and the activation."""
        graph.add("Gemm", graph.last, *weights)
        ACTIVATIONS[self.activation].add_to(graph)

    @property
    def is_known(self) -> bool:
        """Whether the activation is in the table."""
        return self.activation in ACTIVATIONS

    def faults(self) -> list[str]:
        """Check units, activation and penalties."""
        return [
            f"{name}={getattr(self, name)!r}"
            for name, right in (
                ("units", is_size(self.units)),
                ("activation", isinstance(self.activation, str)),
                ("penalties", are_penalties(self.penalties)),
            )
            if not right
        ]


def kernel_options(layer: Any) -> dict[str, Any]:
    """Options of a Keras layer with a kernel and an activation."""
    import keras

    return {
        "activation": layer.activation,
        # Without a seed, Keras would draw one from Python's global generator. Which one doesn't
        # matter, since each fit sets the initial weights.
        "kernel_initializer": keras.initializers.GlorotUniform(seed=0),
        "kernel_regularizer": regularizer(layer.penalties),
        "dtype": "float32",
    }
