"""Convolution and pooling of arrays in NumPy.

The axes of an array are rows, one or two lengths, and channels. Padding is up to the callers.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from skclf.nets._layer import Shape
from skclf.nets._products import multiply

# Values of windows to gather at a time: few enough for the cache. They go to the same memory each
# time, since the operating system takes as long to provide new memory as NumPy takes to fill it.
_MOST_VALUES = 1 << 17
# Most rows and columns of a band matrix. In larger ones, too many zeros would be multiplied.
_MOST_COLUMNS = 64


def convolve(
    values: np.ndarray,
    kernel: np.ndarray,
    strides: Shape,
    dilation: Shape,
    pool_size: Shape = (1, 1),
) -> np.ndarray:
    """Cross-correlation without padding, along all axes between rows and channels.

    Parameters
    ----------
    values : ndarray of shape (n, *lengths, channels)
        With one or two lengths.
    kernel : ndarray of shape (*sizes, channels, filters)
    strides, dilation : tuple of int
        One number for each of the lengths.
    pool_size : tuple of int
        Size of the windows of results of which only the maximum is kept; for two lengths only.
        The windows must cover the results without a remainder.

    Returns
    -------
    ndarray of shape (n, *numbers of windows, filters)
    """
    if values.ndim == 3:
        found = convolve(values[:, :, None], kernel[:, None], (*strides, 1), (*dilation, 1))
        return found[:, :, 0]
    height, width = (
        (length - (size - 1) * gap - 1) // stride + 1
        for length, size, gap, stride in zip(
            values.shape[1:3], kernel.shape, dilation, strides, strict=False
        )
    )
    pool_height, pool_width = pool_size
    n_beside = 1
    if strides[1] == dilation[1] == 1:
        n_beside = _n_beside(kernel.shape, width, pool_width)
    matrix = _band(kernel, n_beside, pool_width)
    kernel_height, kernel_width, _, filters = kernel.shape
    windows = _windows(
        values,
        (height, width // n_beside),
        (kernel_height, kernel_width + n_beside - 1),
        (strides[0], strides[1] * n_beside),
        dilation,
    )
    per_line = max(prod(windows.shape[2:]), width * filters)
    out = np.empty((len(values), height // pool_height, width // pool_width, filters), values.dtype)
    memory = _Memory(values.dtype)
    for images, lines in _blocks(len(values), height, per_line, pool_height):
        block = windows[images, lines]
        gathered = memory.array("windows", (block.size // len(matrix), len(matrix)))
        gathered.reshape(block.shape)[...] = block
        target = out[images, lines.start // pool_height : lines.stop // pool_height]
        if pool_size == (1, 1):
            multiply(gathered, matrix, target.reshape(len(gathered), -1))
            continue
        sums = memory.array("sums", (len(gathered), matrix.shape[1]))
        multiply(gathered, matrix, sums)
        # Sums at the same place of their pooling windows lie side by side, one or several of them.
        run = max(1, n_beside // pool_width) * filters
        tall = sums.reshape(-1, pool_height, width * filters)
        highest = memory.array("highest", (len(tall), width * filters))
        _largest(tall, highest)
        _largest(highest.reshape(-1, pool_width, run), target.reshape(-1, run))
    return out


class _Memory:
    """Provides arrays whose memory is reused by later arrays of the same name."""

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype = dtype
        self._held: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: Shape) -> np.ndarray:
        """An uninitialized array; it overwrites the last one of this name."""
        size = shape[0] * shape[1]
        if name not in self._held or self._held[name].size < size:
            self._held[name] = np.empty(size, self._dtype)
        return self._held[name][:size].reshape(shape)


def _n_beside(kernel_shape: Shape, width: int, pool_width: int) -> int:
    """The number of neighbouring windows to compute together by a band matrix.

    Neighbouring windows share most of their values, which are then gathered only once. The band
    matrix contains zeros, but it has more columns, and products with few columns are slow.
    """
    kernel_height, kernel_width, channels, filters = kernel_shape
    best = 1
    for n_beside in (2, 4, 8, 16):
        n_values = kernel_height * (kernel_width + n_beside - 1) * channels
        fits = max(n_beside * filters, n_values) <= _MOST_COLUMNS
        if fits and width % n_beside == 0 and n_beside % pool_width == 0:
            best = n_beside
    return best


def _band(kernel: np.ndarray, n_beside: int, pool_width: int) -> np.ndarray:
    """Make a matrix of a kernel, from the values of neighbouring windows to their sums.

    Parameters
    ----------
    kernel : ndarray of shape (height, width, channels, filters)
    n_beside : int
    pool_width : int
        The columns are ordered by the place of a window within its pooling window: first the
        windows at place 0, ``pool_width`` apart from each other, then those at place 1, and so on.

    Returns
    -------
    ndarray of shape (height * (width + n_beside - 1) * channels, n_beside * filters)
    """
    height, width, channels, filters = kernel.shape
    if n_beside == 1:
        return kernel.reshape(-1, filters)
    to_sums = pool_width, n_beside // pool_width, filters
    band = np.zeros((height, width + n_beside - 1, channels, *to_sums), dtype=kernel.dtype)
    for window in range(n_beside):
        place = window % pool_width, window // pool_width
        band[:, window : window + width, :, *place] = kernel
    return band.reshape(-1, n_beside * filters)


def _windows(
    values: np.ndarray, counts: Shape, sizes: Shape, strides: Shape, dilation: Shape
) -> np.ndarray:
    """Make a view of all windows.

    The channels are last, as in memory, so that the last axis of a window and its channels are
    copied in one piece. This takes a half to a third of the time of copying single values.

    Returns
    -------
    ndarray of shape (n, *counts, *sizes, channels)
    """
    values = np.ascontiguousarray(values)
    n, *steps, of_channels = values.strides
    between = [stride * step for stride, step in zip(strides, steps, strict=True)]
    inside = [gap * step for gap, step in zip(dilation, steps, strict=True)]
    return np.ndarray(
        (len(values), *counts, *sizes, values.shape[-1]),
        dtype=values.dtype,
        buffer=values,
        strides=(n, *between, *inside, of_channels),
    )


def _blocks(
    n_images: int, height: int, per_line: int, pool_height: int
) -> Iterator[tuple[slice, slice]]:
    """Yield slices of images and lines to convolve at a time: whole images, or parts of one."""
    n_lines = max(1, _MOST_VALUES // max(1, per_line))
    if n_lines >= height:
        lines, step = [slice(0, height)], n_lines // max(1, height)
    else:
        n_lines = max(1, n_lines // pool_height) * pool_height
        starts = range(0, height, n_lines)
        lines, step = [slice(start, min(start + n_lines, height)) for start in starts], 1
    for start in range(0, n_images, step):
        for some in lines:
            yield slice(start, start + step), some


def _largest(values: np.ndarray, out: np.ndarray) -> None:
    """The maximum along the second of three axes, a slice at a time as in `merge_windows`."""
    if values.shape[1] == 1:
        out[...] = values[:, 0]
        return
    np.maximum(values[:, 0], values[:, 1], out=out)
    for place in range(2, values.shape[1]):
        np.maximum(out, values[:, place], out=out)


def merge_windows(
    merge: np.ufunc, values: np.ndarray, axis: int, size: int, stride: int
) -> np.ndarray:
    """Merge the values of each window along one axis.

    Whole slices are merged at a time, which is several times as fast in NumPy as reducing short
    axes.
    """
    count = (values.shape[axis] - size) // stride + 1
    before = (slice(None),) * axis
    starts = [
        values[(*before, slice(start, start + (count - 1) * stride + 1, stride))]
        for start in range(size)
    ]
    if size == 1:
        return starts[0]
    merged = merge(starts[0], starts[1])
    for others in starts[2:]:
        merge(merged, others, out=merged)
    return merged
