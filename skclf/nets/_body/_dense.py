"""Dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._body._layer import BodyLayer, activation_name, add_activation, wrong_options
from skclf.nets._layer import Shape, is_size
from skclf.nets._products import add_bias, multiply

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class BodyDense(BodyLayer):
    """A layer that is fully connected along the last axis.

    Parameters
    ----------
    units : int
    activation : str
        Keras's name.
    use_bias : bool
    """

    units: int
    activation: str = "linear"
    use_bias: bool = True

    kind: ClassVar[str] = "dense"
    keras_names: ClassVar[tuple[str, ...]] = ("Dense",)
    takes_sparse: ClassVar[bool] = True

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Dense."""
        name = activation_name(layer.activation)
        return None if name is None else cls(int(layer.units), name, bool(layer.use_bias))

    def weight_names(self) -> tuple[str, ...]:
        """Kernel and bias."""
        return ("kernel", "bias") if self.use_bias else ("kernel",)

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """All axes but the last one, and units."""
        return (*shapes[0][:-1], self.units)

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Kernel and bias."""
        return [(shapes[0][-1], self.units), (self.units,)][: len(self.weight_names())]

    def logits(self, weights: list[np.ndarray], values: Any) -> np.ndarray:
        """Compute the values before the activation; rows may be sparse."""
        kernel, *bias = weights
        # A single product of two matrices; with more dimensions, `@` computes one product per row.
        rows = values if values.ndim == 2 else values.reshape(-1, values.shape[-1])
        sums = multiply(rows, kernel)
        if bias:
            add_bias(sums, bias[0])
        return sums.reshape(*values.shape[:-1], self.units)

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer; rows may be sparse."""
        return ACTIVATIONS[self.activation].compute(self.logits(weights, inputs[0]))

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Gemm, or a MatMul of more dimensions, and the activation."""
        kernel, *bias = weights
        if len(shapes[0]) == 1:
            graph.add("Gemm", graph.last, kernel, *bias)
        else:
            graph.add("MatMul", graph.last, kernel)
            if bias:
                graph.add("Add", graph.last, bias[0])
        add_activation(graph, self.activation)

    def faults(self) -> list[str]:
        """Check units, activation and use of a bias."""
        return wrong_options(
            self,
            units=is_size(self.units),
            activation=isinstance(self.activation, str) and self.activation in ACTIVATIONS,
            use_bias=isinstance(self.use_bias, bool),
        )
