"""Fitting and predicting change nothing outside the classifier, even if they fail.

No setting, random state, parameter or data may change. The first fit of a process is tested in
``test_first_fit.py`` and ``test_bridge.py``.
"""

import contextlib
import copy
import gc
import logging
import os
import pickle
import random
import signal
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
import tensorflow as tf
from batch_callback import BatchCallback
from scipy import sparse
from sklearn.base import clone
from tensorflow.python.framework import config as tensorflow_config
from unchanged_state import NEEDS_KERAS_3_13, RNG, WEIGHTS, Y3, X, Y, nothing_changes

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, engine

pytestmark = NEEDS_KERAS_3_13


@pytest.mark.parametrize(
    "change",
    [
        lambda: random.random(),
        lambda: np.random.rand(),  # noqa: NPY002
        lambda: os.environ.update(SKCLF_TEST="1"),
        lambda: warnings.simplefilter("ignore"),
        lambda: np.seterr(over="ignore"),
        lambda: sklearn.set_config(assume_finite=True),
        lambda: gc.disable(),
        lambda: logging.getLogger("tensorflow").setLevel("ERROR"),
        lambda: signal.signal(signal.SIGINT, print),
        lambda: keras.config.set_floatx("float64"),
        lambda: keras.config.set_dtype_policy("mixed_float16"),
        lambda: tf.random.uniform(()),
        lambda: keras.random.uniform(()),
        lambda: tf.random.get_global_generator().normal(()),
        lambda: tf.config.run_functions_eagerly(True),
        lambda: tf.config.experimental.enable_op_determinism(),
        lambda: X.__setitem__((0, 0), 9.0),
    ],
)
def test_nothing_changes_detects_changes(change):
    tensorflow_logger, first = logging.getLogger("tensorflow"), X[0, 0]
    with (
        contextlib.ExitStack() as undo,
        warnings.catch_warnings(),
        np.errstate(),
        sklearn.config_context(),
    ):
        undo.callback(gc.enable)
        undo.callback(tensorflow_logger.setLevel, tensorflow_logger.level)
        undo.callback(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        undo.callback(keras.config.set_floatx, "float32")
        undo.callback(keras.config.set_dtype_policy, "float32")
        undo.callback(tf.config.run_functions_eagerly, False)
        undo.callback(tensorflow_config.disable_op_determinism)
        undo.callback(os.environ.pop, "SKCLF_TEST", None)
        undo.callback(X.__setitem__, (0, 0), first)
        with pytest.raises(AssertionError), nothing_changes(X):
            change()


FRAME = pd.DataFrame(X, columns=[f"x{i}" for i in range(16)])


def untidy_rows():
    """CSR rows with unsorted and duplicate columns, which SciPy would tidy in place."""
    columns = np.tile([7, 2, 11, 2, 0], 60)
    values = np.round(RNG.rand(300), 3)
    return sparse.csr_matrix((values, columns, np.arange(0, 301, 5)), shape=(60, 16))


def cases():
    """Classifiers with Keras objects as parameters, and the arguments of fit."""
    shared = {"epochs": 3, "dropout": 0.2, "random_state": 0}
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    yield (
        "dense",
        BinaryDenseClassifier(
            [4, 3],
            **shared,
            validation_split=0.2,
            patience=2,
            optimizer=keras.optimizers.Adam(0.01, beta_1=0.8),
            metrics=["accuracy", keras.metrics.AUC(name="area")],
            callbacks=[keras.callbacks.EarlyStopping("loss"), keras.callbacks.History()],
            class_weight={0: 2.0},
        ),
        X,
        Y,
        WEIGHTS,
    )
    yield (
        "sparse",
        MulticlassDenseClassifier(
            4,
            **shared,
            l2=0.01,
            validation_split=0.2,
            refit_epoch="val_loss",
            optimizer=keras.optimizers.SGD(momentum=0.9),
            learning_rate=schedule,
            class_weight="balanced",
        ),
        untidy_rows(),
        Y3,
        None,
    )
    yield (
        "images",
        ShapeConvClassifier(**shared, filters=[2, 3], keep_epochs=True, warm_start=True),
        X.reshape(60, 4, 4),
        Y,
        None,
    )
    yield (
        "frame",
        MulticlassDenseClassifier(4, **shared, loss="categorical_crossentropy", metrics=["auc"]),
        FRAME.copy(),
        pd.Series(Y3, dtype="category"),
        pd.Series(WEIGHTS),
    )
    yield (
        "Keras's own fit",
        BinaryDenseClassifier(
            4, **shared, activation="sparsemax", callbacks=[BatchCallback()], validation_split=0.2
        ),
        untidy_rows(),
        Y,
        WEIGHTS,
    )


CASES = {name: case for name, *case in cases()}
STEPS = {
    "fit": lambda clf, X, y, weights: clf.fit(X, y, weights),
    "fit again": lambda clf, X, y, weights: clf.fit(X, y, weights),
    "predict": lambda clf, X, y, weights: clf.predict(X),
    "predict_proba": lambda clf, X, y, weights: clf.predict_proba(X),
    "predict_log_proba": lambda clf, X, y, weights: clf.predict_log_proba(X),
    "score": lambda clf, X, y, weights: clf.score(X, y, weights),
    "evaluate": lambda clf, X, y, weights: clf.evaluate(X, y, weights),
    "staged": lambda clf, X, y, weights: clf.keep_epochs and list(clf.staged_predict_proba(X)),
    "history": lambda clf, X, y, weights: clf.history_,
    "model": lambda clf, X, y, weights: clf.model_,
    "shown": lambda clf, X, y, weights: (repr(clf), clf._repr_html_(), dir(clf)),
    "copied": lambda clf, X, y, weights: (clone(clf), copy.deepcopy(clf), copy.copy(clf)),
    "pickled": lambda clf, X, y, weights: pickle.loads(pickle.dumps(clf)).predict(X),
    "partial_fit": lambda clf, X, y, weights: (
        isinstance(clf.class_weight, str) or clf.partial_fit(X, y, sample_weight=weights)
    ),
    "cache": lambda clf, X, y, weights: engine.clear_cache(),
}


@pytest.mark.parametrize("case", CASES)
def test_methods_of_a_classifier_change_nothing(case):
    clf, rows, y, weights = CASES[case]
    clf = clf.__class__(**clf.get_params())
    engine.clear_cache()
    for step in STEPS.values():
        with nothing_changes(clf, rows, y, weights):
            step(clf, rows, y, weights)


class FailAtTheEnd(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        raise OSError("spam")


FAILURES = {
    "rows": ({}, lambda rows, y: (np.full((60, 16), np.nan), y), "NaN"),
    "labels": ({}, lambda rows, y: (rows, np.zeros(60)), "1 class"),
    "parameter": ({"dropout": 2}, None, "'dropout' parameter"),
    "activation": ({"activation": "spam"}, None, "activation='spam'"),
    "optimizer": ({"optimizer": "spam"}, None, "optimizer='spam'"),
    "metric": ({"metrics": ["spam"]}, None, "'spam' in metrics"),
    "monitor": ({"monitor": "val_spam", "patience": 1}, None, "val_spam"),
    "callback": ({"callbacks": [FailAtTheEnd()]}, None, "spam"),
}


@pytest.mark.parametrize(
    ("failure", "method"),
    [(failure, "fit") for failure in FAILURES]
    + [(failure, "partial_fit") for failure in FAILURES if failure != "monitor"],
)
def test_a_failed_fit_changes_nothing(failure, method):
    parameters, changed, message = FAILURES[failure]
    rows, y = (X, Y) if changed is None else changed(X, Y)
    clf = BinaryDenseClassifier(3, epochs=2, random_state=0)
    clf.set_params(**{"validation_split": 0.2} | parameters)
    options = {"classes": sorted(set(y))} if method == "partial_fit" else {}
    with nothing_changes(clf, rows, y), pytest.raises((ValueError, OSError), match=message):
        getattr(clf, method)(rows, y, **options)


def test_fit_draws_only_from_its_random_state():
    generator = np.random.RandomState(3)
    clf = BinaryDenseClassifier(3, epochs=2, random_state=generator)
    before = repr(generator.get_state())
    clf.fit(X, Y)
    assert repr(generator.get_state()) != before
    assert clf.random_state is generator
    with nothing_changes(clf):
        clf.predict_proba(X), clf.evaluate(X, Y), clf.partial_fit(X, Y), clf.model_


def test_classifiers_can_share_parameter_objects():
    optimizer, metric = keras.optimizers.Adam(0.01), keras.metrics.AUC(name="area")
    settings = {"optimizer": optimizer, "metrics": [metric], "epochs": 2, "random_state": 0}
    alone = BinaryDenseClassifier(3, **settings).fit(X, Y)
    with nothing_changes(optimizer, metric):
        MulticlassDenseClassifier(4, **settings).fit(X, Y)
        again = BinaryDenseClassifier(3, **settings).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), alone.predict_proba(X))
