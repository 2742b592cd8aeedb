"""Nets in Keras: built, compiled, and found again; the parameters that they are compiled with.

The estimators reach this by `skclf._bridge`.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import keras
import numpy as np

from skclf import _keras_bodies, _keras_losses, _keras_objects, engine, nets
from skclf._fingerprints import Unknowable, fingerprint


class Built(NamedTuple):
    """A net that is ready to be trained.

    Attributes
    ----------
    net : LayeredNet or OpaqueNet
    weights : list of ndarray
        The initial ones.
    generator_states : list of ndarray or None
        Those of the layers' random generators; None where `skclf.nets` makes them.
    key : hashable or None
        What the programs of its layers depend on; None where that can't be known.
    tensors : tuple of keras.KerasTensor, or None
        Input and output, where Keras has built the net for this key.
    """

    net: nets.LayeredNet | nets.OpaqueNet
    weights: list[np.ndarray]
    generator_states: list[np.ndarray] | None
    key: Any
    tensors: tuple[keras.KerasTensor, keras.KerasTensor] | None


def build(net: nets.LayeredNet | nets.OpaqueNet, seed: int) -> Built:
    """Build a net, with the initial weights that a seed gives.

    Parameters
    ----------
    net : LayeredNet or OpaqueNet
    seed : int

    Raises
    ------
    ValueError, TypeError
        If a body of the user's own can't be one.
    """
    _check_keras()
    if isinstance(net, nets.LayeredNet):
        for layer in net.unknown_layers:
            _keras_objects.check_activation(layer.activation)
        return Built(net, nets.initial_weights(net.weight_shapes(), seed), None, net, None)
    built = _keras_bodies.build(net, seed)
    tensors = built.inputs, built.outputs
    return Built(built.net, built.weights, built.generator_states, built.key, tensors)


def with_fitting_loss(compile_with):
    """With the cross-entropy whose targets loss and metrics take, and another loss if there is one.

    It leaves what it has made itself as it is.
    """
    if "own_loss" in compile_with:
        return compile_with
    loss, own_loss = _keras_losses.resolved(compile_with["loss"], compile_with["head"])
    loss = _keras_objects.loss_for(loss, compile_with["metrics"], own_loss is not None)
    return {**compile_with, "loss": loss, "own_loss": own_loss}


def generator_states(built, seed):
    """The initial states of a net's random generators, in the order of `engine.Net`."""
    if built.generator_states is None:
        return nets.initial_generator_states(built.net.n_generators, seed)
    # First that which stands for Keras's global generator.
    return [*nets.initial_generator_states(1, seed), *built.generator_states]


def kind_of(built, compile_with, open_kind=None):
    """What the programs of a net depend on, or None where that can't be known.

    Parameters
    ----------
    built : Built
    compile_with : dict
    open_kind : engine.OpenKind or None
        What is compiled of the layers, where they are trained with open sizes.
    """
    optimizer, _ = _keras_objects.optimizer_key(*optimizer_of(compile_with))
    metrics = _keras_objects.metrics_key(compile_with["metrics"])
    own_loss = compile_with["own_loss"]
    try:
        loss = compile_with["loss"], None if own_loss is None else fingerprint(own_loss)
    except Unknowable:
        return None
    kind = (built.key if open_kind is None else open_kind, loss, optimizer, metrics)
    return None if None in kind else kind


def new_net(built, compile_with):
    """A net of the engine's, compiled."""
    inputs, outputs = built.tensors or built.net.build()
    return engine.Net(
        inputs,
        outputs,
        optimizer=_keras_objects.new_optimizer(*optimizer_of(compile_with)),
        loss=compile_with["loss"],
        metrics=_keras_objects.new_metrics(compile_with["metrics"], compile_with["loss"]),
        own_loss=compile_with["own_loss"],
        is_body=isinstance(built.net, nets.OpaqueNet),
    )


def plain_model(net, weights):
    """A new `keras.Model` of a net, with these weights."""
    built = build(net, 0)
    model = keras.Model(*(built.tensors or net.build()), name="skclf_net")
    found = [(tuple(v.shape), np.dtype(v.dtype)) for v in model.weights]
    if found != [(weight.shape, weight.dtype) for weight in weights]:
        raise ValueError(
            "The network builds other layers than when it was fitted: its code has changed since, "
            "or what it reads. Fit again, or load the file with the code that it was saved with."
        )
    model.set_weights(weights)
    return model


def logits(net: nets.LayeredNet | nets.OpaqueNet, weights: list[np.ndarray], X: Any) -> np.ndarray:
    """Values of the output layer before its activation, for nets that only Keras can compute.

    The program that computes them is compiled once for a kind of net, for any number of rows.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), dtype float64
    """
    key: Any = net
    if isinstance(net, nets.OpaqueNet):
        if net not in _keys:
            _keys[net] = build(net, 0).key
        key = _keys[net]

    def new_predictor():
        return engine.Predictor(plain_model(net, weights))

    kind = None if key is None else ("predict", key, engine.current_strategy())
    with engine.borrow(kind, new_predictor) as predictor:
        hidden = predictor.hidden_values(weights, net.shaped(X.astype(np.float32)))
    return net.output_layer.logits(weights[-2:], hidden.astype(X.dtype))


# The keys of nets that have predicted through Keras, while these nets live.
_keys: WeakKeyDictionary[nets.OpaqueNet, Any] = WeakKeyDictionary()


def _check_keras():
    engine.check_process()
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras runs on {backend!r} in this process, and skclf needs TensorFlow: set the "
            "environment variable KERAS_BACKEND to 'tensorflow' before Keras is first imported."
        )


def optimizer_of(compile_with):
    """The optimizer and the learning rate, as `skclf._keras_objects` takes them."""
    return compile_with["optimizer"], compile_with["learning_rate"]
