"""Turns NumPy and CSR rows into tensors and batches, in a seeded order.

The compiled epochs use `tensors_of` and `pieces`; Keras's own ``fit`` uses `Batches`. Both take the
order of the rows from `batch_order`. Nothing in this file trains or compiles.
"""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from skclf.engine import _compat


def batch_order(n_rows, seed, epoch):
    """Order of the rows in one epoch.

    It depends only on the seed and the number of the epoch, so training that is stopped and resumed
    sees the same batches as training without a break.

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
    """Convert CSR rows to a `tensorflow.SparseTensor`; return arrays unchanged."""
    if not sparse.issparse(rows):
        return rows
    # TensorFlow's sparse indices are int64; SciPy uses int32 where that suffices.
    columns = rows.indices.astype(np.int64)
    numbers = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return tf.SparseTensor(np.column_stack([numbers, columns]), rows.data, rows.shape)


# Dense rows of more bytes than this (16 MB) stay in NumPy and enter a graph in pieces, since a
# tensor of all rows would be a second copy of the data.
BYTES_OF_A_COPY = 1 << 24
# Least and most bytes of a piece: enough that the cost of calling the graph doesn't matter, and
# between these bounds a 24th of the rows, which keeps the copies small.
_BYTES_OF_A_PIECE = 3 << 20, 1 << 23
# Where batches are large, a piece has this many of them, up to twice the least number of bytes.
_BATCHES_OF_A_PIECE = 8


def tensors_of(X, y, sample_weight):
    """Convert the data of a fit to tensors where a copy is cheap.

    Parameters
    ----------
    X : {ndarray, CSR, view} of shape (n_rows, ...)
        A view has ``shape``, ``dtype``, ``nbytes`` and ``take``, like an array.
    y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    dict of str to tf.Tensor, ndarray, view or CSR
        The rows are ``"CSR"``, unchanged, if they are sparse, and otherwise ``"X"``: a tensor, or
        an array or view if they have more than `BYTES_OF_A_COPY` bytes. ``"y"`` and, if weights
        were given, ``"sample_weight"`` are tensors.
    """
    if sparse.issparse(X):
        rows = {"CSR": X}
    elif X.nbytes > BYTES_OF_A_COPY:
        # Once here, because `np.take` would copy a strided array as a whole for each piece.
        rows = {"X": np.ascontiguousarray(X) if isinstance(X, np.ndarray) else X}
    else:
        rows = {"X": tf.constant(np.asarray(X))}
    rows["y"] = tf.constant(y)
    if sample_weight is not None:
        rows["sample_weight"] = tf.constant(sample_weight.astype(np.float32))
    return rows


def rows_of_a_piece(X, batch_size):
    """Number of rows to pass to a graph at a time: a multiple of the batch size."""
    least, most = _BYTES_OF_A_PIECE
    bytes_of_a_batch = batch_size * (X.nbytes // X.shape[0])
    wanted = max(
        int(np.clip(X.nbytes // 24, least, most)),
        min(_BATCHES_OF_A_PIECE * bytes_of_a_batch, 2 * least),
    )
    return max(1, wanted // bytes_of_a_batch) * batch_size


def pieces(X, order, batch_size):
    """Yield rows in an order, a piece of whole batches at a time.

    Parameters
    ----------
    X : {ndarray, view} of shape (n_rows, ...), dtype float32
    order : ndarray of int of shape (n_rows,)
    batch_size : int

    Yields
    ------
    chosen : ndarray of int
        Numbers of the piece's rows, a part of ``order``.
    rows : tf.Tensor
        The rows themselves. Their memory is overwritten when the piece after the next is gathered.
    """
    size = rows_of_a_piece(X, batch_size)
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    shape = (len(parts[0]), *X.shape[1:])
    # Two buffers in turn: TensorFlow reads one of them while the other is filled.
    memories = [_compat.aligned_memory(shape) for _ in parts[:2]]

    def gather(number):
        rows = memories[number % 2][: len(parts[number])]
        if not isinstance(X, np.ndarray):
            return X.take(parts[number], rows)
        # With mode="raise", the default, NumPy writes to a buffer first and copies it to `out`. The
        # numbers are a permutation, so "clip" never changes one.
        return np.take(X, parts[number], axis=0, out=rows, mode="clip")

    # TensorFlow releases Python's lock while it trains on a piece, so a thread gathers the next one
    # at the same time.
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(gather, 0)
        for number, chosen in enumerate(parts):
            rows = following.result()
            # Before the yield, so that the thread works while the caller uses this piece.
            if number + 1 < len(parts):
                following = thread.submit(gather, number + 1)
            yield chosen, _compat.shared_tensor(rows)


class Batches(keras.utils.PyDataset):
    """Batches of rows, for Keras's own ``fit`` and ``evaluate``.

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
        # The order is ours, since Keras would shuffle by Python's global generator.
        rows = self.order[index * self._batch_size : (index + 1) * self._batch_size]
        return tuple(as_tensor(column[rows]) for column in self._columns)


class ShuffledBatches(keras.callbacks.Callback):
    """Puts the batches into a new order at the start of each epoch.

    Parameters
    ----------
    batches : Batches
    seed : int
    """

    def __init__(self, batches, seed):
        super().__init__()
        self._batches, self._seed = batches, seed

    def on_epoch_begin(self, epoch, logs=None):
        """Compute the order of the epoch."""
        self._batches.order = batch_order(len(self._batches.order), self._seed, epoch)
