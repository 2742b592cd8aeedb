"""Convolution and pooling of arrays, whose axes are rows, one or two lengths, and channels."""

from __future__ import annotations

from math import prod

import numpy as np

from skclf.nets._layer import Shape

# Values of windows that are gathered at a time.
_MOST_VALUES = 1 << 22


def convolve(values: np.ndarray, kernel: np.ndarray, strides: Shape, dilation: Shape) -> np.ndarray:
    """Cross-correlation without padding along all axes between rows and channels.

    Parameters
    ----------
    values : ndarray of shape (n, *lengths, channels)
    kernel : ndarray of shape (*sizes, channels, filters)
    strides, dilation : tuple of int
        One number for each of the lengths.

    Returns
    -------
    ndarray of shape (n, *numbers of windows, filters)
    """
    *sizes, _, filters = kernel.shape
    n_axes = len(sizes)
    axes = tuple(range(1, n_axes + 1))
    spans = [(size - 1) * step + 1 for size, step in zip(sizes, dilation, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(values, spans, axis=axes)
    windows = windows[
        (slice(None), *(slice(None, None, step) for step in strides), slice(None))
        + tuple(slice(None, None, step) for step in dilation)
    ]
    # The channels last, as they are in memory: then the last axis of a window and its channels are
    # copied in one piece, which takes a half to a third of the time of single values.
    windows = windows.transpose(0, *axes, *range(n_axes + 2, 2 * n_axes + 2), n_axes + 1)
    n_rows, *counts = windows.shape[: n_axes + 1]
    kernel = kernel.reshape(-1, filters)
    # All windows of all rows at a time, unless a few large images have too many for the memory.
    per_line = max(1, n_rows * prod(counts[1:]) * len(kernel))
    step = max(1, _MOST_VALUES // per_line)
    if step >= counts[0]:
        return _product(windows, kernel, n_axes)
    products = [
        _product(windows[:, start : start + step], kernel, n_axes)
        for start in range(0, counts[0], step)
    ]
    return np.concatenate(products, axis=1)


def _product(windows: np.ndarray, kernel: np.ndarray, n_axes: int) -> np.ndarray:
    product = windows.reshape(-1, len(kernel)) @ kernel
    return product.reshape(*windows.shape[: n_axes + 1], kernel.shape[1])


def merge_windows(
    merge: np.ufunc, values: np.ndarray, axis: int, size: int, stride: int
) -> np.ndarray:
    """Merge the values of each window along one axis.

    Whole slices are merged at a time, which NumPy does several times as fast as it reduces short
    axes of an array.
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
