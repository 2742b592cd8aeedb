"""The pooling of `ShapeConvClassifier`; that of users' bodies is in `_body/_pooling.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skclf.nets._layer import Layer, Shape, are_sizes
from skclf.nets._window_arithmetic import merge_windows

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MaxPooling(Layer):
    """The maximum of each window. Windows don't overlap; incomplete ones at the edge are padded.

    Parameters
    ----------
    pool_size : tuple of int
        ``(height, width)`` of the windows.
    """

    pool_size: tuple[int, int] = (2, 2)

    kind: ClassVar[str] = "pool"
    input_rank: ClassVar[int | None] = 3

    def output_shape(self, input_shape: Shape) -> Shape:
        """Number of windows along height and width, and channels."""
        height, width, channels = input_shape
        pool_height, pool_width = self.pool_size
        return -(-height // pool_height), -(-width // pool_width), channels

    def forward(self, weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
        """Compute the layer."""
        return max_pool_same(values, self.pool_size)

    def build(self, name: str) -> keras.Layer:
        """Make a `keras.layers.MaxPooling2D`."""
        import keras

        return keras.layers.MaxPooling2D(
            self.pool_size, padding="same", data_format="channels_last", dtype="float32", name=name
        )

    def add_to(self, graph: Any, weights: list[np.ndarray], input_shape: Shape) -> None:
        """Add a MaxPool."""
        sizes = zip(input_shape[:2], self.pool_size, strict=True)
        missing = [-length % pool for length, pool in sizes]
        begins = [total // 2 for total in missing]
        ends = [total - begin for total, begin in zip(missing, begins, strict=True)]
        options = {"kernel_shape": self.pool_size, "strides": self.pool_size}
        graph.add("MaxPool", **options, pads=begins + ends)

    def faults(self) -> list[str]:
        """Check the windows."""
        return [] if are_sizes(self.pool_size, 2) else [f"pool_size={self.pool_size!r}"]


def max_pool_same(images, pool_size):
    """Maximum of each window, like `keras.layers.MaxPooling2D` with ``padding="same"``.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
    pool_size : tuple of int
        ``(height, width)`` of the windows, which do not overlap.

    Returns
    -------
    ndarray of shape (n, ceil(height / pool), ceil(width / pool), channels)
    """
    sizes = images.shape[1:3]
    pool_size = [min(pool, size) for pool, size in zip(pool_size, sizes, strict=True)]
    missing = [-size % pool for size, pool in zip(sizes, pool_size, strict=True)]
    if any(missing):
        rows, columns = ((total // 2, total - total // 2) for total in missing)
        images = np.pad(images, ((0, 0), rows, columns, (0, 0)), constant_values=-np.inf)
    for axis, pool in enumerate(pool_size, 1):
        images = merge_windows(np.maximum, images, axis, pool, pool)
    return images
