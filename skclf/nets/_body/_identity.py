"""Layers that don't change values in prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skclf.nets._body._layer import BodyLayer
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Identity(BodyLayer):
    """A layer that is only active in training, such as Dropout and Keras's augmentation."""

    kind: ClassVar[str] = "identity"
    keras_names: ClassVar[tuple[str, ...]] = (
        "ActivityRegularization",
        "AlphaDropout",
        "Dropout",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "RandomBrightness",
        "RandomContrast",
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
        "SpatialDropout1D",
        "SpatialDropout2D",
    )
    takes_sparse: ClassVar[bool] = True

    @classmethod
    def from_keras(cls, layer: keras.Layer, shapes: list[Shape]) -> Self | None:
        """Convert the layer; options don't matter, but image augmentation needs images."""
        is_augmentation = type(layer).__name__.startswith("Random")
        return None if is_augmentation and len(shapes[0]) != 3 else cls()

    def forward(self, weights: list[np.ndarray], inputs: list[np.ndarray]) -> np.ndarray:
        """Return the values unchanged."""
        return inputs[0]

    def add_to(
        self, graph: Any, weights: list[np.ndarray], inputs: list[str], shapes: list[Shape]
    ) -> None:
        """Add nothing."""

    def n_values_at_work(self, shapes: list[Shape]) -> int:
        """None."""
        return 0
