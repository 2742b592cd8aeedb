"""`Net`, the `keras.Model` that skclf trains, and `evaluate`.

A `Net` decides which way a fit takes: its own compiled epochs, in `_fit` and `_program`, or Keras's
own ``fit`` where a callback is called at each batch or something can't be compiled. Both give the
same result. The forward pass, the training step and the loop over the epochs are in other files.
"""

import warnings
from contextlib import nullcontext
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from skclf.engine import _compat, _keras_state
from skclf.engine._arrays import Batches, ShuffledBatches, tensors_of
from skclf.engine._changes import Unchanged
from skclf.engine._fit import fit_by_epochs
from skclf.engine._forward import forward_of
from skclf.engine._fused import fuse_updates
from skclf.engine._interrupts import safe_point
from skclf.engine._program import (
    Programs,
    adds_up,
    mean_loss,
    needs_values,
    own_loss_of,
    weighed_by_class,
)
from skclf.engine._variables import assign, by_value

_BATCH_HOOKS = ("on_batch", "on_train_batch", "on_test")
# Keras's own callbacks that override hooks of batches, but do nothing there if save_freq="epoch".
_SAVE_BY_EPOCH = (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore)


class Net(keras.Model):
    """A functional Keras model that trains with its own seeded batch order and class weights.

    It outlives a fit: `begin` resets everything that an earlier fit may have left behind.

    Parameters
    ----------
    inputs, outputs : keras.KerasTensor
    optimizer : keras.optimizers.Optimizer
        Unbuilt, with its own learning rate.
    loss : str
        Keras's name of a cross-entropy, which also determines the form of the targets.
    metrics : list of keras.metrics.Metric
    own_loss : keras.losses.Loss or None
        The loss to minimize instead of the cross-entropy.
    is_body : bool
        Whether a body that the user wrote lies between the input and the output layer.
    """

    has_open_sizes = False

    def __init__(self, inputs, outputs, optimizer, loss, metrics, own_loss=None, is_body=False):
        super().__init__(inputs=inputs, outputs=outputs, name="skclf_net")
        # With auto_scale_loss, a global policy of mixed precision would wrap the optimizer.
        # `weighted_metrics` get the sample weights, unlike `metrics`.
        self._settings = {
            "loss": loss if own_loss is None else own_loss,
            "weighted_metrics": metrics,
            "auto_scale_loss": False,
        }
        self.compile(optimizer=optimizer, **self._settings)
        n_outputs = outputs.shape[-1]
        self.target_loss, self.own_loss, self.is_body = loss, own_loss, is_body
        # Replaces Keras's global generator for functions without a seed in the user's layers.
        self.unseeded_numbers = keras.random.SeedGenerator(0) if is_body else None
        self.order_seed = 0
        self.class_weight = None
        self.announces = False
        self.metrics_add_up = all(map(adds_up, metrics))
        # With several labels per row, each label has a weight for negatives and one for positives.
        # A variable, so that the compiled programs serve all class weights.
        has_labels = loss == "binary_crossentropy" and n_outputs > 1
        weights = tf.ones((2, n_outputs) if has_labels else max(2, n_outputs))
        self._class_weight_variable = tf.Variable(weights, trainable=False)
        _compat.skip_all_reduce(optimizer)
        optimizer.build(self.trainable_variables)
        self._build_metrics()
        variables = [*optimizer.variables, *fuse_updates(optimizer)]
        # In a closure: Keras would track variables in an attribute as weights of the net.
        self._reset_optimizer = partial(assign, variables, [by_value(v) for v in variables])
        self._programs = self._new_programs()
        # Last, when all attributes are set.
        self._unchanged = Unchanged(self)

    def _build_metrics(self):
        """Create the variables of the metrics, before a graph that uses them is compiled.

        Keras's own metrics are updated once with made-up rows, which is fastest. Other metrics
        might do anything with such rows, so they get only shapes and types unless they need values.
        """
        # Variables can't be created while an epoch is traced. `begin` and each epoch reset them.
        n_outputs, target = self.output_shape[-1], self._target_spec()
        if not self.metrics_add_up:
            y = keras.KerasTensor(target.shape, target.dtype.name)
            try:
                if _compat.build_metrics(self, keras.KerasTensor(self.input_shape), y, None):
                    return
            except Exception as error:
                if not needs_values(error):
                    raise
        # Two rows of each class, so that metrics of a class have something to count.
        codes = np.tile(np.arange(max(2, n_outputs)), 2)
        y = np.eye(n_outputs)[codes] if target.shape[1] > 1 else codes[:, None]
        y_pred = tf.fill((len(codes), n_outputs), 1 / max(2, n_outputs))
        self.compute_metrics(None, tf.constant(y, target.dtype), y_pred, None)

    def _target_spec(self):
        is_number = self.target_loss == "sparse_categorical_crossentropy"
        n_targets = 1 if is_number else self.output_shape[-1]
        return tf.TensorSpec([None, n_targets], tf.int32 if is_number else tf.float32)

    def begin(
        self,
        weights,
        dropout_states,
        *,
        order_seed,
        class_weight=None,
        learning_rate=None,
        announces=False,
    ):
        """Prepare for a fit: set the weights, reset the optimizer, and set the options of the fit.

        Parameters
        ----------
        weights : list of ndarray
        dropout_states : list of ndarray
        order_seed : int
            Seeds the order of the rows in each epoch.
        class_weight : ndarray of shape (n_classes,) or (2, n_labels), or None
            Factor of each class in the training loss; with several labels per row, of the
            negatives and the positives of each label. Unlike sample weights, it doesn't affect
            the metrics and the validation loss; this is so for Keras's own ``class_weight`` too.
        learning_rate : float or None
            None if the optimizer has a schedule.
        announces : bool
            Whether to print a message if Keras's own ``fit`` has to train.
        """
        self.order_seed = order_seed
        self.announces = announces
        self.class_weight = None
        if class_weight is not None:
            assign([self._class_weight_variable], [class_weight.astype(np.float32)])
            self.class_weight = self._class_weight_variable
        assign(self.weights, weights)
        assign(self.dropout_states, dropout_states)
        self._reset_optimizer()
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        self.run_eagerly = False
        _compat.forget_start(self)

    def is_unchanged(self):
        """Whether layers, optimizer and settings are as they were when the net was made."""
        return self._unchanged()

    @property
    def dropout_states(self):
        """The variables that hold the states of the layers' random generators."""
        # By identity: `==` of Keras variables is elementwise.
        weights = set(map(id, self.weights))
        return [v for v in self.variables if id(v) not in weights]

    def own_random_numbers(self):
        """Context in which Keras's global generator is replaced by the net's own."""
        if self.unseeded_numbers is None:
            return nullcontext()
        return _keras_state.generator_in_place(self.unseeded_numbers)

    def final_weights(self):
        """Values of the weights that training would return if it ended now.

        They differ from the current weights if the optimizer averages weights, since it replaces
        them by the averages at the end of training.
        """
        optimizer, weights = self.optimizer, [by_value(variable) for variable in self.weights]
        finalize = type(optimizer).finalize_variable_values
        if not optimizer.use_ema and finalize is keras.Optimizer.finalize_variable_values:
            return weights
        optimizer.finalize_variable_values(self.trainable_variables)
        final = [by_value(variable) for variable in self.weights]
        assign(self.weights, weights)  # training goes on from the weights without averages
        return final

    def with_class_weight(self, y, sample_weight):
        """Weights in the training loss, of shape (n_rows,) or (n_rows, n_labels), or None."""
        return weighed_by_class(self.class_weight, self.target_loss, y, sample_weight)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Compute the loss as Keras does, with the class weights during training."""
        if training:
            sample_weight = self.with_class_weight(y, sample_weight)
        # Keras has no weights by row and label, which class weights of labels are.
        if sample_weight is not None and sample_weight.shape.rank == 2:
            if self.own_loss is None:
                loss = mean_loss(keras.losses.get(self.loss), y, y_pred, sample_weight)
            else:
                loss = own_loss_of(self.own_loss, y, y_pred, sample_weight)
            return tf.add_n([loss, *self.losses])
        return super().compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

    def save(self, filepath, overwrite=True, **options):
        """Save as a plain Keras model, which can be loaded without skclf."""
        plain = keras.Model(self.input, self.output, name=self.name)
        plain.compile(optimizer=self.optimizer, **self._settings)
        plain.save(filepath, overwrite=overwrite, **options)

    def fit(
        self,
        x,
        y,
        *,
        batch_size,
        epochs=1,
        initial_epoch=0,
        sample_weight=None,
        validation_data=None,
        callbacks=None,
        **options,
    ):
        """Train like `keras.Model.fit`, on rows in the net's own seeded order.

        Keras's own ``fit`` runs instead if a callback overrides a hook of batches or validation, or
        if a metric or the optimizer can't be compiled.

        Parameters
        ----------
        x : {ndarray, CSR} of shape (n_rows, ...)
        y : ndarray of shape (n_rows, n_targets)
        batch_size : int
        epochs, initial_epoch : int
            As in `keras.Model.fit`: the first epoch is ``initial_epoch``, counted from 0, and the
            last one ``epochs - 1``.
        sample_weight : ndarray of shape (n_rows,) or None
        validation_data : tuple (X, y, sample_weight) or None
        callbacks : list of keras.callbacks.Callback
        **options
            Other arguments that SciKeras passes, such as ``verbose`` and ``shuffle``; ignored.

        Returns
        -------
        keras.callbacks.History
        """
        rows = x, y, sample_weight
        if sample_weight is not None or (validation_data and validation_data[2] is not None):
            self._check_weighable()
        if any(map(hears_of_batches, callbacks or ())):
            self._announce("a callback is called at each batch")
        else:
            tensors = tensors_of(*rows)
            tested = None if validation_data is None else tensors_of(*validation_data)
            obstacle = self._programs.compile(tensors, tested)
            if obstacle is None:
                return fit_by_epochs(
                    self,
                    self._programs_now,
                    tensors,
                    tested,
                    batch_size,
                    range(initial_epoch, epochs),
                    [*(callbacks or ()), _RecompilationCheck(self.optimizer)],
                )
            _warn_of_eager_work("Training", obstacle)
            self.run_eagerly = True  # what can't be compiled here can't be compiled by Keras either
        # Keras would reuse the step that an earlier fit has compiled with its class weights.
        self.train_function = self.test_function = None
        if validation_data is not None:
            validation_data = Batches(*validation_data, batch_size)
        batches = Batches(*rows, batch_size)
        with self.own_random_numbers():
            return super().fit(
                batches,
                epochs=epochs,
                initial_epoch=initial_epoch,
                validation_data=validation_data,
                callbacks=[
                    ShuffledBatches(batches, self.order_seed),
                    _SafePoints(),
                    *(callbacks or ()),
                    _RecompilationCheck(self.optimizer),
                ],
                verbose=0,
                shuffle=False,
            )

    def _check_weighable(self):
        """Raise a ValueError if a metric gives one number for all rows of a batch.

        Keras would raise an error about the ranks of tensors, which doesn't name the metric.
        """
        for metric in self._settings["weighted_metrics"]:
            function = _compat.wrapped_function(metric)
            if function is None or adds_up(metric):
                continue
            y_pred = tf.TensorSpec([None, self.output_shape[-1]], tf.float32)
            graph = tf.function(lambda y, y_pred, of=function: of(y, y_pred), autograph=False)
            try:
                values = graph.get_concrete_function(self._target_spec(), y_pred).outputs[0]
            except Exception:
                # Any error of the user's function. It doesn't mean that training fails, since Keras
                # passes the keyword arguments of a `MeanMetricWrapper`, and a subclass may prepare
                # the arguments. If training does fail, it raises the error or runs without graphs.
                continue
            if values.shape.rank == 0:
                raise ValueError(
                    f"Got sample weights, and the metric {metric.name!r} returns one number for "
                    "all rows of a batch; expected a value for each row, which can be weighted. "
                    "Return such values, for example keras.ops.mean(..., axis=-1), or leave the "
                    "weights out."
                )

    def _announce(self, reason):
        if self.announces:
            print(f"Training with Keras's own fit, which is slower: {reason}.")

    def _programs_now(self):
        """The compiled programs, or new ones if a callback has changed the net."""
        return self._programs if self.is_unchanged() else self._new_programs()

    def _new_programs(self):
        return Programs(self, forward_of(self))


def evaluate(model, X, y, sample_weight, batch_size):
    """Compute the loss and the metrics of a compiled model with Keras's own ``evaluate``.

    Parameters
    ----------
    model : keras.Model
    X : {ndarray, CSR} of shape (n_rows, ...)
    y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None
    batch_size : int

    Returns
    -------
    dict of str to float
    """
    batches = Batches(X, y, sample_weight, batch_size)
    try:
        return model.evaluate(batches, verbose=0, return_dict=True)
    except Exception as obstacle:
        if not needs_values(obstacle):
            raise
        _warn_of_eager_work("Evaluating", obstacle)
    model.run_eagerly, model.test_function = True, None
    # Update the metrics once with real rows, since Keras would build them from shapes and types.
    columns = batches[0]
    model.compute_metrics(None, tf.constant(columns[1]), model(columns[0]), None)
    return model.evaluate(batches, verbose=0, return_dict=True)


class _SafePoints(keras.callbacks.Callback):
    """Makes Keras's own ``fit`` interruptible by Ctrl-C between batches."""

    def on_train_batch_end(self, batch, logs=None):
        safe_point()

    def on_test_batch_end(self, batch, logs=None):
        safe_point()


class _RecompilationCheck(keras.callbacks.Callback):
    """Stops a fit if a callback has compiled the model, since Keras can't continue then."""

    def __init__(self, optimizer):
        super().__init__()
        self._is_own = partial(_is_same, optimizer)

    def on_epoch_begin(self, epoch, logs=None):
        if not self._is_own(self.model.optimizer):
            raise RuntimeError(
                "Got a model that a callback has compiled during fit; expected the same optimizer "
                "in all epochs. Pass the optimizer, loss and metrics as parameters of the "
                "classifier."
            )


def _is_same(one, other):
    return one is other


def _warn_of_eager_work(work, obstacle):
    warnings.warn(
        f"{work} without compiled graphs, which is many times slower: a metric or the optimizer "
        f"needs the values of tensors ({str(obstacle).splitlines()[0]}). Write it with keras.ops "
        "only, without NumPy, float() or if.",
        RuntimeWarning,
        stacklevel=2,
    )


def hears_of_batches(callback):
    """Whether a callback overrides a hook that Keras calls for each batch or each validation."""
    if type(callback) in _SAVE_BY_EPOCH and callback.save_freq == "epoch":
        return False
    # Compared by function, so that neither inherited hooks nor hooks set on an instance are missed.
    base = keras.callbacks.Callback
    hooks = (name for name in dir(base) if name.startswith(_BATCH_HOOKS))
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(base, name)
        for name in hooks
    )
