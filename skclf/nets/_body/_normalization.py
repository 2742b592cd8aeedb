"""Normalization by a mean and a variance that are set before training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer, is_number, is_positive, wrong_options
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Normalization(BodyLayer):
    """Subtract a mean and divide by a standard deviation, or the inverse.

    Parameters
    ----------
    mean, variance : tuple of float
        One for each channel, or one for all.
    invert : bool
        Whether it multiplies and adds.
    epsilon : float
        Least standard deviation.
    is_adapted : bool
        Whether Keras keeps the numbers, and how many rows they are of, among the weights. What
        predicts is a copy of them that Keras makes when the layer is adapted, as here.
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]
    invert: bool = False
    epsilon: float = 1e-7
    is_adapted: bool = False

    kind: ClassVar[str] = "normalization"
    keras_names: ClassVar[tuple[str, ...]] = ("Normalization",)
    whole_weights: ClassVar[tuple[str, ...]] = ("count",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a Normalization along the last axis, or one by two numbers."""
        import keras

        is_last, is_adapted = layer.axis in ((-1,), (len(shapes[0]),)), layer.input_mean is None
        if layer.mean is None or not (is_last or (layer.axis == () and not is_adapted)):
            return None
        numbers = [
            keras.ops.convert_to_numpy(each).ravel().tolist()
            for each in (layer.mean, layer.variance)
        ]
        found = cls(
            tuple(numbers[0]),
            tuple(numbers[1]),
            bool(layer.invert),
            float(keras.config.epsilon()),
            is_adapted,
        )
        return None if found.faults() else found

    def weight_names(self) -> tuple[str, ...]:
        """Return the three variables that `adapt` sets."""
        return ("mean", "variance", "count") if self.is_adapted else ()

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that there is a mean for each channel, or one for all."""
        if len(shapes) != 1:
            return [f"{len(shapes)} inputs"]
        allowed = shapes[0][-1:] if self.is_adapted else (1, *shapes[0][-1:])
        return [] if len(self.mean) in allowed else [f"inputs of shapes {shapes}"]

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Return the shapes of mean and variance, and of the count."""
        channels = (len(self.mean),)
        return [channels, channels, ()] if self.is_adapted else []

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        mean, deviation = self._mean_and_deviation(inputs[0].dtype)
        if self.invert:
            return mean + inputs[0] * deviation
        return (inputs[0] - mean) / deviation

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add two operators."""
        mean, deviation = self._mean_and_deviation(np.dtype(np.float32))
        if self.invert:
            graph.add("Mul", graph.last, deviation)
            graph.add("Add", graph.last, mean)
        else:
            graph.add("Sub", graph.last, mean)
            graph.add("Div", graph.last, deviation)

    def faults(self) -> list[str]:
        """Check the options."""
        are_numbers = _are_numbers(self.mean) and _are_numbers(self.variance)
        return wrong_options(
            self,
            mean=_are_numbers(self.mean),
            variance=are_numbers
            and len(self.variance) == len(self.mean)
            and min(self.variance) >= 0,
            invert=isinstance(self.invert, bool),
            epsilon=is_positive(self.epsilon),
            is_adapted=isinstance(self.is_adapted, bool),
        )

    def _mean_and_deviation(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = (np.array(each, dtype=dtype) for each in (self.mean, self.variance))
        return mean, np.maximum(np.sqrt(variance), dtype.type(self.epsilon))


def _are_numbers(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(map(is_number, value))
