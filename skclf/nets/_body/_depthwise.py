"""Depthwise and separable convolutions; the latter also mix the channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._body._layer import activation_name, add_activation, wrong_options
from skclf.nets._body._windows import Convolving, add_with_channels_first, onnx_pads, pad
from skclf.nets._layer import Shape, is_size

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class DepthwiseConvolution(Convolving):
    """A depthwise convolution of sequences or images, separable if it also mixes the channels.

    Parameters
    ----------
    multiplier : int
        How many results each channel has.
    kernel_size, strides, dilation : tuple of int
        One number for each axis: of sequences one, of images two.
    padding : {"valid", "same", "causal"}
        The last one for sequences alone.
    filters : int or None
        How many mixtures of the results a separable convolution gives; None gives the results.
    activation : str
        Keras's name.
    use_bias : bool
    """

    multiplier: int
    kernel_size: Shape
    strides: Shape
    dilation: Shape
    padding: str = "valid"
    filters: int | None = None
    activation: str = "linear"
    use_bias: bool = True

    kind: ClassVar[str] = "depthwise_convolution"
    keras_names: ClassVar[tuple[str, ...]] = (
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "SeparableConv1D",
        "SeparableConv2D",
    )

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert one of Keras's four layer classes."""
        name = activation_name(layer.activation)
        # With both, TensorFlow raises an error or computes something else.
        has_both = max(layer.strides) > 1 and max(layer.dilation_rate) > 1
        if name is None or layer.data_format != "channels_last" or has_both:
            return None
        is_separable = type(layer).__name__.startswith("Separable")
        return cls(
            int(layer.depth_multiplier),
            tuple(map(int, layer.kernel_size)),
            tuple(map(int, layer.strides)),
            tuple(map(int, layer.dilation_rate)),
            layer.padding,
            int(layer.filters) if is_separable else None,
            name,
            bool(layer.use_bias),
        )

    def weight_names(self) -> tuple[str, ...]:
        """One or two kernels, and the bias."""
        is_separable = self.filters is not None
        kernels = ("depthwise_kernel", "pointwise_kernel") if is_separable else ("kernel",)
        return (*kernels, "bias") if self.use_bias else kernels

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Number of windows along each axis, results of all channels or filters."""
        return (*self.n_windows(shapes[0]), self._n_results(shapes[0][-1]))

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """One or two kernels, and the bias."""
        channels = shapes[0][-1]
        found: list[Shape] = [(*self.kernel_size, channels, self.multiplier)]
        if self.filters is not None:
            ones = (1,) * len(self.kernel_size)
            found.append((*ones, channels * self.multiplier, self.filters))
        return [*found, (self._n_results(channels),)] if self.use_bias else found

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        kernel, *left = weights
        padded = pad(inputs[0], self.pads(inputs[0].shape[1:]))
        sums = convolve_channels(padded, kernel, self.strides, self.dilation)
        if self.filters is not None:
            pointwise = left.pop(0).reshape(-1, self.filters)
            mixed = sums.reshape(-1, len(pointwise)) @ pointwise
            sums = mixed.reshape(*sums.shape[:-1], self.filters)
        if left:
            sums += left[0]
        return ACTIVATIONS[self.activation].compute(sums)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a Conv of as many groups as channels, a MatMul, a sum and the activation."""
        kernel, *left = weights
        n_axes, channels = len(self.kernel_size), shapes[0][-1]
        kernel = kernel.transpose(n_axes, n_axes + 1, *range(n_axes))
        add_with_channels_first(
            graph,
            "Conv",
            n_axes,
            kernel.reshape(channels * self.multiplier, 1, *self.kernel_size),
            group=channels,
            strides=self.strides,
            dilations=self.dilation,
            pads=onnx_pads(self.pads(shapes[0])),
        )
        if self.filters is not None:
            graph.add("MatMul", graph.last, left.pop(0).reshape(-1, self.filters))
        if left:
            graph.add("Add", graph.last, left[0])
        add_activation(graph, self.activation)

    def n_values_at_work(self, shapes: list[Shape]) -> int:
        """The results of all channels, or the filters where there are more."""
        most = max(shapes[0][-1] * self.multiplier, self.filters or 0)
        return prod(self.n_windows(shapes[0])) * most

    def faults(self) -> list[str]:
        """Check the options."""
        return wrong_options(
            self,
            multiplier=is_size(self.multiplier),
            **self.are_windows_right(),
            filters=self.filters is None or is_size(self.filters),
            activation=isinstance(self.activation, str) and self.activation in ACTIVATIONS,
            use_bias=isinstance(self.use_bias, bool),
        )

    def _n_results(self, channels: int) -> int:
        return channels * self.multiplier if self.filters is None else self.filters


def convolve_channels(
    values: np.ndarray, kernel: np.ndarray, strides: Shape, dilation: Shape
) -> np.ndarray:
    """Cross-correlation of each channel without padding.

    Parameters
    ----------
    values : ndarray of shape (n, *lengths, channels)
    kernel : ndarray of shape (*sizes, channels, multiplier)
    strides, dilation : tuple of int
        One number for each of the lengths.

    Returns
    -------
    ndarray of shape (n, *numbers of windows, channels * multiplier)
    """
    *sizes, channels, multiplier = kernel.shape
    spans = [(size - 1) * step for size, step in zip(sizes, dilation, strict=True)]
    counts = [
        (length - span - 1) // stride + 1
        for length, span, stride in zip(values.shape[1:], spans, strides, strict=False)
    ]
    sums = np.zeros((len(values), *counts, channels, multiplier), dtype=values.dtype)
    for place in np.ndindex(*sizes):
        parts = tuple(
            slice(at * step, at * step + (count - 1) * stride + 1, stride)
            for at, step, count, stride in zip(place, dilation, counts, strides, strict=True)
        )
        # Whole slices are multiplied, because a matrix product per channel would be tiny.
        sums += values[(slice(None), *parts)][..., np.newaxis] * kernel[place]
    return sums.reshape(len(values), *counts, channels * multiplier)
