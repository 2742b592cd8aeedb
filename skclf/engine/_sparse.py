"""CSR rows beside a compiled graph, which calls SciPy for what concerns them.

SciPy gathers a batch of rows and multiplies it in a third of the time of TensorFlow's ragged
gather, sparse product and the product's gradient; and rows that never become tensors are not
copied.
"""

from contextlib import contextmanager

import tensorflow as tf


class SparseProduct:
    """Product of a batch of CSR rows and a kernel, with its gradient for the kernel.

    Parameters
    ----------
    n_columns, n_units : int or None
        The kernel's shape; None where that is open.
    """

    def __init__(self, n_columns, n_units):
        self._shape = n_columns, n_units
        self._rows = self._batch = self._failure = None
        self._in_order = False

    @contextmanager
    def of(self, rows, in_order):
        """Let a graph that has the product in it run on these CSR rows.

        Parameters
        ----------
        rows : CSR of shape (n_rows, n_columns)
        in_order : bool
            Whether each batch has rows that follow one another.

        Raises
        ------
        BaseException
            What stopped SciPy, Ctrl-C included: of that TensorFlow makes an error of its own.
        """
        self._rows, self._in_order = rows, in_order
        try:
            yield
        except tf.errors.OpError:
            if self._failure is not None:
                raise self._failure from None
            raise
        finally:
            self._rows = self._batch = self._failure = None

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
        if not self._in_order:
            self._batch = self._rows[chosen]
        elif len(chosen) < self._rows.shape[0]:
            self._batch = self._rows[chosen[0] : chosen[-1] + 1]
        else:
            self._batch = self._rows
        return self._batch @ kernel

    def _backward(self, upstream):
        return self._batch.T @ upstream
