"""The door to Keras; the only file that knows SciKeras.

Arrays in, arrays out: nothing that this module returns, `keras_model` apart, is a Keras or
TensorFlow object. Importing it loads TensorFlow, which is why estimators import it inside their
methods alone.
"""

import contextlib
import copy
import json
import os
import random
import sys
import warnings
from typing import NamedTuple

import numpy as np


@contextlib.contextmanager
def _nothing_global_changes():
    """Undo what the imports below do to the process.

    TensorFlow sets environment variables, draws from Python's random generator and, through its
    dependencies, adds warnings filters. SciKeras replaces how Keras's classes are pickled.
    """
    environment, random_state = dict(os.environ), random.getstate()
    had_scikeras = "scikeras" in sys.modules
    try:
        with warnings.catch_warnings():
            yield
    finally:
        random.setstate(random_state)
        os.environ.clear()
        os.environ.update(environment)
        if not had_scikeras and "scikeras" in sys.modules:
            for cls in (keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.Optimizer):
                for name in ("__reduce__", "__deepcopy__"):
                    if getattr(vars(cls).get(name), "__module__", "").startswith("scikeras"):
                        delattr(cls, name)


with _nothing_global_changes():
    import keras
    from scikeras.wrappers import KerasClassifier

    from skclf import _networks, engine


class Training(NamedTuple):
    """What a training run leaves behind.

    Attributes
    ----------
    weights : list of ndarray
    state : dict
        What it takes to go on: see `_training_state`.
    history : dict of str to list of float
        A value an epoch, under Keras's names: loss, metrics, and the same of the validation rows.
    """

    weights: list
    state: dict
    history: dict


class _AsItIs:
    """Stands where SciKeras expects an encoder; skclf has encoded everything."""

    def fit(self, values):
        return self

    def transform(self, values):
        return values


class _Fitter(KerasClassifier):
    """SciKeras with its own handling of data, labels and weights switched off."""

    feature_encoder = target_encoder = _AsItIs()

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        return X, y

    @staticmethod
    def _validate_sample_weight(X, y, sample_weight):
        return X, y, sample_weight


class _EpochEnd(keras.callbacks.Callback):
    """Calls each ``watch(epoch, logs, take_snapshot)``; stops when one returns True."""

    def __init__(self, watchers):
        super().__init__()
        self._watchers = watchers

    def on_epoch_end(self, epoch, logs=None):
        logs = _loss_first({name: float(value) for name, value in (logs or {}).items()})

        def take_snapshot():
            return _weights(self.model), _training_state(self.model, epoch + 1)

        for watch in self._watchers:
            if watch(epoch + 1, logs, take_snapshot):
                self.model.stop_training = True


def train(
    architecture,
    rows,
    validation_rows=None,
    *,
    compile_with,
    class_weight,
    seeds,
    first_epoch,
    epochs,
    batch_size,
    callbacks=(),
    watchers=(),
    start=None,
):
    """Train a net.

    Parameters
    ----------
    architecture : skclf._forward.Architecture
    rows, validation_rows : tuple (X, codes, sample_weight)
        Float32 rows (dense or CSR), class codes, and weights or None.
    compile_with : dict
        The estimator's ``optimizer``, ``learning_rate``, ``loss`` and ``metrics``.
    class_weight : ndarray of shape (n_classes,) or None
    seeds : dict
        ``"weights"`` for initial weights and dropout, ``"order"`` for the order of the rows.
    first_epoch, epochs, batch_size : int
        Epochs done before, epochs to do, rows a batch.
    callbacks : sequence of keras.callbacks.Callback
        Copied; the originals are left alone.
    watchers : sequence of callable
        Called with the epoch (from 1), its logs and a function that gives the weights and state;
        training stops when one returns True.
    start : tuple (weights, state or None) or None
        Where to go on from; without a state the optimizer starts anew.

    Returns
    -------
    Training
    """
    loss = compile_with["loss"]

    def build():
        inputs, outputs = _build_layers(architecture, seeds["weights"])
        net = engine.Net(inputs, outputs, order_seed=seeds["order"], class_weight=class_weight)
        _compile(net, compile_with)
        if start is not None:
            _set_training_state(net, *start)
        return net

    callbacks = [*_copied(callbacks), _EpochEnd(watchers)]
    X, codes, sample_weight = rows
    if validation_rows is not None:
        X_val, codes_val, weight_val = validation_rows
        validation_rows = (
            _shaped(architecture, X_val),
            _targets(loss, architecture.n_outputs, codes_val),
            weight_val,
        )
    fitter = _Fitter(build, callbacks=callbacks, batch_size=batch_size, verbose=0)
    fitter.fit(
        _shaped(architecture, X),
        _targets(loss, architecture.n_outputs, codes),
        sample_weight,
        initial_epoch=first_epoch,
        epochs=epochs,
        validation_data=validation_rows,
    )
    net = fitter.model_
    history = _loss_first(net.history.history)
    state = _training_state(net, first_epoch + len(history["loss"]))
    return Training(_weights(net), state, history)


def keras_model(architecture, weights, compile_with, state=None):
    """A new, compiled `keras.Model` with these weights."""
    model = keras.Model(*_build_layers(architecture, seed=0), name="skclf_net")
    _compile(model, compile_with)
    _set_training_state(model, weights, state)
    return model


def evaluate(architecture, weights, compile_with, rows, batch_size):
    """Loss and metrics as Keras computes them, by name."""
    X, codes, sample_weight = rows
    model = keras_model(architecture, weights, compile_with)
    targets = _targets(compile_with["loss"], architecture.n_outputs, codes)
    batches = engine.Batches(_shaped(architecture, X), targets, sample_weight, batch_size)
    logs = model.evaluate(batches, verbose=0, return_dict=True)
    return _loss_first({name: float(value) for name, value in logs.items()})


def hidden_values(architecture, weights, X, batch_size=1024):
    """Values that reach the output layer, for activations that only Keras knows.

    Returns
    -------
    ndarray of shape (n_rows, n_units), dtype float32
    """
    model = keras.Model(*_build_layers(architecture, seed=0))
    model.set_weights(weights)
    hidden = keras.Model(model.input, model.get_layer("output").input)
    batches = engine.Batches(_shaped(architecture, X), np.empty(X.shape[0]), None, batch_size)
    return np.concatenate([np.asarray(hidden(batches[i][0])) for i in range(len(batches))])


def _build_layers(architecture, seed):
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras runs on {backend!r} in this process, and skclf needs TensorFlow: set the "
            "environment variable KERAS_BACKEND to 'tensorflow' before Keras is first imported."
        )
    _networks.check_activation(architecture.activation)
    return _networks.build_layers(architecture, seed)


def _compile(model, compile_with):
    optimizer = _networks.new_optimizer(compile_with["optimizer"], compile_with["learning_rate"])
    _asked_for(optimizer)
    model.compile(
        optimizer=optimizer,
        loss=compile_with["loss"],
        weighted_metrics=_networks.new_metrics(compile_with["metrics"]),
    )


def _shaped(architecture, X):
    """Rows in the shape of the net's input."""
    return X.reshape(-1, *architecture.input_shape) if architecture.filters else X


def _targets(loss, n_outputs, codes):
    """Class codes in the form that the loss wants, of shape (n_rows, n_targets)."""
    if loss == "categorical_crossentropy":
        return np.eye(n_outputs, dtype=np.float32)[codes]
    return codes.astype(np.float32 if loss == "binary_crossentropy" else np.int32)[:, None]


def _loss_first(logs):
    """Keras's logs, which it sorts by the alphabet, in the order that people read them in."""
    return dict(
        sorted(logs.items(), key=lambda item: (item[0][:4] == "val_", "loss" not in item[0]))
    )


def _weights(net):
    return [engine.by_value(variable) for variable in net.weights]


def _copied(callbacks):
    try:
        return copy.deepcopy(list(callbacks))
    except Exception as error:
        raise TypeError(
            f"callbacks={callbacks!r} can't be copied, and each fit trains with copies of its own: "
            "pass callbacks that copy.deepcopy can copy (no open files, locks or live models)."
        ) from error


def _training_state(net, epochs):
    """What it takes, besides the weights, to go on exactly where training stood."""
    optimizer, learning_rate = _asked_for(net.optimizer)
    return {
        "epochs": epochs,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "variables": {v.path: engine.by_value(v) for v in net.optimizer.variables},
        "dropout_seeds": [engine.by_value(v) for v in _dropout_seeds(net)],
    }


def _set_training_state(net, weights, state=None):
    if [w.shape for w in net.get_weights()] != [w.shape for w in weights]:
        raise ValueError(
            "The net's layers have changed since it was last trained: with warm_start=True or "
            "partial_fit the sizes of the layers must stay the same. Set warm_start=False to "
            "train a new net."
        )
    net.set_weights(weights)
    if state is None:
        return
    for variable, value in zip(_dropout_seeds(net), state["dropout_seeds"], strict=False):
        variable.assign(value)
    optimizer, learning_rate = _asked_for(net.optimizer)
    if state["optimizer"] != optimizer:
        return
    net.optimizer.build(net.trainable_variables)
    for variable in net.optimizer.variables:
        asked_anew = variable is net.optimizer._learning_rate
        if asked_anew and state["learning_rate"] != learning_rate:
            continue
        variable.assign(state["variables"][variable.path])


def _asked_for(optimizer):
    """An optimizer's configuration without its learning rate, and the learning rate, as JSON.

    Taken when the optimizer is new: a callback may change the learning rate later.
    """
    if not hasattr(optimizer, "skclf_asked_for"):
        config = optimizer.get_config()
        rate = config.pop("learning_rate")
        optimizer.skclf_asked_for = tuple(
            json.dumps(part, sort_keys=True, default=str) for part in (config, rate)
        )
    return optimizer.skclf_asked_for


def _dropout_seeds(net):
    return [layer.seed_generator.state for layer in net.layers if hasattr(layer, "seed_generator")]
