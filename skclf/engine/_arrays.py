"""NumPy and CSR rows -> batches, in a seeded order."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from skclf.engine import _compat


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


# Dense rows of more bytes than this stay in NumPy, and enter a graph in pieces.
BYTES_OF_A_COPY = 1 << 24
# Of a piece: so many that a call of the graph doesn't count, and otherwise less than a twentieth of
# the rows. Where a batch has many bytes, this many batches take as many as twice the least.
_BYTES_OF_A_PIECE = 3 << 20, 1 << 23
_BATCHES_OF_A_PIECE = 8


def tensors_of(X, y, sample_weight):
    """Rows as tensors, by name.

    Parameters
    ----------
    X : {ndarray, CSR, view} of shape (n_rows, ...)
        A view has a shape and a dtype, and ``take`` and ``nbytes`` as an array has.
    y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    dict of str to tf.Tensor
        ``X``, which stays what it is where a copy would be large, or ``CSR``, which always is that;
        ``y``; ``sample_weight`` if there are any.
    """
    if sparse.issparse(X):
        rows = {"CSR": X}
    elif X.nbytes > BYTES_OF_A_COPY:
        rows = {"X": np.ascontiguousarray(X) if isinstance(X, np.ndarray) else X}
    else:
        rows = {"X": tf.constant(np.asarray(X))}
    rows["y"] = tf.constant(y)
    if sample_weight is not None:
        rows["sample_weight"] = tf.constant(sample_weight.astype(np.float32))
    return rows


def rows_of_a_piece(X, batch_size):
    """How many rows to put into a graph at a time: whole batches."""
    least, most = _BYTES_OF_A_PIECE
    bytes_of_a_batch = batch_size * (X.nbytes // X.shape[0])
    wanted = max(
        int(np.clip(X.nbytes // 24, least, most)),
        min(_BATCHES_OF_A_PIECE * bytes_of_a_batch, 2 * least),
    )
    return max(1, wanted // bytes_of_a_batch) * batch_size


def pieces(X, order, batch_size):
    """Rows in an order, a piece of whole batches at a time.

    Parameters
    ----------
    X : {ndarray, view} of shape (n_rows, ...), dtype float32
    order : ndarray of int of shape (n_rows,)
    batch_size : int

    Yields
    ------
    chosen : ndarray of int
        The part of the order.
    rows : tf.Tensor
        Of its rows; overwritten by the piece after the next.
    """
    size = rows_of_a_piece(X, batch_size)
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    shape = (len(parts[0]), *X.shape[1:])
    memories = [_compat.aligned_memory(shape) for _ in parts[:2]]

    def gather(number):
        rows = memories[number % 2][: len(parts[number])]
        if not isinstance(X, np.ndarray):
            return X.take(parts[number], rows)
        # The mode that checks no bounds is the one that writes without a buffer in between.
        return np.take(X, parts[number], axis=0, out=rows, mode="clip")

    # While TensorFlow works on one piece, which needs no Python, a thread gathers the next.
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(gather, 0)
        for number, chosen in enumerate(parts):
            rows = following.result()
            if number + 1 < len(parts):
                following = thread.submit(gather, number + 1)
            yield chosen, _compat.shared_tensor(rows)


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
