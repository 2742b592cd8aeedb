"""Constraints and assignment of the parameters that all classifiers share.

The ``__init__`` of each classifier lists its parameters with their defaults, because scikit-learn's
``get_params`` reads that signature, and passes the shared ones on to this constructor. Their
descriptions are in ``.ci/shared_texts.txt``, from where ``.ci/shared_texts.py`` writes them into
the docstrings.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.base import BaseEstimator

from skclf._arguments import InstanceWith, RealInterval, ValidationValue
from skclf._constraints import Interval, Options, StrOptions
from skclf._repr import ApiPageMixin
from skclf.nets import REGULARIZERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import (
        Callback,
        LearningRateSchedule,
        Loss,
        Metric,
        Optimizer,
        RandomState,
        Sizes,
    )


class NetParameters(ApiPageMixin, BaseEstimator):
    """Assigns the parameters that all classifiers share."""

    # Without "loss": each class allows different losses.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "optimizer": [str, InstanceWith(["get_config", "apply_gradients"])],
        "learning_rate": [
            RealInterval(Real, 0, None, closed="neither"),
            InstanceWith(["get_config", "__call__"]),
            None,
        ],
        "metrics": [list, tuple, None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_split": [RealInterval(Real, 0, 1, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "monitor": [str, tuple, None],
        "refit_epoch": [ValidationValue(), None],
        "keep_epochs": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "callbacks": [list, tuple, InstanceWith(["on_epoch_end", "set_model"]), None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": [Options(Integral, {0, 1, 2}), "boolean"],
    }

    # No defaults here, so that a class that forgets to pass on a parameter fails in its
    # constructor, instead of training with the default of another class.
    def __init__(
        self,
        *,
        optimizer: str | Optimizer,
        learning_rate: float | LearningRateSchedule | None,
        loss: str | Loss,
        metrics: Sequence[Metric] | None,
        epochs: int,
        batch_size: int,
        validation_split: float,
        patience: int | None,
        monitor: str | tuple[str, str] | None,
        refit_epoch: str | tuple[str, str] | None,
        keep_epochs: bool,
        class_weight: dict[Any, float] | str | None,
        callbacks: Callback | Sequence[Callback] | None,
        warm_start: bool,
        random_state: int | RandomState | None,
        verbose: int,
    ) -> None:
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.metrics = metrics
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_split = validation_split
        self.patience = patience
        self.monitor = monitor
        self.refit_epoch = refit_epoch
        self.keep_epochs = keep_epochs
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose


class HiddenLayerParameters(NetParameters):
    """Assigns the shared parameters and those of hidden dense layers."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str],
        "dropout": [RealInterval(Real, 0, 1, closed="left")],
        **{name: [RealInterval(Real, 0, None, closed="left")] for name in REGULARIZERS},
        **NetParameters._parameter_constraints,
    }

    def __init__(
        self,
        *,
        hidden_layer_sizes: Sizes,
        activation: str,
        dropout: float,
        l2: float,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.l2 = l2
