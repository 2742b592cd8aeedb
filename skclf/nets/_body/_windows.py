"""Windows that move over the axes of a row between the number of rows and the channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from skclf.nets._layer import Shape

Pads = list[tuple[int, int]]
PADDINGS = ("valid", "same", "causal")


def window_pads(lengths: Shape, sizes: Shape, strides: Shape, padding: str) -> Pads:
    """Values to add before and after each axis, as TensorFlow adds them.

    Parameters
    ----------
    lengths, sizes, strides : tuple of int
        Of the axes, of the windows with the gaps of dilated ones, and from a window to the next.
    padding : {"valid", "same", "causal"}
    """
    if padding == "valid":
        return [(0, 0)] * len(lengths)
    if padding == "causal":
        return [(size - 1, 0) for size in sizes]
    pads = []
    for length, size, stride in zip(lengths, sizes, strides, strict=True):
        total = max(0, (-(-length // stride) - 1) * stride + size - length)
        pads.append((total // 2, total - total // 2))
    return pads


def n_windows(lengths: Shape, sizes: Shape, strides: Shape, padding: str) -> Shape:
    """How many windows each axis has; less than 1 where it is too short."""
    pads = window_pads(lengths, sizes, strides, padding)
    return tuple(
        (before + length + after - size) // stride + 1
        for length, size, stride, (before, after) in zip(lengths, sizes, strides, pads, strict=True)
    )


def pad(values: np.ndarray, pads: Pads, fill: float = 0) -> np.ndarray:
    """Rows with more values before and after their axes, all but the channels.

    Without any they are the rows themselves. `numpy.pad` does the same in several times as long.
    """
    if not any(map(any, pads)):
        return values
    n, *lengths, channels = values.shape
    longer = [
        before + length + after for (before, after), length in zip(pads, lengths, strict=True)
    ]
    padded = np.full((n, *longer, channels), fill, dtype=values.dtype)
    inside = [
        slice(before, before + length) for (before, _), length in zip(pads, lengths, strict=True)
    ]
    padded[(slice(None), *inside)] = values
    return padded


def add_with_channels_first(
    graph: Any, operator: str, n_axes: int, *constants: np.ndarray, **attributes: Any
) -> None:
    """Add an ONNX node of an operator that wants the channels before the windows' axes."""
    last = n_axes + 1
    graph.add("Transpose", perm=[0, last, *range(1, last)])
    graph.add(operator, graph.last, *constants, **attributes)
    graph.add("Transpose", perm=[0, *range(2, last + 1), 1])


def onnx_pads(pads: Pads) -> list[int]:
    """All that is added before the axes, and then all that is added after them."""
    return [before for before, _ in pads] + [after for _, after in pads]
