"""Activations as separate layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._body._layer import (
    BodyLayer,
    activation_name,
    add_activation,
    is_number,
    wrong_options,
)
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Activation(BodyLayer):
    """An activation of the table, including Softmax along the last axis.

    Parameters
    ----------
    activation : str
        Keras's name.
    """

    activation: str

    kind: ClassVar[str] = "activation"
    keras_names: ClassVar[tuple[str, ...]] = ("Activation", "Softmax")

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert an Activation, or a Softmax along the last axis."""
        if type(layer).__name__ == "Softmax":
            return cls("softmax") if layer.axis in (-1, len(shapes[0])) else None
        name = activation_name(layer.activation)
        return None if name is None else cls(name)

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the activation on a copy, in place where possible."""
        return ACTIVATIONS[self.activation].compute(inputs[0].copy())

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add the activation's nodes."""
        add_activation(graph, self.activation)

    def faults(self) -> list[str]:
        """Check the name."""
        known = isinstance(self.activation, str) and self.activation in ACTIVATIONS
        return wrong_options(self, activation=known)


@dataclass(frozen=True)
class Rectifier(BodyLayer):
    """Keras's ReLU with its three options, and LeakyReLU.

    Parameters
    ----------
    max_value : float or None
        Larger values are cut; None leaves them.
    negative_slope : float
        Slope of what is below the threshold.
    threshold : float
        Values up to it are 0, but for the slope.
    """

    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0

    kind: ClassVar[str] = "rectifier"
    keras_names: ClassVar[tuple[str, ...]] = ("LeakyReLU", "ReLU")

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a ReLU or a LeakyReLU whose options are numbers."""
        max_value = getattr(layer, "max_value", None)
        others = [layer.negative_slope, getattr(layer, "threshold", 0)]
        if not all(map(is_number, others)) or not (max_value is None or is_number(max_value)):
            return None
        return cls(None if max_value is None else float(max_value), *map(float, others))

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer like Keras: the positive part minus the negative part."""
        values = inputs[0]
        if self.threshold:
            positive = np.where(values > self.threshold, values, 0)
        else:
            positive = np.maximum(values, 0)
        if self.max_value is not None:
            np.clip(positive, 0, self.max_value, out=positive)
        if self.negative_slope:
            positive -= self.negative_slope * np.maximum(self.threshold - values, 0)
        return positive

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add the nodes of the two parts."""
        (values,) = inputs
        if self.threshold:
            above = graph.add("Greater", values, _number(self.threshold))
            graph.add("Where", above, values, _number(0))
        else:
            graph.add("Relu")
        if self.max_value is not None:
            graph.add("Clip", graph.last, _number(0), _number(self.max_value))
        if self.negative_slope:
            positive = graph.last
            graph.add("Sub", _number(self.threshold), values)
            graph.add("Mul", graph.add("Relu"), _number(self.negative_slope))
            graph.add("Sub", positive, graph.last)

    def faults(self) -> list[str]:
        """Check the options."""
        return wrong_options(
            self,
            max_value=self.max_value is None or _is_not_negative(self.max_value),
            negative_slope=_is_not_negative(self.negative_slope),
            threshold=_is_not_negative(self.threshold),
        )


@dataclass(frozen=True)
class ELU(BodyLayer):
    """An exponential linear unit with a factor.

    Parameters
    ----------
    alpha : float
        Minus the limit below 0.
    """

    alpha: float = 1.0

    kind: ClassVar[str] = "elu"
    keras_names: ClassVar[tuple[str, ...]] = ("ELU",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert an ELU."""
        return cls(float(layer.alpha)) if is_number(layer.alpha) else None

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        values = inputs[0]
        return np.where(values > 0, values, self.alpha * np.expm1(np.minimum(values, 0)))

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add an Elu."""
        graph.add("Elu", alpha=self.alpha)

    def faults(self) -> list[str]:
        """Check the factor."""
        return wrong_options(self, alpha=is_number(self.alpha))


@dataclass(frozen=True)
class PReLU(BodyLayer):
    """A leaky ReLU whose slopes are trained.

    Parameters
    ----------
    shared_axes : tuple of int
        Axes along which there is one slope, counted from 1; rising.
    """

    shared_axes: tuple[int, ...] = ()

    kind: ClassVar[str] = "prelu"
    keras_names: ClassVar[tuple[str, ...]] = ("PReLU",)

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert a PReLU."""
        axes = layer.shared_axes or []
        # In Keras, the shared axes are numbered from 1.
        if not all(type(axis) is int and 1 <= axis <= len(shapes[0]) for axis in axes):
            return None
        return cls(tuple(sorted(set(axes))))

    def weight_names(self) -> tuple[str, ...]:
        """The slopes."""
        return ("alpha",)

    def shape_faults(self, shapes: list[Shape]) -> list[str]:
        """Check that the only input has the shared axes."""
        if len(shapes) != 1 or max(self.shared_axes, default=0) > len(shapes[0]):
            return [f"inputs of shapes {shapes}"]
        return []

    def weight_shapes(self, shapes: list[Shape]) -> list[Shape]:
        """Return the shape of a row, with 1 for shared axes."""
        lengths = enumerate(shapes[0], start=1)
        return [tuple(1 if axis in self.shared_axes else length for axis, length in lengths)]

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Compute the layer."""
        values = inputs[0]
        return np.where(values > 0, values, weights[0] * values)

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add a PRelu."""
        graph.add("PRelu", graph.last, weights[0])

    def faults(self) -> list[str]:
        """Check the axes."""
        axes = self.shared_axes
        right = isinstance(axes, tuple) and all(type(axis) is int and axis >= 1 for axis in axes)
        return wrong_options(self, shared_axes=right)


def _number(value: float) -> np.ndarray:
    return np.array(value, dtype=np.float32)


def _is_not_negative(value: object) -> bool:
    return is_number(value) and value >= 0  # type: ignore[operator]
