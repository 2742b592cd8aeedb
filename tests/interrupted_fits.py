"""Fits to interrupt, and checks that an interrupted fit leaves nothing behind."""

import functools
import signal
import time

import joblib
import keras
import numpy as np
import tensorflow as tf
from batch_callback import BatchCallback
from scipy import sparse
from sklearn.base import clone

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, engine

RNG = np.random.RandomState(0)
X = RNG.rand(150, 16).astype(np.float32)
CSR = sparse.csr_array(np.where(X > 0.6, X, 0))
Y = (X[:, 0] > 0.6).astype(int)
Y3 = np.digitize(X[:, 0], [0.3, 0.6])


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 3, "dropout": 0.2, "epochs": 15, "random_state": 0}
    return estimator_class(**defaults | parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, **parameters)


# AUC would take twice as long to compile.
TWO_METRICS = ["accuracy", "sparse_top_k_categorical_accuracy"]
CASES = {
    "dense": (net(hidden_layer_sizes=(4, 3)), X, Y, "fit"),
    "sparse": (net(), CSR, Y, "fit"),
    "conv": (conv(), X, Y, "fit"),
    "validation": (
        multiclass(validation_split=0.2, patience=9, keep_epochs=True, metrics=TWO_METRICS),
        X,
        Y3,
        "fit",
    ),
    "refit": (multiclass(validation_split=0.2, refit_epoch="val_loss"), CSR, Y3, "fit"),
    "warm_start": (net(warm_start=True), X, Y, "fit"),
    "partial_fit": (net(), CSR, Y, "partial_fit"),
    "Keras's own fit": (net(epochs=2, callbacks=[BatchCallback()]), X, Y, "fit"),
}


def train(estimator, case):
    _, rows, y, method = CASES[case]
    return getattr(estimator, method)(rows, y)


def result(estimator, case):
    """The results of a fit, by value."""
    proba = estimator.predict_proba(CASES[case][1])
    return proba.tobytes(), estimator.history_.to_numpy().tobytes(), estimator.n_epochs_


def attributes(estimator):
    """The attributes of an estimator, by identity and by value."""
    callbacks = ("callbacks", "_skl_callbacks")
    by_value = {name: value for name, value in vars(estimator).items() if name not in callbacks}
    return {name: id(value) for name, value in vars(estimator).items()}, joblib.hash(by_value)


class Trained:
    """A case's earlier fit, the expected results of the next one, and the time of a fit."""

    def __init__(self, case):
        self.case = case
        clf, rows, y, _ = CASES[case]
        engine.clear_cache()
        times = [time.perf_counter()]
        self.earlier = clone(clf).fit(rows, y)
        times.append(time.perf_counter())
        again = train(self.copy(), case)
        times.append(time.perf_counter())
        self.seconds = dict(zip(["new", "cached"], np.diff(times), strict=True))
        self.before, self.expected = result(self.earlier, case), result(again, case)

    def copy(self):
        copied = clone(self.earlier)
        vars(copied).update(vars(self.earlier))
        return copied

    def assert_next_fit_is_right(self, estimator):
        assert result(train(estimator, self.case), self.case) == self.expected


@functools.cache
def trained_case(case):
    return Trained(case)


def keras_and_tensorflow():
    """Settings of both that an interrupted fit could leave changed."""
    return {
        "eager": tf.executing_eagerly(),
        "scope": keras.Variable(0.0, name="variable").path,
        "policy": keras.config.dtype_policy().name,
        "Ctrl-C": signal.getsignal(signal.SIGINT),
        "numpy": np.geterr(),
    }


def assert_nothing_is_left(estimator, kept, trained, state):
    assert attributes(estimator) == kept
    assert result(estimator, trained.case) == trained.before
    assert keras_and_tensorflow() == state
