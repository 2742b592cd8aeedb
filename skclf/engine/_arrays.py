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


def by_value(variable):
    """A Keras variable's value as an array that shares no memory with it."""
    return variable.value.numpy().copy()


class Batches(keras.utils.PyDataset):
    """Batches of rows for Keras's own ``fit`` and ``evaluate``.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, ...)
    y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None
    batch_size : int
    order_seed : int or None
        None keeps the rows in their order.
    epoch : int
        Number of the first epoch, counted from 0.
    """

    def __init__(self, X, y, sample_weight, batch_size, order_seed=None, epoch=0):
        super().__init__()
        self._columns = (X, y) if sample_weight is None else (X, y, sample_weight)
        self._batch_size = batch_size
        self._order_seed = order_seed
        self._epoch = epoch
        self._order = None

    def __len__(self):
        return -(-self._columns[0].shape[0] // self._batch_size)

    def __getitem__(self, index):
        batch = slice(index * self._batch_size, (index + 1) * self._batch_size)
        if self._order_seed is not None:
            batch = self._epoch_order()[batch]
        return tuple(as_tensor(column[batch]) for column in self._columns)

    def _epoch_order(self):
        if self._order is None:
            self._order = batch_order(self._columns[0].shape[0], self._order_seed, self._epoch)
        return self._order

    def on_epoch_end(self):
        """Go on to the next epoch's order."""
        self._epoch += 1
        self._order = None
