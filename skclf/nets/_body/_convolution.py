"""Convolutions along one or two axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._body._layer import activation_name, add_activation, wrong_options
from skclf.nets._body._windows import Convolving, add_with_channels_first, onnx_pads, pad
from skclf.nets._layer import Shape, is_size
from skclf.nets._products import add_bias
from skclf.nets._window_arithmetic import convolve

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class BodyConvolution(Convolving):
    """A convolution of sequences or of images.

    Parameters
    ----------
    filters : int
    kernel_size, strides, dilation : tuple of int
        One number for each axis: of sequences one, of images two.
    padding : {"valid", "same", "causal"}
        The last one for sequences alone.
    activation : str
        Keras's name.
    use_bias : bool
    """

    filters: int
    kernel_size: Shape
    strides: Shape
    dilation: Shape
    padding: str = "valid"
    activation: str = "linear"
    use_bias: bool = True

    kind: ClassVar[str] = "convolution"
    keras_names: ClassVar[tuple[str, ...]] = ("Conv1D", "Conv2D")

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Conv1D or a Conv2D without groups."""
        name = activation_name(layer.activation)
        if name is None or layer.groups != 1 or layer.data_format != "channels_last":
            return None
        return cls(
            int(layer.filters),
            tuple(map(int, layer.kernel_size)),
            tuple(map(int, layer.strides)),
            tuple(map(int, layer.dilation_rate)),
            layer.padding,
            name,
            bool(layer.use_bias),
        )

    def weight_names(self) -> tuple[str, ...]:
        """Kernel and bias."""
        return ("kernel", "bias") if self.use_bias else ("kernel",)

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Number of windows along each axis, filters."""
        return (*self.n_windows(shapes[0]), self.filters)

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Kernel and bias."""
        kernel = (*self.kernel_size, shapes[0][-1], self.filters)
        return [kernel, (self.filters,)][: len(self.weight_names())]

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        kernel, *bias = weights
        pads = self.pads(inputs[0].shape[1:])
        sums = convolve(pad(inputs[0], pads), kernel, self.strides, self.dilation)
        if bias:
            add_bias(sums, bias[0])
        return ACTIVATIONS[self.activation].compute(sums)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Conv between two transpositions, and the activation."""
        kernel, *bias = weights
        n_axes = len(self.kernel_size)
        kernel = kernel.transpose(n_axes + 1, n_axes, *range(n_axes))
        add_with_channels_first(
            graph,
            "Conv",
            n_axes,
            kernel,
            *bias,
            strides=self.strides,
            dilations=self.dilation,
            pads=onnx_pads(self.pads(shapes[0])),
        )
        add_activation(graph, self.activation)

    def faults(self) -> list[str]:
        """Check the options."""
        return wrong_options(
            self,
            filters=is_size(self.filters),
            **self.are_windows_right(),
            activation=isinstance(self.activation, str) and self.activation in ACTIVATIONS,
            use_bias=isinstance(self.use_bias, bool),
        )
