"""Determine which nets can be trained with open sizes: one compiled program works for all sizes.

These are nets of skclf's own dense and dropout layers, if `skclf.engine` supports their optimizer
and metrics. Other nets are trained as Keras models with fixed sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from skclf import _keras_objects, engine, nets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import Metric

# The optimizer settings that updates with open sizes use, apart from the learning rate.
_OPEN_SETTINGS = {"rho", "momentum", "nesterov", "epsilon", "beta_1", "beta_2"}


class Opened(NamedTuple):
    """A net without its sizes.

    Attributes
    ----------
    kind : engine.OpenKind
    settings : dict of str to list of float
        The ``rates`` of dropout and the ``factors`` of penalties.
    """

    kind: engine.OpenKind
    settings: dict[str, list[float]]


def opened(net: nets.LayeredNet | nets.OpaqueNet, compile_with: dict[str, Any]) -> Opened | None:
    """Return a net without its sizes, or None if it must be trained as a Keras model.

    Parameters
    ----------
    net : LayeredNet or OpaqueNet
    compile_with : dict
        A result of `skclf._keras_nets.with_fitting_loss`.
    """
    if not isinstance(net, nets.LayeredNet) or not net.is_known or engine.current_strategy():
        return None
    optimizer, loss = compile_with["optimizer"], compile_with["loss"]
    if not _has_open_optimizer(optimizer, compile_with["learning_rate"]):
        return None
    if not _are_open(compile_with["metrics"], loss):
        return None
    layers: list[engine.OpenDense | engine.OpenDropout] = []
    rates: list[float] = []
    factors: list[float] = []
    for layer in net.layers:
        if type(layer) is nets.Dropout:
            layers.append(engine.OpenDropout())
            rates.append(layer.rate)
        elif type(layer) is nets.Dense:
            regularizers = tuple(nets.REGULARIZERS[name] for name, _ in layer.penalties)
            layers.append(engine.OpenDense(layer.activation, regularizers))
            factors.extend(factor for _, factor in layer.penalties)
        else:
            return None
    template_class = type(_keras_objects.optimizer_template(optimizer))
    kind = engine.open_kind(tuple(layers), net.weight_shapes(), net.sparse, template_class)
    return Opened(kind, {"rates": rates, "factors": factors})


def new_net(kind: engine.OpenKind, compile_with: dict[str, Any]) -> engine.OpenNet:
    """Return a new `engine.OpenNet`."""
    optimizer = compile_with["optimizer"], compile_with["learning_rate"]
    return engine.OpenNet(
        kind,
        optimizer=_keras_objects.new_optimizer(*optimizer),
        loss=compile_with["loss"],
        metrics=_keras_objects.new_metrics(compile_with["metrics"], compile_with["loss"]),
    )


def _has_open_optimizer(optimizer, learning_rate):
    template = _keras_objects.optimizer_template(optimizer)
    _, rate = _keras_objects.optimizer_key(optimizer, learning_rate)
    if rate is None or not engine.can_be_open(type(template)):
        return False  # the rate follows a schedule, or only Keras implements the update
    if isinstance(optimizer, str):
        return True  # it has the default settings of its class
    return _keras_objects.differs_in(template, type(template)) <= _OPEN_SETTINGS


def _are_open(metrics: Sequence[Metric] | None, loss: str) -> bool:
    """Return whether all metrics are Keras's means over rows, which have scalar variables."""
    others = [metric for metric in metrics or () if not _keras_objects.is_accuracy_name(metric)]
    return all(
        isinstance(metric, keras.metrics.MeanMetricWrapper) and engine.adds_up(metric)
        for metric in _keras_objects.new_metrics(others, loss)
    )
