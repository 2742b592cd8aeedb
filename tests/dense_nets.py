"""Rows, labels and fitted nets for the tests of the dense classifiers."""

import functools

import numpy as np

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier

RNG = np.random.RandomState(0)
# Whole numbers between 0 and 5, so that every numeric type can hold them.
X = RNG.randint(0, 6, (40, 4)).astype(np.float64)
CODES = (X[:, 0] > 2).astype(int)
CODES3 = np.digitize(X[:, 0], [1.5, 3.5])
NAMES3 = np.array(["ant", "bee", "cat"])

TEXTS = np.array(["a", "b"])[CODES]


def binary(**parameters):
    return BinaryDenseClassifier(
        **{"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0} | parameters
    )


def multiclass(**parameters):
    defaults = {"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0}
    return MulticlassDenseClassifier(**defaults | parameters)


@functools.cache
def fitted_net(name):
    """A fitted net with one sigmoid unit or with a softmax of two or three classes."""
    make, y = {
        "two": (binary, CODES),
        "three": (multiclass, NAMES3[CODES3]),
        "softmax_of_two": (multiclass, CODES),
    }[name]
    return make().fit(X, y)
