"""Losses by name: the output layer that each one needs, and the form of its targets.

This module doesn't load Keras. A custom loss works with every output layer, and gets one-hot rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class LossKind(NamedTuple):
    """Properties of a loss.

    Attributes
    ----------
    keras_name : str
        Name of its class in `keras.losses`.
    head : str or None
        The activation that it needs in the output layer. None if it works with both.
    takes_numbers : bool
        Whether its targets are class numbers instead of one-hot rows.
    by_output : bool
        Whether it is a mean over the outputs, so that labels can be weighted one by one.
    """

    keras_name: str
    head: str | None = None
    takes_numbers: bool = False
    by_output: bool = False


LOSSES = {
    "binary_crossentropy": LossKind("BinaryCrossentropy", "sigmoid", by_output=True),
    "binary_focal_crossentropy": LossKind("BinaryFocalCrossentropy", "sigmoid", by_output=True),
    "categorical_crossentropy": LossKind("CategoricalCrossentropy", "softmax"),
    "categorical_focal_crossentropy": LossKind("CategoricalFocalCrossentropy", "softmax"),
    "categorical_generalized_cross_entropy": LossKind(
        "CategoricalGeneralizedCrossEntropy", "softmax", takes_numbers=True
    ),
    "categorical_hinge": LossKind("CategoricalHinge", "softmax"),
    "cosine_similarity": LossKind("CosineSimilarity", "softmax"),
    "dice": LossKind("Dice"),
    "hinge": LossKind("Hinge", by_output=True),
    "huber": LossKind("Huber", by_output=True),
    "kl_divergence": LossKind("KLDivergence", "softmax"),
    "log_cosh": LossKind("LogCosh", by_output=True),
    "mean_absolute_error": LossKind("MeanAbsoluteError", by_output=True),
    "mean_squared_error": LossKind("MeanSquaredError", by_output=True),
    "poisson": LossKind("Poisson", by_output=True),
    "sparse_categorical_crossentropy": LossKind(
        "SparseCategoricalCrossentropy", "softmax", takes_numbers=True
    ),
    "squared_hinge": LossKind("SquaredHinge", by_output=True),
    "tversky": LossKind("Tversky"),
}
# Keras's short names.
ALIASES = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
}
_CUSTOM = LossKind("Loss")


def loss_kind(loss: Any) -> LossKind:
    """The properties of a loss.

    Parameters
    ----------
    loss : str, keras.losses.Loss or callable
        A name in `LOSSES` or `ALIASES`, or an object.

    Raises
    ------
    ValueError
        If the name is unknown, or the Keras class needs other outputs than probabilities.
    """
    if isinstance(loss, str):
        name = ALIASES.get(loss, loss)
        if name not in LOSSES:
            raise ValueError(
                f"Got loss={loss!r}; expected 'auto', {', '.join(map(repr, LOSSES))}, or an "
                "instance of keras.losses.Loss."
            )
        return LOSSES[name]
    by_class = {kind.keras_name: kind for kind in LOSSES.values()}
    for base in type(loss).__mro__:
        if base.__module__.partition(".")[0] != "keras":
            continue
        if base.__name__ in by_class:
            return by_class[base.__name__]
        if base.__name__ not in ("Loss", "LossFunctionWrapper"):
            if base.__name__ in ("CTC", "Circle"):
                raise ValueError(
                    f"Got loss={base.__name__}; expected a loss that is computed from the "
                    "probabilities of the classes."
                )
            continue
        break
    return _CUSTOM
