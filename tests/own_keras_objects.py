"""Metrics and an optimizer as users write them, with a net and rows to train them on."""

import keras
import numpy as np

from skclf import BinaryDenseClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)
Y3 = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [0.3, 0.6])]
BINARY = "binary_crossentropy"


def net(**parameters):
    defaults = {"hidden_layer_sizes": 2, "epochs": 1, "random_state": 0}
    return BinaryDenseClassifier(**defaults | parameters)


class Above(keras.metrics.Mean):
    """Share of the predictions above a threshold, which ``get_config`` omits."""

    def __init__(self, threshold=0.5, name="above", **options):
        super().__init__(name=name, **options)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(keras.ops.cast(y_pred > self.threshold, "float32"))


class NeedsFactor(keras.optimizers.SGD):
    """An optimizer that can't be created from its config."""

    def __init__(self, factor, **options):
        super().__init__(learning_rate=0.1, **options)
        self.factor = factor

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(self.factor * gradient, variable, learning_rate)


def share(y_true, y_pred):
    return keras.ops.mean(keras.ops.cast(y_pred > 0.5, "float32"))


class CategoricalAgain(keras.metrics.CategoricalAccuracy):
    pass


class SparseAgain(keras.metrics.SparseCategoricalAccuracy):
    pass
