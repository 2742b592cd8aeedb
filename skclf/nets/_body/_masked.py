"""The average of the steps of a sequence that are not padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import ONNX_FLOAT, BodyLayer, wrong_options
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MaskedAverage(BodyLayer):
    """The average of each channel over the steps whose id isn't 0.

    It has two inputs, the sequences and their ids, since `keras.layers.GlobalAveragePooling1D`
    leaves steps out that an Embedding with ``mask_zero`` has marked. The average of no steps is
    NaN, as it is in Keras.

    Parameters
    ----------
    keepdims : bool
        Whether the axis of the steps stays, with a length of 1.
    """

    keepdims: bool = False

    kind: ClassVar[str] = "masked_average"

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a GlobalAveragePooling1D."""
        return cls(bool(layer.keepdims)) if layer.data_format == "channels_last" else None

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check for sequences and one id per step."""
        right = len(shapes) == 2 and len(shapes[0]) == 2 and shapes[0][:1] == shapes[1]
        return [] if right else [f"inputs of shapes {shapes}"]

    def output_shape(self, shapes: list[Shape]) -> Shape:
        """Return the channels, after the axis that is kept."""
        return (1, shapes[0][1]) if self.keepdims else shapes[0][1:]

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        values, ids = inputs
        is_step = (ids != 0).astype(values.dtype)[:, :, np.newaxis]
        with np.errstate(invalid="ignore"):
            means = (values * is_step).sum(axis=1) / is_step.sum(axis=1)
        return means[:, np.newaxis] if self.keepdims else means

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add the nodes of two sums and a quotient."""
        values, ids = inputs
        steps, keepdims = np.array([1]), int(self.keepdims)
        graph.add("Not", graph.add("Equal", ids, np.array(0, dtype=np.float32)))
        graph.add("Cast", to=ONNX_FLOAT)
        is_step = graph.add("Reshape", graph.last, np.array([0, shapes[1][0], 1]))
        count = graph.add("ReduceSum", is_step, steps, keepdims=keepdims)
        graph.add("ReduceSum", graph.add("Mul", values, is_step), steps, keepdims=keepdims)
        graph.add("Div", graph.last, count)

    def faults(self) -> list[str]:
        """Check the option."""
        return wrong_options(self, keepdims=isinstance(self.keepdims, bool))
