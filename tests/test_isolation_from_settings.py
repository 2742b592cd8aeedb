"""Fits under the user's settings of Keras, TensorFlow and others.

A fit gives the same bits under any setting, or raises an error that names the unsupported setting.
"""

import contextlib
import warnings

import keras
import numpy as np
import pytest
import sklearn
import tensorflow as tf
from scipy import sparse
from sklearn.base import clone
from tensorflow.python.framework import config as tensorflow_config
from unchanged_state import NEEDS_KERAS_3_13, Y3, X, Y, assert_same, nothing_changes, process_state

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, engine

pytestmark = NEEDS_KERAS_3_13


@contextlib.contextmanager
def setting(change, undo):
    change()
    try:
        yield
    finally:
        undo()


@contextlib.contextmanager
def warnings_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@contextlib.contextmanager
def others():
    """Several settings that are even less related to training."""
    keras.utils.set_random_seed(3)
    filtering = setting(of.disable_traceback_filtering, of.enable_traceback_filtering)
    as_frames = sklearn.config_context(transform_output="pandas")
    with filtering, as_frames, keras.name_scope("spam"), tf.device("CPU:0"):
        yield


of = keras.config
SETTINGS = {
    "channels first": lambda: setting(
        lambda: of.set_image_data_format("channels_first"),
        lambda: of.set_image_data_format("channels_last"),
    ),
    "half precision": lambda: setting(
        lambda: of.set_dtype_policy("mixed_float16"), lambda: of.set_dtype_policy("float32")
    ),
    "NumPy's errors": lambda: np.errstate(all="raise"),
    "warnings as errors": warnings_as_errors,
    "eager functions": lambda: setting(
        lambda: tf.config.run_functions_eagerly(True),
        lambda: tf.config.run_functions_eagerly(False),
    ),
    "determinism": lambda: setting(
        tf.config.experimental.enable_op_determinism, tensorflow_config.disable_op_determinism
    ),
    "compiler": lambda: setting(
        lambda: tf.config.optimizer.set_jit("autoclustering"),
        lambda: tf.config.optimizer.set_jit(""),
    ),
    "others": others,
}
SMALL = {"epochs": 2, "dropout": 0.2, "random_state": 0, "validation_split": 0.2}
FITS = [
    (ShapeConvClassifier(3, **SMALL, filters=2, metrics=["accuracy", "AUC"]), X, Y),
    (
        MulticlassDenseClassifier(3, **SMALL, l2=0.01, class_weight="balanced"),
        sparse.csr_array(np.where(X > 0.5, X, 0)),
        Y3,
    ),
]


def results(new_nets):
    """The results of some fits, with new nets or with those compiled in earlier fits."""
    found = []
    for clf, rows, y in FITS:
        if new_nets:
            engine.clear_cache()
        clf = clone(clf).fit(rows, y)
        found += [clf.predict_proba(rows).tobytes(), clf.history_.to_numpy().tobytes()]
        found += [{variable.dtype for variable in clf.model_.weights}]
    return found


@pytest.fixture(scope="module")
def expected():
    return results(new_nets=True)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_do_not_change_results_and_are_not_changed(name, expected):
    with SETTINGS[name](), nothing_changes():
        assert results(new_nets=True) == expected
    # Nets compiled under the setting give the same results without it.
    assert results(new_nets=False) == expected


@pytest.mark.parametrize("name", ["channels first", "half precision", "eager functions"])
def test_cached_nets_give_the_same_results_under_a_setting(name, expected):
    results(new_nets=False)
    with SETTINGS[name](), nothing_changes():
        assert results(new_nets=False) == expected


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_another_floatx_of_keras_is_an_error(floatx, expected):
    fitted = BinaryDenseClassifier(3, **SMALL).fit(X, Y)
    before = fitted.predict_proba(X)
    under_floatx = setting(lambda: of.set_floatx(floatx), lambda: of.set_floatx("float32"))
    with under_floatx, nothing_changes():
        for optimizer in ("rmsprop", keras.optimizers.Adam()):
            clf = clone(fitted).set_params(optimizer=optimizer)
            with pytest.raises(RuntimeError, match=rf"'{floatx}'.*\.set_floatx\('float32'\)"):
                clf.fit(X, Y)
        np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert results(new_nets=False) == expected


def test_fitting_inside_a_tensorflow_graph_is_an_error():
    clf, before = BinaryDenseClassifier(3, **SMALL), process_state()
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match=r"builds a graph.*leave tf\."):
        clf.fit(X, Y)
    with pytest.raises(RuntimeError, match=r"builds a graph.*leave tf\."):
        tf.function(lambda: clf.fit(X, Y), autograph=False)()
    assert_same(before, process_state())
    assert not hasattr(clf, "classes_")
