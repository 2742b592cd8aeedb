"""Build and compile nets with Keras, and compute the keys under which they are cached.

The estimators call this module through `skclf._bridge`.
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
        The initial weights.
    generator_states : list of ndarray or None
        Initial states of the layers' random generators; None if `skclf.nets` makes them.
    key : hashable or None
        Everything that the programs of its layers depend on; None if that can't be determined.
    tensors : tuple of keras.KerasTensor, or None
        Input and output, if Keras has built the net to compute the key.
    """

    net: nets.LayeredNet | nets.OpaqueNet
    weights: list[np.ndarray]
    generator_states: list[np.ndarray] | None
    key: Any
    tensors: tuple[keras.KerasTensor, keras.KerasTensor] | None


def build(net: nets.LayeredNet | nets.OpaqueNet, seed: int) -> Built:
    """Build a net with initial weights drawn with a seed.

    Parameters
    ----------
    net : LayeredNet or OpaqueNet
    seed : int

    Raises
    ------
    ValueError, TypeError
        If a user's body can't be built or can't be used as a body.
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
    """Set the cross-entropy whose targets suit loss and metrics, and any other loss as `own_loss`.

    Its own result is returned unchanged.
    """
    if "own_loss" in compile_with:
        return compile_with
    loss, own_loss = _keras_losses.resolved(compile_with["loss"], compile_with["head"])
    loss = _keras_objects.loss_for(loss, compile_with["metrics"], own_loss is not None)
    return {**compile_with, "loss": loss, "own_loss": own_loss}


def generator_states(built, seed):
    """Return the initial states of a net's random generators, in the order of `engine.Net`."""
    if built.generator_states is None:
        return nets.initial_generator_states(built.net.n_generators, seed)
    # The first one replaces Keras's global generator.
    return [*nets.initial_generator_states(1, seed), *built.generator_states]


def kind_of(built, compile_with, open_kind=None):
    """Return what the programs of a net depend on, or None if that can't be determined.

    Parameters
    ----------
    built : Built
    compile_with : dict
    open_kind : engine.OpenKind or None
        What the compiled layers have in common, if they are trained with open sizes.
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
    """Return a new compiled net of the engine."""
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
    """Return a new `keras.Model` of a net, with these weights."""
    built = build(net, 0)
    model = keras.Model(*(built.tensors or net.build()), name="skclf_net")
    found = [(tuple(v.shape), np.dtype(v.dtype)) for v in model.weights]
    if found != [(weight.shape, weight.dtype) for weight in weights]:
        raise ValueError(
            "The network builds different layers than in fit: its code, or the data that it reads, "
            "has changed. Fit again, or load the file with the code that it was saved with."
        )
    model.set_weights(weights)
    return model


def logits(net: nets.LayeredNet | nets.OpaqueNet, weights: list[np.ndarray], X: Any) -> np.ndarray:
    """Compute the logits of a net that only Keras can compute.

    Its program is compiled once for each kind of net, for any number of rows.

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


# Keys of the nets that have predicted through Keras, as long as these nets exist.
_keys: WeakKeyDictionary[nets.OpaqueNet, Any] = WeakKeyDictionary()


def _check_keras():
    engine.check_process()
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Got the Keras backend {backend!r}; expected 'tensorflow'. Set the environment "
            "variable KERAS_BACKEND to 'tensorflow' before Keras is first imported."
        )


def optimizer_of(compile_with):
    """Return the optimizer and the learning rate, as `skclf._keras_objects` expects them."""
    return compile_with["optimizer"], compile_with["learning_rate"]
