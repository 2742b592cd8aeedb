"""Layer normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, is_positive, wrong_options
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LayerNormalization(BodyLayer):
    """Normalize the values along the last axis to a mean of 0 and a variance of 1.

    Parameters
    ----------
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a beta, and a gamma.
    """

    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    kind: ClassVar[str] = "layer_normalization"
    keras_names: ClassVar[tuple[str, ...]] = ("LayerNormalization",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a LayerNormalization along the last axis."""
        axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
        is_last = axes in ([-1], [len(shapes[0])])
        if not is_last or getattr(layer, "rms_scaling", False):
            return None
        return cls(float(layer.epsilon), bool(layer.center), bool(layer.scale))

    def weight_names(self) -> tuple[str, ...]:
        """Return gamma and beta, if they are used."""
        return (*["gamma"] * self.scale, *["beta"] * self.center)

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Return shapes with the length of the last axis."""
        return [(shapes[0][-1],)] * len(self.weight_names())

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        left = list(weights)
        values = inputs[0] - inputs[0].mean(axis=-1, keepdims=True)
        values /= np.sqrt((values * values).mean(axis=-1, keepdims=True) + self.epsilon)
        if self.scale:
            values *= left.pop(0)
        if self.center:
            values += left.pop(0)
        return values

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a LayerNormalization; in ONNX it always has a scale."""
        left = list(weights)
        scale = left.pop(0) if self.scale else np.ones(shapes[0][-1:], dtype=np.float32)
        graph.add("LayerNormalization", graph.last, scale, *left, axis=-1, epsilon=self.epsilon)

    def faults(self) -> list[str]:
        """Check the options."""
        return wrong_options(
            self,
            epsilon=is_positive(self.epsilon),
            center=isinstance(self.center, bool),
            scale=isinstance(self.scale, bool),
        )
