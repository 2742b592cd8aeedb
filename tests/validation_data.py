"""Training and validation rows, nets, and a comparison of the weights of two nets."""

import functools

import numpy as np

from skclf import BinaryDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(60, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.2, 0.6])]
X_VAL = RNG.rand(20, 4).astype(np.float32)
Y_VAL = np.array(["ant", "bee"])[(X_VAL[:, 0] > 0.6).astype(int)]
# The opposite labels: with them, val_loss rises in every epoch of training on Y.
WRONG = np.where(Y == "ant", "bee", "ant")


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": 3,
        "activation": "tanh",
        "learning_rate": 0.02,
        "epochs": 4,
        "random_state": 0,
    }
    return estimator_class(**defaults | parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, **parameters)


def assert_same_net(first, second):
    for weights, others in zip(
        first.model_.get_weights(), second.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, others)


@functools.cache
def validated_net():
    return net().fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
