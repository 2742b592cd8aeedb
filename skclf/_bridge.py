"""The interface to Keras, and the only file that uses SciKeras.

Functions take and return arrays and plain values. Only `keras_model` returns a Keras object, and
`build` returns one that is passed to `train`. Importing this module loads TensorFlow, so estimators
import it only inside their methods.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skclf._imports import nothing_global_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._epochs import Watcher
    from skclf._samples import Samples
    from skclf._targets import Target


@contextlib.contextmanager
def _classes_unpatched():
    """Undo SciKeras's replacement of the pickling of Keras's classes, made when it is loaded."""
    had_scikeras = "scikeras" in sys.modules
    try:
        yield
    finally:
        if not had_scikeras and "scikeras" in sys.modules:
            for cls in (keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.Optimizer):
                for name in ("__reduce__", "__deepcopy__"):
                    if getattr(vars(cls).get(name), "__module__", "").startswith("scikeras"):
                        delattr(cls, name)


with nothing_global_changes(), _classes_unpatched():
    from skclf import engine  # loads TensorFlow and Keras; Ctrl-C waits until they are loaded

    with engine.uninterrupted():
        import keras
        from scikeras.wrappers import KerasClassifier

        from skclf import (
            _callback_code,
            _copies,
            _keras_losses,
            _keras_nets,
            _keras_objects,
            _open_nets,
            nets,
        )
        from skclf._keras_nets import Built, build, logits  # noqa: F401  estimators find it here

engine.limit_threads()


class Training(NamedTuple):
    """The result of a training run.

    Attributes
    ----------
    weights : list of ndarray
    state : dict or None
        The state needed to continue training, if it was to be kept; see `_training_state`.
    epochs : int
        Number of epochs that the weights were trained for.
    first_epoch : int
        Number of epochs trained before the first one in the history.
    history : dict of str to list of float
        Loss and metrics of each epoch, and those of the validation rows, by Keras's names.
    restored_epoch : int or None
        The epoch whose weights were restored by Keras's early stopping, if any.
    """

    weights: list[np.ndarray]
    state: dict[str, Any] | None
    epochs: int
    first_epoch: int
    history: dict[str, list[float]]
    restored_epoch: int | None


class _IdentityEncoder:
    """An encoder for SciKeras that changes nothing, since skclf has encoded the data already."""

    def fit(self, values):
        return self

    def transform(self, values):
        return values


class _Fitter(KerasClassifier):
    """SciKeras with its own handling of data, labels and weights switched off."""

    feature_encoder = target_encoder = _IdentityEncoder()

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        return X, y

    @staticmethod
    def _validate_sample_weight(X, y, sample_weight):
        return X, y, sample_weight

    def _fit_keras_model(self, X, y, sample_weight, warm_start, epochs, initial_epoch, **options):
        # SciKeras's version also creates metrics from their names in the history, which fails
        # for metrics that need arguments.
        self.model_.fit(
            X,
            y,
            batch_size=self.batch_size,
            epochs=initial_epoch + epochs,
            initial_epoch=initial_epoch,
            sample_weight=sample_weight,
            callbacks=self.callbacks,
            **options,
        )


class _EpochEnd(keras.callbacks.Callback):
    """Calls the watchers at each epoch; stops training if one of them asks for it or it diverges.

    Attributes
    ----------
    diverged_at : int or None
        The epoch after which the loss was not a finite number.
    """

    def __init__(self, watchers, take_state):
        super().__init__()
        self._watchers, self._take_state = watchers, take_state
        self.diverged_at = None

    def on_epoch_begin(self, epoch, logs=None):
        for watcher in self._watchers:
            watcher.begin(epoch + 1)

    def on_epoch_end(self, epoch, logs=None):
        logs = _loss_first({name: float(value) for name, value in (logs or {}).items()})
        if not np.isfinite(logs["loss"]):
            self.diverged_at = epoch + 1
            self.model.stop_training = True
            return

        def take_snapshot():
            return epoch + 1, self.model.final_weights(), self._take_state()

        for watcher in self._watchers:
            if watcher.end(epoch + 1, logs, take_snapshot):
                self.model.stop_training = True


def train(
    built: Built,
    target: Target,
    samples: Samples,
    validation: Samples | None = None,
    *,
    compile_with: dict[str, Any],
    class_weight: np.ndarray | None,
    seeds: dict[str, int],
    first_epoch: int,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    watchers: Sequence[Watcher] = (),
    start: tuple[list[np.ndarray], dict[str, Any] | None] | None = None,
    keep_state: bool = False,
    announces: bool = False,
) -> Training:
    """Train a net.

    Parameters
    ----------
    built : Built
    target : skclf._targets.Target
    samples, validation : skclf._samples.Samples
        Samples to train on and to validate on. ``validation`` may be None.
    compile_with : dict
        The estimator's ``optimizer``, ``learning_rate``, ``loss`` and ``metrics``.
    class_weight : ndarray of shape (n_classes,) or None
    seeds : dict
        For the initial ``"weights"``, ``"dropout"`` and the ``"order"`` of the rows.
    first_epoch, epochs, batch_size : int
        Number of epochs trained before, of epochs to train, and of rows per batch.
    callbacks : sequence of keras.callbacks.Callback
        Training uses copies of them.
    watchers : sequence of skclf._epochs.Watcher
        Called at each epoch; training stops when one of them asks for it.
    start : tuple (weights, state or None) or None
        Weights and state to continue from. Without a state the optimizer starts anew.
    keep_state : bool
        Whether to return the state needed to continue training.
    announces : bool
        Whether to print a message if a slower way of training is used.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If training diverges.
    """
    engine.check_process()
    layers, compile_with = built.net, _keras_nets.with_fitting_loss(compile_with)
    loss = compile_with["loss"]
    _, rate = _keras_objects.optimizer_key(*_keras_nets.optimizer_of(compile_with))
    # A callback that can access the Keras model may do anything with it.
    needs_model = any(map(_callback_code.sees_model, callbacks))
    opened = None if needs_model else _open_nets.opened(layers, compile_with)
    kind = _keras_nets.kind_of(built, compile_with, opened and opened.kind)
    if kind is None and isinstance(layers, nets.OpaqueNet) and announces:
        print("The net is compiled again for each fit, because its parts can't be compared.")

    def new_net():
        if opened:
            return _open_nets.new_net(opened.kind, compile_with)
        return _keras_nets.new_net(built, compile_with)

    with engine.borrow(
        None if kind is None else (*kind, engine.current_strategy()),
        new_net,
        lambda net: net.is_unchanged(),
    ) as net:
        net.begin(
            built.weights,
            _keras_nets.generator_states(built, seeds["dropout"]),
            order_seed=seeds["order"],
            class_weight=class_weight,
            learning_rate=rate,
            announces=announces,
            **(opened.settings if opened else {}),
        )
        if start is not None:
            _go_on_from(net, compile_with, *start)

        def take_state():
            return _training_state(net, compile_with) if keep_state else None

        X, y, sample_weight = _net_rows(layers, target, loss, samples)
        end = _EpochEnd(watchers, take_state)
        callbacks = [*_copies.copied_callbacks(callbacks), end]
        fitter = _Fitter(lambda: net, callbacks=callbacks, batch_size=batch_size, verbose=0)
        fitter.fit(
            X,
            y,
            sample_weight,
            initial_epoch=first_epoch,
            epochs=epochs,
            validation_data=_net_rows(layers, target, loss, validation),
        )
        training = _training(net, callbacks, take_state)
    # Raise only here, after the net was returned: the next fit resets it even if this one failed.
    diverged_at = end.diverged_at
    if diverged_at is None and not all(np.isfinite(array).all() for array in training.weights):
        diverged_at = training.epochs
    if diverged_at is not None:
        raise ValueError(
            f"Training diverged: after epoch {diverged_at} the loss or a weight is not a finite "
            "number. Try a smaller learning_rate, scale the features (StandardScaler), or limit "
            "the gradients, for example optimizer=keras.optimizers.Adam(clipnorm=1.0)."
        )
    return training


def _training(net, callbacks, take_state):
    epochs = net.history.epoch
    if not epochs:
        raise ValueError(
            "No epoch was trained, because a callback started training after the last epoch. "
            "Increase epochs, or delete what keras.callbacks.BackupAndRestore has saved."
        )
    restored = _restored_epoch(callbacks)
    return Training(
        weights=_weights(net),
        state=take_state(),
        epochs=epochs[-1] + 1 if restored is None else restored,
        first_epoch=epochs[0],
        history=_loss_first(net.history.history),
        restored_epoch=restored,
    )


def _restored_epoch(callbacks):
    """The epoch whose weights were restored by Keras's early stopping, or None."""
    for callback in callbacks:
        is_early_stop = isinstance(callback, keras.callbacks.EarlyStopping)
        if is_early_stop and callback.restore_best_weights and callback.best_weights is not None:
            return callback.best_epoch + 1
    return None


def keras_model(
    net: nets.LayeredNet | nets.OpaqueNet,
    weights: list[np.ndarray],
    compile_with: dict[str, Any],
    state: dict[str, Any] | None = None,
) -> keras.Model:
    """A new, compiled `keras.Model` with these weights."""
    compile_with = _keras_nets.with_fitting_loss(compile_with)
    own_loss = compile_with["own_loss"]
    model = _keras_nets.plain_model(net, weights)
    model.compile(
        optimizer=_keras_objects.new_optimizer(*_keras_nets.optimizer_of(compile_with)),
        loss=compile_with["loss"] if own_loss is None else own_loss,
        weighted_metrics=_keras_objects.new_metrics(compile_with["metrics"], compile_with["loss"]),
        auto_scale_loss=False,
    )
    model.optimizer.build(model.trainable_variables)
    if state is not None:
        _set_optimizer_state(model.optimizer, compile_with, state)
    return model


def metric_names(compile_with: dict[str, Any]) -> list[str]:
    """Names under which Keras logs the metrics."""
    loss = _keras_nets.with_fitting_loss(compile_with)["loss"]
    return _keras_objects.metric_names(compile_with["metrics"], loss)


def lower_is_better(compile_with: dict[str, Any], name: str) -> bool | None:
    """Whether the metric of this name is better when it is lower, or None if that isn't known."""
    loss = _keras_nets.with_fitting_loss(compile_with)["loss"]
    return _keras_objects.lower_is_better(compile_with["metrics"], loss, name)


def weighs_rows(compile_with: dict[str, Any]) -> bool:
    """Whether a row of weight 2 counts in the loss and the metrics as two rows."""
    own_loss = _keras_nets.with_fitting_loss(compile_with)["own_loss"]
    return _keras_losses.is_mean(own_loss) and _keras_objects.weighs_rows(compile_with["metrics"])


def copied_parameter(value: Any) -> Any:
    """A copy of a parameter that holds Keras objects, for `sklearn.base.clone`."""
    return _copies.copied_parameter(value)


def picklable_parameter(value: Any) -> Any:
    """A parameter that holds Keras objects, in a form in which pickle can save them."""
    return _copies.picklable_parameter(value)


def evaluate(
    net: nets.LayeredNet | nets.OpaqueNet,
    target: Target,
    weights: list[np.ndarray],
    compile_with: dict[str, Any],
    samples: Samples,
    batch_size: int,
) -> dict[str, float]:
    """Loss and metrics as Keras computes them, by name."""
    compile_with = _keras_nets.with_fitting_loss(compile_with)
    model = keras_model(net, weights, compile_with)
    X, y, weights_of_rows = _net_rows(net, target, compile_with["loss"], samples)
    logs = engine.evaluate(model, X, y, weights_of_rows, batch_size)
    return _loss_first({name: float(value) for name, value in logs.items()})


def _net_rows(layers, target, loss, samples):
    """Rows, targets and weights in the shapes that net and loss expect; None stays None."""
    if samples is None:
        return None
    return layers.shaped(samples.X), target.for_keras(samples.codes, loss), samples.weights


def _loss_first(logs):
    """Keras's logs with the loss first and validation values last; Keras sorts by the alphabet."""
    return dict(
        sorted(logs.items(), key=lambda item: (item[0][:4] == "val_", "loss" not in item[0]))
    )


def _weights(net):
    return [engine.by_value(variable) for variable in net.weights]


def _training_state(net, compile_with):
    """The state that, with the weights, continues training exactly where it stopped."""
    return {
        "optimizer": _keras_objects.optimizer_label(*_keras_nets.optimizer_of(compile_with)),
        "learning_rate": _keras_objects.optimizer_key(*_keras_nets.optimizer_of(compile_with))[1],
        "variables": [engine.by_value(v) for v in net.optimizer.variables],
        "dropout_states": [engine.by_value(v) for v in net.dropout_states],
    }


def _go_on_from(net, compile_with, weights, state):
    if [w.shape for w in net.weights] != [w.shape for w in weights]:
        raise ValueError(
            "The net's layers have changed since it was last trained: with warm_start=True or "
            "partial_fit, the sizes of the layers must stay the same. Set warm_start=False to "
            "train a new net."
        )
    engine.assign(net.weights, weights)
    if state is None:
        return
    # One of them is empty if dropout was switched on or off in between.
    if net.dropout_states and state["dropout_states"]:
        _check_kept("dropout_states", net.dropout_states, state)
        engine.assign(net.dropout_states, state["dropout_states"])
    _set_optimizer_state(net.optimizer, compile_with, state)


def _set_optimizer_state(optimizer, compile_with, state):
    """Restore a state of the same kind of optimizer, except for a changed learning rate."""
    asked_for = _keras_nets.optimizer_of(compile_with)
    if state["optimizer"] != _keras_objects.optimizer_label(*asked_for):
        return
    _, rate = _keras_objects.optimizer_key(*asked_for)
    rate_variable = engine.learning_rate_variable(optimizer)
    _check_kept("variables", optimizer.variables, state)
    for variable, value in zip(optimizer.variables, state["variables"], strict=True):
        asked_anew = variable is rate_variable and rate != state["learning_rate"]
        if not asked_anew:
            engine.assign([variable], [value])


def _check_kept(key, variables, state):
    """Raise an error if the arrays of a saved state don't fit the given variables."""
    fault = next(_faults_of_kept(key, variables, state[key]), None)
    if fault is not None:
        raise ValueError(
            f"Can't continue training, because the saved training state has {fault}. It was "
            "altered, or saved with another version of Keras. Load an unaltered file with the "
            "version that saved it, or set warm_start=False and call fit to train a new net."
        )


def _faults_of_kept(key, variables, values):
    if len(values) != len(variables):
        yield f"{len(values)} {key}, but {len(variables)} are needed"
    for number, (variable, value) in enumerate(zip(variables, values, strict=True)):
        shape, dtype = tuple(variable.shape), np.dtype(variable.dtype)
        # Types may differ in width, since Keras's global float type affects some variables.
        if value.shape != shape or not np.can_cast(value.dtype, dtype, "same_kind"):
            yield (
                f"{key}[{number}] of type {value.dtype} and shape {value.shape}, but type {dtype} "
                f"and shape {shape} are needed"
            )
