"""NumPy and CSR rows -> batches, in a seeded order."""

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse


def batch_order(n_rows, seed, epoch):
    """Order of the rows in one epoch.

    It depends on the seed and the epoch's number alone, so that training which stops and goes on
    sees the batches that uninterrupted training would have seen.

    Parameters
    ----------
    n_rows : int
    seed : int
    epoch : int
        Counted from 0.

    Returns
    -------
    ndarray of int of shape (n_rows,)
    """
    return np.random.default_rng([seed, epoch]).permutation(n_rows)


def as_tensor(rows):
    """CSR rows as a `tensorflow.SparseTensor`; arrays as they are."""
    if not sparse.issparse(rows):
        return rows
    columns = rows.indices.astype(np.int64)
    numbers = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return tf.SparseTensor(np.column_stack([numbers, columns]), rows.data, rows.shape)


def assign(variables, values):
    """Set variables of Keras, TensorFlow or `OpenNet` to arrays of their shapes."""
    for variable, value in zip(variables, values, strict=True):
        variable = variable if isinstance(variable, tf.Variable) else variable.value
        value = np.asarray(value, variable.dtype.as_numpy_dtype)
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def by_value(variable):
    """A Keras variable's value as an array that shares no memory with it."""
    return variable.value.numpy().copy()


def tensors_of(X, y, sample_weight):
    """Rows as tensors, by name.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, ...)
    y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    dict of str to tf.Tensor
        ``X``, or ``indptr``, ``indices`` and ``data``; ``y``; ``sample_weight`` if there are any.
    """
    rows = {"CSR": X} if sparse.issparse(X) else {"X": tf.constant(X)}
    rows["y"] = tf.constant(y)
    if sample_weight is not None:
        rows["sample_weight"] = tf.constant(sample_weight.astype(np.float32))
    return rows


class Batches(keras.utils.PyDataset):
    """Batches of rows for Keras's own ``fit`` and ``evaluate``.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, ...)
    y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None
    batch_size : int
    """

    def __init__(self, X, y, sample_weight, batch_size):
        super().__init__()
        weights = () if sample_weight is None else (sample_weight.astype(np.float32),)
        self._columns = (X, y, *weights)
        self._batch_size = batch_size
        self.order = np.arange(X.shape[0])

    def __len__(self):
        return -(-len(self.order) // self._batch_size)

    def __getitem__(self, index):
        rows = self.order[index * self._batch_size : (index + 1) * self._batch_size]
        return tuple(as_tensor(column[rows]) for column in self._columns)


class ShuffledBatches(keras.callbacks.Callback):
    """Puts batches into the order of each epoch, as the epoch begins.

    Parameters
    ----------
    batches : Batches
    seed : int
    """

    def __init__(self, batches, seed):
        super().__init__()
        self._batches, self._seed = batches, seed

    def on_epoch_begin(self, epoch, logs=None):
        """Draw the epoch's order."""
        self._batches.order = batch_order(len(self._batches.order), self._seed, epoch)
