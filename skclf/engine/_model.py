"""The `keras.Model` that skclf trains."""

import keras

from skclf.engine._arrays import Batches


class Net(keras.Model):
    """A functional Keras model with a seeded batch order and class weights.

    Parameters
    ----------
    inputs, outputs : keras.KerasTensor
    order_seed : int
        Seeds the order of the rows in each epoch.
    class_weight : ndarray of shape (n_classes,) or None
        Factor of each class in the training loss. Unlike sample weights it leaves the metrics and
        the validation loss alone, as Keras's own ``class_weight`` does.
    """

    def __init__(self, inputs, outputs, *, order_seed=0, class_weight=None):
        super().__init__(inputs=inputs, outputs=outputs, name="skclf_net")
        self.order_seed = order_seed
        self.class_weight = None if class_weight is None else class_weight.astype("float32")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Keras's loss, with each row's class weight while training."""
        if training and self.class_weight is not None:
            factors = keras.ops.convert_to_tensor(self.class_weight)
            if y.shape[-1] == 1:
                weights = keras.ops.take(factors, keras.ops.cast(y[:, 0], "int32"))
            else:
                weights = keras.ops.matmul(y, factors)
            sample_weight = weights if sample_weight is None else sample_weight * weights
        return super().compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

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
        if validation_data is not None:
            validation_data = Batches(*validation_data, batch_size)
        return super().fit(
            Batches(x, y, sample_weight, batch_size, self.order_seed, initial_epoch),
            epochs=epochs,
            initial_epoch=initial_epoch,
            validation_data=validation_data,
            callbacks=callbacks,
            verbose=0,
            shuffle=False,
        )
