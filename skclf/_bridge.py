"""The door to Keras; the only file that knows SciKeras.

Arrays in, arrays out: nothing that this module returns, `keras_model` apart, is a Keras or
TensorFlow object. Importing it loads TensorFlow, which is why estimators import it inside their
methods alone.
"""

import contextlib
import copy
import gc
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
    # It makes a million objects that stay; to look through them time and again while they are
    # made takes half a second, and once afterwards a quarter.
    collects = gc.isenabled()
    gc.disable()
    had_scikeras = "scikeras" in sys.modules
    try:
        with warnings.catch_warnings():
            yield
    finally:
        if collects:
            gc.enable()
            gc.collect()
        random.setstate(random_state)
        os.environ.clear()
        os.environ.update(environment)
        if not had_scikeras and "scikeras" in sys.modules:
            for cls in (keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.Optimizer):
                for name in ("__reduce__", "__deepcopy__"):
                    if getattr(vars(cls).get(name), "__module__", "").startswith("scikeras"):
                        delattr(cls, name)


with _nothing_global_changes():
    from skclf import engine  # which loads TensorFlow and Keras, and Ctrl-C waits for it

    with engine.uninterrupted():
        import keras
        from scikeras.wrappers import KerasClassifier

        from skclf import _networks

engine.limit_threads()


class Training(NamedTuple):
    """What a training run leaves behind.

    Attributes
    ----------
    weights : list of ndarray
    state : dict or None
        What it takes to go on, if that was to be kept: see `_training_state`.
    epochs : int
        How many the weights were trained for.
    history : dict of str to list of float
        A value an epoch, under Keras's names: loss, metrics, and the same of the validation rows.
    """

    weights: list
    state: dict
    epochs: int
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
    """Tells watchers of each epoch; stops training when one of them says so."""

    def __init__(self, watchers, take_state):
        super().__init__()
        self._watchers, self._take_state = watchers, take_state

    def on_epoch_begin(self, epoch, logs=None):
        for watcher in self._watchers:
            watcher.begin(epoch + 1)

    def on_epoch_end(self, epoch, logs=None):
        logs = _loss_first({name: float(value) for name, value in (logs or {}).items()})

        def take_snapshot():
            return epoch + 1, _weights(self.model), self._take_state()

        for watcher in self._watchers:
            if watcher.end(epoch + 1, logs, take_snapshot):
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
    keep_state=False,
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
        For the initial ``"weights"``, ``"dropout"`` and the ``"order"`` of the rows.
    first_epoch, epochs, batch_size : int
        Epochs done before, epochs to do, rows a batch.
    callbacks : sequence of keras.callbacks.Callback
        Copied; the originals are left alone.
    watchers : sequence of skclf._epochs.Watcher
        They hear of each epoch; training stops when one says so.
    start : tuple (weights, state or None) or None
        Where to go on from; without a state the optimizer starts anew.
    keep_state : bool
        Whether to return what it takes to go on.

    Returns
    -------
    Training
    """
    engine.check_process()
    compile_with = _with_fitting_loss(compile_with)
    loss, (optimizer, rate) = compile_with["loss"], _optimizer_kind(compile_with)
    kind = (architecture, loss, optimizer, _networks.metrics_kind(compile_with["metrics"]))
    with engine.borrow(
        None if None in kind else kind, lambda: _new_net(architecture, compile_with)
    ) as net:
        net.begin(
            _networks.initial_weights([w.shape for w in net.weights], seeds["weights"]),
            _networks.initial_dropout_states(len(net.dropout_states), seeds["dropout"]),
            order_seed=seeds["order"],
            class_weight=class_weight,
            learning_rate=rate,
        )
        if start is not None:
            _go_on_from(net, compile_with, *start)

        def take_state():
            return _training_state(net, compile_with) if keep_state else None

        X, y, sample_weight = _net_rows(architecture, loss, rows)
        callbacks = [*_copied(callbacks), _EpochEnd(watchers, take_state)]
        fitter = _Fitter(
            lambda: net,
            callbacks=callbacks,
            batch_size=batch_size,
            verbose=0,
        )
        fitter.fit(
            X,
            y,
            sample_weight,
            initial_epoch=first_epoch,
            epochs=epochs,
            validation_data=_net_rows(architecture, loss, validation_rows),
        )
        history = _loss_first(net.history.history)
        epochs = _epochs_behind_weights(callbacks, first_epoch + len(history["loss"]))
        return Training(_weights(net), take_state(), epochs, history)


def _with_fitting_loss(compile_with):
    loss = _networks.loss_for(compile_with["loss"], compile_with["metrics"])
    return {**compile_with, "loss": loss}


def _epochs_behind_weights(callbacks, last_epoch):
    """The last epoch, unless Keras's early stopping put the weights of another one back."""
    for callback in callbacks:
        is_early_stop = isinstance(callback, keras.callbacks.EarlyStopping)
        if is_early_stop and callback.restore_best_weights and callback.best_weights is not None:
            return callback.best_epoch + 1
    return last_epoch


def _new_net(architecture, compile_with):
    return engine.Net(
        *_build_layers(architecture),
        optimizer=_networks.new_optimizer(compile_with["optimizer"], compile_with["learning_rate"]),
        loss=compile_with["loss"],
        metrics=_networks.new_metrics(compile_with["metrics"]),
    )


def keras_model(architecture, weights, compile_with, state=None):
    """A new, compiled `keras.Model` with these weights."""
    compile_with = _with_fitting_loss(compile_with)
    model = keras.Model(*_build_layers(architecture), name="skclf_net")
    model.compile(
        optimizer=_networks.new_optimizer(compile_with["optimizer"], compile_with["learning_rate"]),
        loss=compile_with["loss"],
        weighted_metrics=_networks.new_metrics(compile_with["metrics"]),
        auto_scale_loss=False,
    )
    model.optimizer.build(model.trainable_variables)
    model.set_weights(weights)
    if state is not None:
        _set_optimizer_state(model.optimizer, compile_with, state)
    return model


def lower_is_better(metrics, name):
    """Whether the metric of this name, one of ``metrics``, is better when it is lower."""
    return _networks.lower_is_better(metrics, name)


def evaluate(architecture, weights, compile_with, rows, batch_size):
    """Loss and metrics as Keras computes them, by name."""
    model = keras_model(architecture, weights, compile_with)
    batches = engine.Batches(*_net_rows(architecture, model.loss, rows), batch_size)
    logs = model.evaluate(batches, verbose=0, return_dict=True)
    return _loss_first({name: float(value) for name, value in logs.items()})


def hidden_values(architecture, weights, X, batch_size=1024):
    """Values that reach the output layer, for activations that only Keras knows.

    Returns
    -------
    ndarray of shape (n_rows, n_units), dtype float32
    """
    model = keras.Model(*_build_layers(architecture))
    model.set_weights(weights)
    hidden = keras.Model(model.input, model.get_layer("output").input)
    X = X.reshape(-1, *architecture.input_shape) if architecture.filters else X
    batches = engine.Batches(X, np.empty(X.shape[0]), None, batch_size)
    return np.concatenate([hidden(batches[i][0]).numpy() for i in range(len(batches))])


def _build_layers(architecture):
    engine.check_process()
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras runs on {backend!r} in this process, and skclf needs TensorFlow: set the "
            "environment variable KERAS_BACKEND to 'tensorflow' before Keras is first imported."
        )
    _networks.check_activation(architecture.activation)
    return _networks.build_layers(architecture)


def _net_rows(architecture, loss, rows):
    """Rows ``(X, codes, sample_weight)`` in the shapes that net and loss want; None stays None."""
    if rows is None:
        return None
    X, codes, sample_weight = rows
    X = X.reshape(-1, *architecture.input_shape) if architecture.filters else X
    return X, _targets(loss, architecture.n_outputs, codes), sample_weight


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


def _optimizer_kind(compile_with):
    return _networks.optimizer_kind(compile_with["optimizer"], compile_with["learning_rate"])


def _training_state(net, compile_with):
    """What it takes, besides the weights, to go on exactly where training stood."""
    optimizer, rate = _optimizer_kind(compile_with)
    return {
        "optimizer": optimizer,
        "learning_rate": rate,
        "variables": [engine.by_value(v) for v in net.optimizer.variables],
        "dropout_states": [engine.by_value(v) for v in net.dropout_states],
    }


def _go_on_from(net, compile_with, weights, state):
    if [w.shape for w in net.weights] != [w.shape for w in weights]:
        raise ValueError(
            "The net's layers have changed since it was last trained: with warm_start=True or "
            "partial_fit the sizes of the layers must stay the same. Set warm_start=False to "
            "train a new net."
        )
    engine.assign(net.weights, weights)
    if state is None:
        return
    # One of them is empty where dropout was switched on or off in between.
    if net.dropout_states and state["dropout_states"]:
        _check_kept("dropout_states", net.dropout_states, state)
        engine.assign(net.dropout_states, state["dropout_states"])
    _set_optimizer_state(net.optimizer, compile_with, state)


def _set_optimizer_state(optimizer, compile_with, state):
    """Give an optimizer a kept state, if that is of its kind; a changed learning rate stays."""
    kind, rate = _optimizer_kind(compile_with)
    if kind is None or state["optimizer"] != kind:
        return
    _check_kept("variables", optimizer.variables, state)
    for variable, value in zip(optimizer.variables, state["variables"], strict=True):
        asked_anew = variable is optimizer._learning_rate and rate != state["learning_rate"]
        if not asked_anew:
            engine.assign([variable], [value])


def _check_kept(key, variables, state):
    """Refuse a kept state whose arrays can't be the values of these variables."""
    fault = next(_faults_of_kept(key, variables, state[key]), None)
    if fault is not None:
        raise ValueError(
            f"The state to go on training from holds {fault}: it was altered, or another version "
            "of Keras has saved it. Load an unaltered file, in the version that saved it, or call "
            "fit with warm_start=False, which trains a new net."
        )


def _faults_of_kept(key, variables, values):
    if len(values) != len(variables):
        yield f"{len(values)} {key}, and {len(variables)} are needed"
    for number, (variable, value) in enumerate(zip(variables, values, strict=True)):
        shape, dtype = tuple(variable.shape), np.dtype(variable.dtype)
        # The width of a type may differ: Keras's global setting of it reaches some variables.
        if value.shape != shape or not np.can_cast(value.dtype, dtype, "same_kind"):
            yield (
                f"{value.dtype} of shape {value.shape} as {key}[{number}], and {dtype} of shape "
                f"{shape} is needed"
            )
