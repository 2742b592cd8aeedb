"""Prediction by Keras, as one compiled program for any number of rows."""

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from skclf.engine import _compat
from skclf.engine._arrays import as_tensor
from skclf.engine._variables import assign

_ROWS_AT_ONCE = 1024


class Predictor:
    """Computes what reaches the output layer of a model, with whichever weights.

    Parameters
    ----------
    model : keras.Model
        Its own from now on.
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
        self._call = None
        if not model.inputs[0].sparse:
            self._call = _compat.compiled_call(self._program.get_concrete_function(), "")

    def hidden_values(self, weights, X):
        """Values that reach the output layer.

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
            X = X.toarray()
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
