"""Windows that move over the axes between rows and channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from skclf.nets._body._layer import BodyLayer
from skclf.nets._layer import Shape, are_sizes

Pads = list[tuple[int, int]]
PADDINGS = ("valid", "same", "causal")


def window_pads(lengths: Shape, sizes: Shape, strides: Shape, padding: str) -> Pads:
    """Return the padding before and after each axis, as in TensorFlow.

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
    """Return the number of windows along each axis; less than 1 if the axis is too short."""
    pads = window_pads(lengths, sizes, strides, padding)
    return tuple(
        (before + length + after - size) // stride + 1
        for length, size, stride, (before, after) in zip(lengths, sizes, strides, pads, strict=True)
    )


class Convolving(BodyLayer):
    """What all convolutions have in common: windows, which may be dilated."""

    kernel_size: Shape
    strides: Shape
    dilation: Shape
    padding: str

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that the input has one axis per dimension of the kernel, and channels."""
        if len(shapes) != 1 or len(shapes[0]) != len(self.kernel_size) + 1:
            return [f"inputs of shapes {shapes}"]
        fits = min(self.n_windows(shapes[0])) > 0
        return [] if fits else [f"an input of shape {shapes[0]}"]

    def spans(self) -> Shape:
        """Return the lengths of the windows, including the gaps of dilated ones."""
        sizes = zip(self.kernel_size, self.dilation, strict=True)
        return tuple((size - 1) * step + 1 for size, step in sizes)

    def pads(self, shape: Shape) -> Pads:
        """Values to add to rows of a shape."""
        return window_pads(shape[:-1], self.spans(), self.strides, self.padding)

    def n_windows(self, shape: Shape) -> Shape:
        """Numbers of windows along the axes of rows of a shape."""
        return n_windows(shape[:-1], self.spans(), self.strides, self.padding)

    def are_windows_right(self) -> dict[str, bool]:
        """Whether each shared option is right."""
        n_axes = len(self.kernel_size) if are_sizes(self.kernel_size) else 0
        return {
            "kernel_size": n_axes in (1, 2),
            "strides": are_sizes(self.strides, n_axes),
            "dilation": are_sizes(self.dilation, n_axes),
            "padding": self.padding in (PADDINGS if n_axes == 1 else PADDINGS[:2]),
        }


def pad(values: np.ndarray, pads: Pads, fill: float = 0) -> np.ndarray:
    """Pad all axes of rows except for the channels.

    Without padding, the rows themselves are returned. `numpy.pad` takes several times as long.
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
    """Add an ONNX node of an operator that needs the channels before the other axes."""
    last = n_axes + 1
    graph.add("Transpose", perm=[0, last, *range(1, last)])
    graph.add(operator, graph.last, *constants, **attributes)
    graph.add("Transpose", perm=[0, *range(2, last + 1), 1])


def onnx_pads(pads: Pads) -> list[int]:
    """Return the padding before all axes, followed by the padding after all axes."""
    return [before for before, _ in pads] + [after for _, after in pads]
