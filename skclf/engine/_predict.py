"""Prediction by Keras, for nets that NumPy can't compute.

A `Predictor` has one compiled program for any number of rows. It computes up to the output layer
only, whose product and activation are computed by NumPy, outside of the engine.
"""

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from skclf.engine import _compat
from skclf.engine._arrays import as_tensor
from skclf.engine._variables import assign

# Bounds the memory for the values of hidden layers.
_ROWS_AT_ONCE = 1024


class Predictor:
    """Computes the input of a model's output layer, with any weights.

    Parameters
    ----------
    model : keras.Model
        Not to be used elsewhere, since its weights are overwritten.
    """

    def __init__(self, model):
        self._model = model
        hidden = keras.Model(model.input, model.layers[-1].input)
        spec = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
        if model.inputs[0].sparse:
            spec = tf.SparseTensorSpec([None, *model.input_shape[1:]], tf.float32)

        def compute(rows):
            return hidden(rows, training=False)

        self._program = tf.function(compute, autograph=False, input_signature=[spec])
        # `compiled_call` takes plain tensors only, and a `SparseTensor` consists of three.
        self._call = None
        if not model.inputs[0].sparse:
            self._call = _compat.compiled_call(self._program.get_concrete_function(), "")

    def hidden_values(self, weights, X):
        """Compute the values that enter the output layer.

        Parameters
        ----------
        weights : list of ndarray
        X : {ndarray, CSR} of shape (n_rows, ...), dtype float32

        Returns
        -------
        ndarray of shape (n_rows, n_units), dtype float32
        """
        assign(self._model.weights, weights)
        if self._call is not None and sparse.issparse(X):
            X = X.toarray()  # the net was trained on dense rows
        parts = [
            self._computed(X[start : start + _ROWS_AT_ONCE])
            for start in range(0, X.shape[0], _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _computed(self, rows):
        if self._call is not None:
            return self._call(tf.constant(rows)).numpy()
        rows = rows if sparse.issparse(rows) else sparse.csr_array(rows)
        return self._program(as_tensor(rows)).numpy()
