"""CSR rows beside a compiled graph, which calls SciPy for what concerns them.

SciPy gathers a batch of rows and multiplies it in a third of the time of TensorFlow's ragged
gather, sparse product and the product's gradient; and rows that never become tensors are not
copied.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from skclf.engine import _compat

# Of a batch: to hand fewer over to a thread and back takes as long as to gather them.
_VALUES_WORTH_A_THREAD = 5_000


class SparseProduct:
    """Product of a batch of CSR rows and a kernel, with its gradient for the kernel.

    Parameters
    ----------
    n_columns, n_units : int or None
        The kernel's shape; None where that is open.
    """

    def __init__(self, n_columns, n_units):
        self._shape = n_columns, n_units
        self._batches = self._batch = self._failure = None

    @contextmanager
    def of(self, rows, order, batch_size):
        """Let a graph that has the product in it run on these CSR rows.

        Parameters
        ----------
        rows : CSR of shape (n_rows, n_columns)
        order : ndarray of int of shape (n_rows,)
            In which the batches come.
        batch_size : int

        Raises
        ------
        BaseException
            What stopped SciPy, Ctrl-C included: of that TensorFlow makes an error of its own.
        """
        with ThreadPoolExecutor(1) as thread:
            self._batches = _batches(rows, order, batch_size, thread)
            try:
                yield
            except tf.errors.OpError:
                if self._failure is not None:
                    raise self._failure from None
                raise
            finally:
                self._batches = self._batch = self._failure = None

    def __call__(self, chosen, kernel):
        """The product, in a graph; its gradient for the kernel is `gradient`'s.

        Parameters
        ----------
        chosen : tf.Tensor of int32 of shape (n_chosen,)
            Numbers of the batch's rows.
        kernel : tf.Variable of shape (n_columns, n_units)

        Returns
        -------
        tf.Tensor of shape (n_chosen, n_units)
        """
        product = tf.numpy_function(self._kept(self._forward), [chosen, kernel], tf.float32)
        product.set_shape([None, self._shape[1]])
        return product

    def gradient(self, upstream):
        """The gradient for the kernel of what the last product went into, in a graph.

        `tf.custom_gradient` would know it by itself, but keeps it in a register for good, and the
        graph with it.

        Parameters
        ----------
        upstream : tf.Tensor of shape (n_chosen, n_units)
            The gradient for the product.

        Returns
        -------
        tf.Tensor of shape (n_columns, n_units)
        """
        slope = tf.numpy_function(self._kept(self._backward), [upstream], tf.float32)
        slope.set_shape(self._shape)
        return slope

    def _kept(self, function):
        """The same function, which keeps the error that it fails by."""

        def call(*arguments):
            try:
                return function(*arguments)
            except BaseException as error:
                self._failure = error
                raise

        return call

    def _forward(self, chosen, kernel):
        self._batch = next(self._batches)
        return self._batch.times(kernel)

    def _backward(self, upstream):
        return self._batch.transposed_times(upstream)


def _batches(rows, order, batch_size, thread):
    """The rows of each batch, gathered beside TensorFlow's work where that pays."""
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if batch_size * rows.nnz < _VALUES_WORTH_A_THREAD * rows.shape[0]:
        yield from (_gathered(rows, chosen) for chosen in parts)
        return
    following = thread.submit(_gathered, rows, parts[0])
    for number in range(1, len(parts) + 1):
        batch = following.result()
        if number < len(parts):
            following = thread.submit(_gathered, rows, parts[number])
        yield batch


def _gathered(rows, chosen):
    """Some CSR rows, as something that can be multiplied."""
    tools = _compat.sparse_tools()
    if tools is None or rows.data.dtype != np.float32:
        return _ScipyRows(rows[chosen])
    if chosen[-1] - chosen[0] == len(chosen) - 1 and (np.diff(chosen) == 1).all():
        starts = rows.indptr[chosen[0] : chosen[-1] + 2]
        part = slice(starts[0], starts[-1])
        return _Rows(tools, rows.shape[1], starts - starts[0], rows.indices[part], rows.data[part])
    chosen = chosen.astype(rows.indices.dtype)
    ends = np.zeros(len(chosen) + 1, rows.indptr.dtype)
    np.cumsum(rows.indptr[chosen + 1] - rows.indptr[chosen], out=ends[1:])
    indices, data = np.empty(ends[-1], rows.indices.dtype), np.empty(ends[-1], np.float32)
    tools.csr_row_index(len(chosen), chosen, rows.indptr, rows.indices, rows.data, indices, data)
    return _Rows(tools, rows.shape[1], ends, indices, data)


class _Rows(NamedTuple):
    """CSR rows that call SciPy's kernels themselves, into memory that TensorFlow can take over."""

    tools: Any
    n_columns: int
    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray

    def times(self, kernel):
        """The product with a kernel of shape (n_columns, n_units)."""
        out = self._zeros(len(self.indptr) - 1, kernel)
        arrays = self.indptr, self.indices, self.data, kernel.ravel(), out.ravel()
        self.tools.csr_matvecs(len(out), self.n_columns, kernel.shape[1], *arrays)
        return out

    def transposed_times(self, upstream):
        """The product of the transposed rows with values of shape (n_rows, n_units)."""
        out = self._zeros(self.n_columns, upstream)
        arrays = self.indptr, self.indices, self.data, upstream.ravel(), out.ravel()
        # The same arrays are the transposed rows in CSC form.
        self.tools.csc_matvecs(self.n_columns, len(upstream), upstream.shape[1], *arrays)
        return out

    @staticmethod
    def _zeros(n_rows, like):
        out = _compat.aligned_memory((n_rows, like.shape[1]))
        out.fill(0)
        return out


class _ScipyRows(NamedTuple):
    """The same by SciPy's public functions, which copy more."""

    rows: Any

    def times(self, kernel):
        """The product with a kernel of shape (n_columns, n_units)."""
        return self.rows @ kernel

    def transposed_times(self, upstream):
        """The product of the transposed rows with values of shape (n_rows, n_units)."""
        return self.rows.T @ upstream
