"""The convolution of `ShapeConvClassifier`, with zero padding and strides of 1.

Convolutions of bodies that users wrote are in `_body/_convolution.py`. The arithmetic that both
share is in `_window_arithmetic.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._dense import kernel_options
from skclf.nets._layer import Layer, Shape, are_sizes, is_size
from skclf.nets._products import add_bias
from skclf.nets._regularizers import Penalties, are_penalties
from skclf.nets._window_arithmetic import convolve

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution of images with zero padding, so that height and width stay the same.

    Parameters
    ----------
    filters : int
    kernel_size : tuple of int
        ``(height, width)``.
    activation : str
        Keras's name of the activation.
    penalties : tuple of tuple
        Names and factors of the penalties on the kernel, such as ``(("l2", 0.01),)``.
    """

    filters: int
    kernel_size: tuple[int, int] = (3, 3)
    activation: str = "linear"
    penalties: Penalties = ()

    kind: ClassVar[str] = "conv"
    input_rank: ClassVar[int | None] = 3

    def output_shape(self, input_shape: Shape) -> Shape:
        """Height, width, filters."""
        return (*input_shape[:2], self.filters)

    def weight_shapes(self, input_shape: Shape) -> list[Shape]:
        """Kernel and bias."""
        return [(*self.kernel_size, input_shape[2], self.filters), (self.filters,)]

    def forward(self, weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
        """Compute the layer."""
        return ACTIVATIONS[self.activation].compute(convolve_same(values, *weights))

    def can_pool(self, input_shape: Shape, pool_size: Shape) -> bool:
        """Whether `forward_and_pool` can compute the layer and a pooling layer after it."""
        sizes = zip(input_shape[:2], pool_size, strict=True)
        divides = all(size % pool == 0 for size, pool in sizes)
        return divides and ACTIVATIONS[self.activation].rises

    def forward_and_pool(
        self, weights: list[np.ndarray], values: np.ndarray, pool_size: Shape
    ) -> np.ndarray:
        """Compute the layer and the maximum of each pooling window.

        Adding a bias and applying a monotonic activation keep the order of values. So the maximum
        may be taken first, which leaves fewer values to compute.
        """
        kernel, bias = weights
        sums = convolve(padded_same(values, kernel), kernel, (1, 1), (1, 1), pool_size)
        return ACTIVATIONS[self.activation].compute(add_bias(sums, bias))

    def build(self, name: str) -> keras.Layer:
        """Make a `keras.layers.Conv2D`."""
        import keras

        return keras.layers.Conv2D(
            self.filters,
            self.kernel_size,
            padding="same",
            data_format="channels_last",
            name=name,
            **kernel_options(self),
        )

    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add a Conv and the activation."""
        kernel, bias = weights
        height, width = self.kernel_size
        begins, ends = [(height - 1) // 2, (width - 1) // 2], [height // 2, width // 2]
        graph.add("Conv", graph.last, kernel.transpose(3, 2, 0, 1), bias, pads=begins + ends)
        ACTIVATIONS[self.activation].add_to(graph)

    @property
    def is_known(self) -> bool:
        """Whether the activation is in the table."""
        return self.activation in ACTIVATIONS

    def faults(self) -> list[str]:
        """Check filters, kernel, activation and penalties."""
        return [
            f"{name}={getattr(self, name)!r}"
            for name, right in (
                ("filters", is_size(self.filters)),
                ("kernel_size", are_sizes(self.kernel_size, 2)),
                ("activation", isinstance(self.activation, str)),
                ("penalties", are_penalties(self.penalties)),
            )
            if not right
        ]


def convolve_same(images: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """2-D cross-correlation with zero padding, like `keras.layers.Conv2D` with ``padding="same"``.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
    kernel : ndarray of shape (kernel_height, kernel_width, channels, filters)
    bias : ndarray of shape (filters,)

    Returns
    -------
    ndarray of shape (n, height, width, filters)
    """
    return add_bias(convolve(padded_same(images, kernel), kernel, (1, 1), (1, 1)), bias)


def padded_same(images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Pad images with zeros, so that a convolution keeps their height and width."""
    # For even sizes TensorFlow pads one more line below and to the right.
    n, height, width, channels = images.shape
    (top, below), (left, right) = [((size - 1) // 2, size // 2) for size in kernel.shape[:2]]
    padded = np.zeros((n, top + height + below, left + width + right, channels), images.dtype)
    padded[:, top : top + height, left : left + width] = images
    return padded
