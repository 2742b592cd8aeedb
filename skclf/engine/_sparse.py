"""The product of sparse rows and the first kernel, computed by SciPy within a compiled graph.

SciPy gathers a batch of CSR rows and multiplies it in a third of the time of TensorFlow's ragged
gather, its sparse product and the gradient of that. The rows never become tensors, so they are not
copied as a whole. The graph calls back into Python for each product; nothing else of an epoch runs
in Python.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from skclf.engine import _compat

# Nonzero values of a batch. Passing fewer to a thread and back takes as long as gathering them.
_VALUES_WORTH_A_THREAD = 5_000


class SparseProduct:
    """Product of a batch of CSR rows and a kernel, with its gradient.

    The batches come in the order that `of` was given, one for each call of the product.

    Parameters
    ----------
    n_columns, n_units : int or None
        The shape of the kernel; None for an open size.
    """

    def __init__(self, n_columns, n_units):
        self._shape = n_columns, n_units
        self._batches = self._batch = self._failure = None

    @contextmanager
    def of(self, rows, order, batch_size):
        """Within this context, graphs that contain the product use these CSR rows.

        Parameters
        ----------
        rows : CSR of shape (n_rows, n_columns)
        order : ndarray of int of shape (n_rows,)
            The order of the rows, from which batches are taken one after another.
        batch_size : int

        Raises
        ------
        BaseException
            The error that stopped SciPy, also KeyboardInterrupt, instead of the `OpError` that
            TensorFlow turns it into.
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
                # The net is kept in a cache, and must not keep the user's data in memory.
                self._batches = self._batch = self._failure = None

    def __call__(self, chosen, kernel):
        """Add the product of the next batch to a graph; `gradient` adds its gradient.

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
        """Add the gradient with respect to the kernel, through the last product, to a graph.

        With `tf.custom_gradient`, a tape would find it by itself, but TensorFlow then keeps the
        graph in memory for good (tensorflow#27492).

        Parameters
        ----------
        upstream : tf.Tensor of shape (n_chosen, n_units)
            The gradient with respect to the product.

        Returns
        -------
        tf.Tensor of shape (n_columns, n_units)
        """
        slope = tf.numpy_function(self._kept(self._backward), [upstream], tf.float32)
        slope.set_shape(self._shape)
        return slope

    def _kept(self, function):
        """Wrap a function so that an error is stored before TensorFlow converts it."""

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
    """Yield the rows of each batch; a thread gathers large batches while TensorFlow works."""
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if batch_size * rows.nnz < _VALUES_WORTH_A_THREAD * rows.shape[0]:
        yield from (_gathered(rows, chosen) for chosen in parts)
        return
    # The next batch is requested when this one is taken, so one batch waits at a time.
    following = thread.submit(_gathered, rows, parts[0])
    for number in range(1, len(parts) + 1):
        batch = following.result()
        if number < len(parts):
            following = thread.submit(_gathered, rows, parts[number])
        yield batch


def _gathered(rows, chosen):
    """Gather some CSR rows in a form that can be multiplied."""
    tools = _compat.sparse_tools()
    if tools is None or rows.data.dtype != np.float32:
        return _ScipyRows(rows[chosen])
    # Consecutive rows, as in validation, are a slice of the arrays and need no copy.
    if chosen[-1] - chosen[0] == len(chosen) - 1 and (np.diff(chosen) == 1).all():
        starts = rows.indptr[chosen[0] : chosen[-1] + 2]
        part = slice(starts[0], starts[-1])
        return _Rows(tools, rows.shape[1], starts - starts[0], rows.indices[part], rows.data[part])
    # SciPy's kernel takes all its integers in one dtype.
    chosen = chosen.astype(rows.indices.dtype)
    ends = np.zeros(len(chosen) + 1, rows.indptr.dtype)
    np.cumsum(rows.indptr[chosen + 1] - rows.indptr[chosen], out=ends[1:])
    indices, data = np.empty(ends[-1], rows.indices.dtype), np.empty(ends[-1], np.float32)
    tools.csr_row_index(len(chosen), chosen, rows.indptr, rows.indices, rows.data, indices, data)
    return _Rows(tools, rows.shape[1], ends, indices, data)


class _Rows(NamedTuple):
    """CSR rows multiplied by SciPy's private kernels, into memory that TensorFlow can share."""

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
        # The arrays of CSR rows are also those of the transposed matrix in CSC form.
        self.tools.csc_matvecs(self.n_columns, len(upstream), upstream.shape[1], *arrays)
        return out

    @staticmethod
    def _zeros(n_rows, like):
        out = _compat.aligned_memory((n_rows, like.shape[1]))
        out.fill(0)  # the kernels add to what is there
        return out


class _ScipyRows(NamedTuple):
    """CSR rows multiplied by SciPy's public operators, which copy more."""

    rows: Any

    def times(self, kernel):
        """The product with a kernel of shape (n_columns, n_units)."""
        return self.rows @ kernel

    def transposed_times(self, upstream):
        """The product of the transposed rows with values of shape (n_rows, n_units)."""
        return self.rows.T @ upstream
