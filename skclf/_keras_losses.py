"""Losses that nets are compiled with.

The gradients of the cross-entropies with respect to the logits are written out in the engine. Every
other loss is a `keras.losses.Loss` of probabilities, whose gradients TensorFlow computes.
"""

from __future__ import annotations

from typing import Any

import keras

from skclf._losses import ALIASES, LOSSES, loss_kind

CROSS_ENTROPIES = (
    "binary_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
)


class FunctionLoss(keras.losses.Loss):
    """The mean over the rows of a loss function written by the user.

    Parameters
    ----------
    function : callable
        ``function(y_true, y_pred)``.
    """

    def __init__(self, function: Any) -> None:
        name = getattr(function, "__name__", "loss")
        super().__init__(name=name if name.isidentifier() else "loss")
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Call the function."""
        return self.function(y_true, y_pred)


def resolved(loss: Any, head: str) -> tuple[str, keras.losses.Loss | None]:
    """Convert a loss to the form that the engine uses.

    Parameters
    ----------
    loss : str, keras.losses.Loss or callable
    head : {"sigmoid", "softmax"}
        Activation of the output layer.

    Returns
    -------
    cross_entropy : str
        The loss itself, or the cross-entropy that has the same form of targets.
    own_loss : keras.losses.Loss or None
        The loss to minimize; None if it is the cross-entropy.

    Raises
    ------
    ValueError
        If the name is unknown, the loss takes logits, or it isn't reduced to one number.
    """
    if isinstance(loss, str) and ALIASES.get(loss, loss) in CROSS_ENTROPIES:
        return ALIASES.get(loss, loss), None
    kind = loss_kind(loss)
    own = _instance(loss, kind)
    _check(own)
    for name in CROSS_ENTROPIES:
        cls = getattr(keras.losses, LOSSES[name].keras_name)
        if type(own) is cls and _settings(own) == _settings(cls()):
            return name, None
    if head == "sigmoid":
        return "binary_crossentropy", own
    return f"{'sparse_' * kind.takes_numbers}categorical_crossentropy", own


def _instance(loss, kind):
    if isinstance(loss, str):
        if not hasattr(keras.losses, kind.keras_name):
            raise ValueError(
                f"Got loss={loss!r}; expected a loss that Keras {keras.__version__} has. Update "
                "Keras."
            )
        return getattr(keras.losses, kind.keras_name)()
    if isinstance(loss, keras.losses.Loss):
        return loss
    if callable(loss) and not isinstance(loss, type):
        return FunctionLoss(loss)
    raise ValueError(
        f"Got loss={loss!r}; expected the name of a loss or an instance of keras.losses.Loss."
    )


def _check(loss):
    if getattr(loss, "from_logits", False):
        raise ValueError(
            f"Got loss={type(loss).__name__}(from_logits=True); expected from_logits=False, since "
            "losses are computed from probabilities. Leave from_logits out."
        )
    if loss.reduction in (None, "none"):
        raise ValueError(
            f"Got loss={type(loss).__name__}(reduction={loss.reduction!r}), which gives a value "
            "for each row; expected a reduction to one number, such as 'sum_over_batch_size'."
        )


def _settings(loss):
    return {name: value for name, value in loss.get_config().items() if name != "name"}


def is_mean(loss: keras.losses.Loss | None) -> bool:
    """Whether the loss of a batch is the mean over its rows, as its reduction shows."""
    return loss is None or loss.reduction in ("sum_over_batch_size", "mean")
