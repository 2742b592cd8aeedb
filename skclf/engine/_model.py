"""The `keras.Model` that skclf trains."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from skclf.engine._arrays import (
    Batches,
    ShuffledBatches,
    assign,
    batch_order,
    by_value,
    tensors_of,
)
from skclf.engine._fused import fuse_updates
from skclf.engine._interrupts import safe_point
from skclf.engine._program import Programs, adds_up

_BATCH_HOOKS = ("on_batch", "on_train_batch", "on_test")


class Net(keras.Model):
    """A functional Keras model that trains with its own seeded batch order and class weights.

    It outlives a fit: `begin` sets all that one fit may have left behind.

    Parameters
    ----------
    inputs, outputs : keras.KerasTensor
    optimizer : keras.optimizers.Optimizer
        Unbuilt, with its own learning rate.
    loss : str
    metrics : list
    """

    def __init__(self, inputs, outputs, optimizer, loss, metrics):
        super().__init__(inputs=inputs, outputs=outputs, name="skclf_net")
        # A global policy of mixed precision would put another optimizer around this one.
        self._settings = {"loss": loss, "weighted_metrics": metrics, "auto_scale_loss": False}
        self.compile(optimizer=optimizer, **self._settings)
        n_outputs = outputs.shape[-1]
        self.order_seed = 0
        self.class_weight = None
        self.metrics_add_up = all(map(adds_up, metrics))
        self._class_weight_variable = tf.Variable(tf.ones(max(2, n_outputs)), trainable=False)
        # Keras would sum the gradients over this one replica, by a function that TensorFlow keeps
        # for good, and the graph with it.
        optimizer._all_reduce_sum_gradients = list
        optimizer.build(self.trainable_variables)
        self._build_metrics(1 if loss != "categorical_crossentropy" else n_outputs)
        variables = [*optimizer.variables, *fuse_updates(optimizer)]
        # Keras would take variables in an attribute for weights of the net.
        self._reset_optimizer = partial(assign, variables, [by_value(v) for v in variables])
        self._programs = Programs(self)

    def _build_metrics(self, n_targets):
        """Create the metrics' variables, before a graph is compiled around them."""
        y = tf.zeros((1, n_targets), tf.float32 if n_targets > 1 else tf.int32)
        self.compute_metrics(None, y, tf.fill((1, self.output_shape[-1]), 0.5), tf.ones(1))

    def begin(self, weights, dropout_states, *, order_seed, class_weight=None, learning_rate=None):
        """Make ready for a fit: initial weights, a new optimizer state, the fit's own settings.

        Parameters
        ----------
        weights : list of ndarray
        dropout_states : list of ndarray
        order_seed : int
            Seeds the order of the rows in each epoch.
        class_weight : ndarray of shape (n_classes,) or None
            Factor of each class in the training loss. Unlike sample weights it leaves the metrics
            and the validation loss alone, as Keras's own ``class_weight`` does.
        learning_rate : float or None
            None where the optimizer has a schedule.
        """
        self.order_seed = order_seed
        self.class_weight = None
        if class_weight is not None:
            assign([self._class_weight_variable], [class_weight.astype(np.float32)])
            self.class_weight = self._class_weight_variable
        assign(self.weights, weights)
        assign(self.dropout_states, dropout_states)
        self._reset_optimizer()
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate

    @property
    def dropout_states(self):
        """The variables that hold the states of the dropout layers' random generators."""
        layers = (layer for layer in self.layers if hasattr(layer, "seed_generator"))
        return [layer.seed_generator.state for layer in layers]

    def with_class_weight(self, y, sample_weight):
        """Each row's weight in the training loss, or None."""
        if self.class_weight is None:
            return sample_weight
        if y.shape[-1] == 1:
            weights = tf.gather(self.class_weight, tf.cast(y[:, 0], tf.int32))
        else:
            weights = tf.linalg.matvec(y, self.class_weight)
        return weights if sample_weight is None else sample_weight * weights

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Keras's loss, with each row's class weight while training."""
        if training:
            sample_weight = self.with_class_weight(y, sample_weight)
        return super().compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

    def save(self, filepath, overwrite=True, **options):
        """Save as a plain Keras model, which loads where skclf is not installed."""
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
        """Train, as `keras.Model.fit` does, on rows in the net's own seeded order.

        Keras's own ``fit`` runs where a callback wants to hear of each batch or of validation.

        Parameters
        ----------
        x : {ndarray, CSR} of shape (n_rows, ...)
        y : ndarray of shape (n_rows, n_targets)
        batch_size : int
        epochs, initial_epoch : int
            Numbers of the epoch to stop before and of the first one, counted from 0.
        sample_weight : ndarray of shape (n_rows,) or None
        validation_data : tuple (X, y, sample_weight) or None
        callbacks : list of keras.callbacks.Callback
        **options
            The rest of what SciKeras passes; the data are whole, so nothing of it applies.

        Returns
        -------
        keras.callbacks.History
        """
        rows = x, y, sample_weight
        if not any(map(_hears_of_batches, callbacks or ())):
            tensors = tensors_of(*rows)
            tested = None if validation_data is None else tensors_of(*validation_data)
            if self._programs.compile(tensors, tested):
                epochs = range(initial_epoch, epochs)
                return self._fit_by_epochs(tensors, tested, batch_size, epochs, callbacks)
            self.run_eagerly = True  # what doesn't compile here doesn't compile in Keras either
        # Keras keeps a compiled step, which would hold an earlier fit's class weights.
        self.train_function = self.test_function = None
        if validation_data is not None:
            validation_data = Batches(*validation_data, batch_size)
        batches = Batches(*rows, batch_size)
        return super().fit(
            batches,
            epochs=epochs,
            initial_epoch=initial_epoch,
            validation_data=validation_data,
            callbacks=[
                ShuffledBatches(batches, self.order_seed),
                _SafePoints(),
                *(callbacks or ()),
            ],
            verbose=0,
            shuffle=False,
        )

    def _fit_by_epochs(self, rows, validation_rows, batch_size, epochs, callbacks):
        n_rows = rows["y"].shape[0]
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            model=self,
            epochs=epochs.stop,
            steps=-(-n_rows // batch_size),
            verbose=0,
        )
        self.stop_training = False
        logs = None
        callbacks.on_train_begin()
        for epoch in epochs:
            safe_point()
            callbacks.on_epoch_begin(epoch)
            order = batch_order(n_rows, self.order_seed, epoch)
            logs = self._programs.train_epoch(rows, order, batch_size)
            if validation_rows is not None:
                tested = self._programs.test_epoch(validation_rows, batch_size)
                logs.update({f"val_{name}": value for name, value in tested.items()})
            callbacks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        self.optimizer.finalize_variable_values(self.trainable_variables)
        callbacks.on_train_end(logs)
        return self.history


class _SafePoints(keras.callbacks.Callback):
    """Lets Ctrl-C in between the batches of Keras's own ``fit``."""

    def on_train_batch_end(self, batch, logs=None):
        safe_point()

    def on_test_batch_end(self, batch, logs=None):
        safe_point()


def _hears_of_batches(callback):
    """Whether a callback overrides a hook that Keras calls for each batch or each validation."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq == "epoch":
        return False
    base = keras.callbacks.Callback
    hooks = (name for name in dir(base) if name.startswith(_BATCH_HOOKS))
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(base, name)
        for name in hooks
    )
