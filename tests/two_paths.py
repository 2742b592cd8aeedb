"""Rows, a net and a comparison for tests of the compiled epoch and Keras's own fit."""

import keras
import numpy as np
import pytest
from batch_callback import BatchCallback
from scipy import sparse

from skclf import BinaryDenseClassifier

RNG = np.random.RandomState(0)
X = np.where(RNG.rand(60, 5) > 0.4, RNG.rand(60, 5), 0).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
Y3 = np.digitize(X[:, 0], [0.2, 0.6])
WEIGHTS = RNG.uniform(0.5, 2, 60)


class EpochCallback(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        pass


BOTH_PATHS = pytest.mark.parametrize("callback", [EpochCallback, BatchCallback])


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 4, "batch_size": 16, "epochs": 3, "random_state": 0}
    return estimator_class(**defaults | parameters)


ROWS = {"dense": np.asarray, "sparse": sparse.csr_array}


def assert_same(one, other):
    for found, wanted in zip(one._weights, other._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(one.history_, other.history_, rtol=1e-4, atol=1e-6)
    assert one.history_.index.tolist() == other.history_.index.tolist()
    assert (one.n_epochs_, one.best_epoch_) == (other.n_epochs_, other.best_epoch_)
