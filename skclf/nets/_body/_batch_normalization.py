"""Batch normalization with the statistics of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, is_positive, wrong_options
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class BatchNormalization(BodyLayer):
    """Scale and shift each channel by the moving averages from training.

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

    kind: ClassVar[str] = "batch_normalization"
    keras_names: ClassVar[tuple[str, ...]] = ("BatchNormalization",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a BatchNormalization along the last axis."""
        is_last = layer.axis in (-1, len(shapes[0]))
        # An option of newer Keras versions, which changes the statistics used in prediction.
        if not is_last or getattr(layer, "renorm", False):
            return None
        return cls(layer.epsilon, bool(layer.center), bool(layer.scale))

    def weight_names(self) -> tuple[str, ...]:
        """Return gamma and beta, if they are used, and the two averages."""
        gamma, beta = ["gamma"] * self.scale, ["beta"] * self.center
        return (*gamma, *beta, "moving_mean", "moving_variance")

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Return shapes with the length of the last axis."""
        return [(shapes[0][-1],)] * len(self.weight_names())

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        factor, shift = self._factor_and_shift(weights)
        values = inputs[0] * factor
        values += shift
        return values

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a product and a sum, because ONNX's own operator needs the channels first."""
        factor, shift = self._factor_and_shift(weights)
        graph.add("Mul", graph.last, factor)
        graph.add("Add", graph.last, shift)

    def faults(self) -> list[str]:
        """Check the options."""
        return wrong_options(
            self,
            epsilon=is_positive(self.epsilon),
            center=isinstance(self.center, bool),
            scale=isinstance(self.scale, bool),
        )

    def _factor_and_shift(self, weights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        named = dict(zip(self.weight_names(), weights, strict=True))
        factor = 1 / np.sqrt(named["moving_variance"] + self.epsilon)
        if self.scale:
            factor *= named["gamma"]
        shift = -named["moving_mean"] * factor
        if self.center:
            shift += named["beta"]
        return factor, shift
