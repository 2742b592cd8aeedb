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
    n_columns, n_units : int
        The kernel's shape.
    """

    def __init__(self, n_columns, n_units):
        self._shape = n_columns, n_units
        self._rows = self._batch = None
        self._in_order = False

    @contextmanager
    def of(self, rows, in_order):
        """Let a graph that has the product in it run on these CSR rows.

        Parameters
        ----------
        rows : CSR of shape (n_rows, n_columns)
        in_order : bool
            Whether each batch has rows that follow one another.
        """
        self._rows, self._in_order = rows, in_order
        try:
            yield
        finally:
            self._rows = self._batch = None

    def __call__(self, chosen, kernel):
        """The product, in a graph.

        Parameters
        ----------
        chosen : tf.Tensor of int32 of shape (n_chosen,)
            Numbers of the batch's rows.
        kernel : tf.Variable of shape (n_columns, n_units)

        Returns
        -------
        tf.Tensor of shape (n_chosen, n_units)
        """

        @tf.custom_gradient
        def multiply(kernel):
            out = tf.numpy_function(self._forward, [chosen, kernel], tf.float32)
            out.set_shape([None, self._shape[1]])

            def gradient(upstream):
                slope = tf.numpy_function(self._backward, [upstream], tf.float32)
                slope.set_shape(self._shape)
                return slope

            return out, gradient

        return multiply(tf.convert_to_tensor(kernel))

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
