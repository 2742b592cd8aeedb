"""A fit changes nothing outside itself: no setting, no seed, no parameter, no data.

Whether it goes well or fails, and whatever settings the user has made, which it must not need
either: it gives the same bits under them or says what it can't work with. `test_bridge` has the
first fit of a process, which loads TensorFlow.
"""

import contextlib
import copy
import decimal
import gc
import inspect
import json
import locale
import logging
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
import tensorflow as tf
from packaging.version import Version
from scipy import sparse
from sklearn.base import clone
from tensorflow.python.framework import config as tensorflow_config

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, engine

pytestmark = pytest.mark.skipif(
    Version(keras.__version__) < Version("3.13"),
    reason="what Keras has drawn can't be told before 3.13, where a seed doesn't reset it",
)

RNG = np.random.RandomState(0)
X = RNG.rand(60, 16)
Y = (X[:, 0] > 0.6).astype(int)
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.3, 0.6])]
WEIGHTS = RNG.randint(1, 4, 60).astype(float)
FRAME = pd.DataFrame(X, columns=[f"x{i}" for i in range(16)])


def untidy_rows():
    """CSR rows with columns out of order and a repeated one, which SciPy would tidy in place."""
    columns = np.tile([7, 2, 11, 2, 0], 60)
    values = np.round(RNG.rand(300), 3)
    return sparse.csr_matrix((values, columns, np.arange(0, 301, 5)), shape=(60, 16))


# ---------------------------------------------------------------------------- what must not change


def process_state():
    """All that a process has of settings and seeds, without TensorFlow."""
    loggers = ["", "tensorflow", "absl", "keras", "skclf", "sklearn", "py.warnings"]
    umask = os.umask(0)
    os.umask(umask)
    return {
        "Python's random generator": random.getstate(),
        "NumPy's random generator": repr(np.random.get_state()),  # noqa: NPY002
        "environment": dict(os.environ),
        "warnings": (list(warnings.filters), warnings.showwarning, warnings.formatwarning),
        "NumPy's errors": (np.geterr(), np.geterrcall()),
        "NumPy's printing": repr(np.get_printoptions()),
        "decimals": repr(decimal.getcontext()),
        "pandas": copy.deepcopy(pd.options.d),
        "scikit-learn": sklearn.get_config(),
        "jobs": (joblib.effective_n_jobs(-1), multiprocessing.get_start_method(allow_none=True)),
        "folder and mask": (Path.cwd(), umask),
        "path": list(sys.path),
        "importers": (list(sys.meta_path), list(sys.path_hooks)),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook),
        "tracing": (sys.gettrace(), sys.getprofile(), sys.getrecursionlimit()),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "signals": {each: signal.getsignal(each) for each in signal.valid_signals()},
        "locale": locale.setlocale(locale.LC_ALL),
        "garbage collector": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "logging": [logging.root.manager.disable, logging.getLoggerClass()]
        + [
            (logger.level, logger.disabled, logger.propagate, logger.handlers[:], logger.filters[:])
            for logger in map(logging.getLogger, loggers)
        ],
        "threads": set(threading.enumerate()),
    }


def keras_state():
    """The same of Keras and TensorFlow."""
    of = keras.config
    return {
        "Keras's types": (of.floatx(), of.dtype_policy().name, of.epsilon()),
        "Keras's settings": (of.backend(), of.image_data_format(), of.is_nnx_enabled()),
        "Keras's custom objects": dict(keras.saving.get_custom_objects()),
        "Keras's messages": (
            of.is_traceback_filtering_enabled(),
            of.is_interactive_logging_enabled(),
            of.is_flash_attention_enabled(),
        ),
        "Keras's scope": keras.Variable(0.0, name="variable").path,
        "TensorFlow's threads": (
            tf.config.threading.get_inter_op_parallelism_threads(),
            tf.config.threading.get_intra_op_parallelism_threads(),
        ),
        "TensorFlow's determinism": tensorflow_config.is_op_determinism_enabled(),
        "TensorFlow's mode": (tf.executing_eagerly(), tf.config.functions_run_eagerly()),
        "TensorFlow's compiler": (
            tf.config.optimizer.get_jit(),
            tf.config.optimizer.get_experimental_options(),
        ),
        "TensorFlow's devices": (
            tf.config.get_soft_device_placement(),
            tf.config.get_visible_devices(),
        ),
        "TensorFlow's messages": (
            tf.debugging.is_traceback_filtering_enabled(),
            tf.get_logger().level,
        ),
        "TensorFlow's generator": tf.random.get_global_generator().state.numpy().tolist(),
    }


def content(value):
    """A parameter or data, by value; of Keras's live objects all that training could change."""
    if isinstance(value, keras.optimizers.Optimizer | keras.metrics.Metric):
        variables = [variable.numpy().tobytes() for variable in value.variables]
        return type(value), repr(value.get_config()), variables, getattr(value, "built", None)
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return type(value), repr(value.get_config())
    if isinstance(value, keras.callbacks.Callback):
        return type(value), {name: content(each) for name, each in vars(value).items()}
    if isinstance(value, list | tuple):
        return type(value), [content(each) for each in value]
    if sparse.issparse(value):
        return type(value), value.shape, [content(getattr(value, part)) for part in CSR_PARTS]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.shape, value.dtype, value.strides, value.flags.writeable, value.tobytes()
    return joblib.hash(value)


CSR_PARTS = ("data", "indices", "indptr")


def described(objects):
    """Each object by identity and by content, of estimators each of their parameters."""
    found = []
    for each in objects:
        parameters = each.get_params(deep=True) if hasattr(each, "get_params") else {"": each}
        found += [(name, id(value), content(value)) for name, value in parameters.items()]
    return found


def assert_same(before, after):
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert after[name] == value, f"{name} changed"


def draw():
    keras.utils.set_random_seed(7)
    return float(keras.random.uniform(())), float(tf.random.uniform(()))


@contextlib.contextmanager
def nothing_changes(*objects):
    """Check that a block changes neither the process nor these objects, even if it fails."""
    drawn = draw()
    keras.utils.set_random_seed(7)
    before = process_state() | keras_state()
    contents = described(objects)
    try:
        yield
    finally:
        assert_same(before, process_state() | keras_state())
        assert described(objects) == contents
        # Seeds that can't be read show in what is drawn next.
        assert (float(keras.random.uniform(())), float(tf.random.uniform(()))) == drawn


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
def test_what_changes_is_noticed(change):
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


# ------------------------------------------------------------------------ the life of a classifier


class HearsOfBatches(keras.callbacks.Callback):
    """Makes Keras's own ``fit`` run."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def cases():
    """Classifiers with live objects among their parameters, and what they are fitted to."""
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
            4, **shared, activation="sparsemax", callbacks=[HearsOfBatches()], validation_split=0.2
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
def test_nothing_changes_in_the_life_of_a_classifier(case):
    clf, rows, y, weights = CASES[case]
    clf = clf.__class__(**clf.get_params())
    engine.clear_cache()
    for step in STEPS.values():
        with nothing_changes(clf, rows, y, weights):
            step(clf, rows, y, weights)


class FailsAtTheEnd(keras.callbacks.Callback):
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
    "callback": ({"callbacks": [FailsAtTheEnd()]}, None, "spam"),
}


@pytest.mark.parametrize(
    ("failure", "method"),
    [(failure, "fit") for failure in FAILURES]
    + [(failure, "partial_fit") for failure in FAILURES if failure != "monitor"],
)
def test_nothing_changes_where_a_fit_fails(failure, method):
    parameters, changed, message = FAILURES[failure]
    rows, y = (X, Y) if changed is None else changed(X, Y)
    clf = BinaryDenseClassifier(3, epochs=2, random_state=0)
    clf.set_params(**{"validation_split": 0.2} | parameters)
    options = {"classes": sorted(set(y))} if method == "partial_fit" else {}
    with nothing_changes(clf, rows, y), pytest.raises((ValueError, OSError), match=message):
        getattr(clf, method)(rows, y, **options)


def test_a_random_state_is_all_that_a_fit_draws_from():
    generator = np.random.RandomState(3)
    clf = BinaryDenseClassifier(3, epochs=2, random_state=generator)
    before = repr(generator.get_state())
    clf.fit(X, Y)
    assert repr(generator.get_state()) != before
    assert clf.random_state is generator
    with nothing_changes(clf):
        clf.predict_proba(X), clf.evaluate(X, Y), clf.partial_fit(X, Y), clf.model_


def test_the_parameters_of_several_fits_may_be_the_same_objects():
    optimizer, metric = keras.optimizers.Adam(0.01), keras.metrics.AUC(name="area")
    settings = {"optimizer": optimizer, "metrics": [metric], "epochs": 2, "random_state": 0}
    alone = BinaryDenseClassifier(3, **settings).fit(X, Y)
    with nothing_changes(optimizer, metric):
        MulticlassDenseClassifier(4, **settings).fit(X, Y)
        again = BinaryDenseClassifier(3, **settings).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), alone.predict_proba(X))


# ---------------------------------------------------------------------------------- users' settings


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
    """Several that have to do with training even less."""
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
UNDER_SETTINGS = [
    (ShapeConvClassifier(3, **SMALL, filters=2, metrics=["accuracy", "AUC"]), X, Y),
    (
        MulticlassDenseClassifier(3, **SMALL, l2=0.01, class_weight="balanced"),
        sparse.csr_array(np.where(X > 0.5, X, 0)),
        Y3,
    ),
]


def results(made_anew):
    """All that some fits give; their nets are new ones, or those of earlier fits."""
    found = []
    for clf, rows, y in UNDER_SETTINGS:
        if made_anew:
            engine.clear_cache()
        clf = clone(clf).fit(rows, y)
        found += [clf.predict_proba(rows).tobytes(), clf.history_.to_numpy().tobytes()]
        found += [{variable.dtype for variable in clf.model_.weights}]
    return found


@pytest.fixture(scope="module")
def expected():
    return results(made_anew=True)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_user_change_no_bit_and_are_not_changed(name, expected):
    with SETTINGS[name](), nothing_changes():
        assert results(made_anew=True) == expected
    # Nets that were made under the setting give the same without it.
    assert results(made_anew=False) == expected


@pytest.mark.parametrize("name", ["channels first", "half precision", "eager functions"])
def test_nets_made_before_a_setting_give_the_same_under_it(name, expected):
    results(made_anew=False)
    with SETTINGS[name](), nothing_changes():
        assert results(made_anew=False) == expected


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_another_float_type_of_keras_is_refused(floatx, expected):
    fitted = BinaryDenseClassifier(3, **SMALL).fit(X, Y)
    before = fitted.predict_proba(X)
    under_floatx = setting(lambda: of.set_floatx(floatx), lambda: of.set_floatx("float32"))
    with under_floatx, nothing_changes():
        for optimizer in ("rmsprop", keras.optimizers.Adam()):
            clf = clone(fitted).set_params(optimizer=optimizer)
            with pytest.raises(RuntimeError, match=rf"'{floatx}'.*\.set_floatx\('float32'\)"):
                clf.fit(X, Y)
        np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert results(made_anew=False) == expected


def test_tensorflow_graphs_are_refused():
    clf, before = BinaryDenseClassifier(3, **SMALL), process_state()
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match=r"builds a graph.*leave tf\."):
        clf.fit(X, Y)
    with pytest.raises(RuntimeError, match=r"builds a graph.*leave tf\."):
        tf.function(lambda: clf.fit(X, Y), autograph=False)()
    assert_same(before, process_state())
    assert not hasattr(clf, "classes_")


# ----------------------------------------------------------------------- the first fit of a process

FIRST = """
import copy, decimal, gc, json, locale, logging, multiprocessing, os, random, signal, sys
import threading, warnings
from pathlib import Path
import joblib, numpy as np, pandas as pd, sklearn
from sklearn.dummy import DummyClassifier
from skclf import BinaryDenseClassifier

{process_state}

def only_load():
    import keras, scikeras.wrappers, tensorflow

def fit():
    BinaryDenseClassifier(3, epochs=1, dropout=0.1, validation_split=0.2, random_state=0).fit(X, y)

X = np.random.RandomState(0).rand(40, 4)
y = X[:, 0] > 0.5
# In the first fit of whatever estimator scikit-learn loads a library that draws random numbers.
DummyClassifier().fit(X, y)
before = process_state()
{work}()
after = process_state()
print(json.dumps([name for name in before if before[name] != after[name]]))
"""


def changed_by(work):
    code = FIRST.format(process_state=inspect.getsource(process_state), work=work)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return set(json.loads(found.stdout))


@pytest.mark.slow
def test_the_first_fit_changes_less_than_an_import_of_tensorflow():
    by_fit, by_import = changed_by("fit"), changed_by("only_load")
    assert "warnings" in by_import
    assert by_fit < by_import
    assert by_fit <= {"logging", "importers"}


FIRST_WITH_WARNINGS_AS_ERRORS = """
import warnings
import numpy as np
from skclf import ShapeConvClassifier
X = np.random.RandomState(0).rand(40, 16)
y = X[:, 0] > 0.5
warnings.simplefilter("error")
np.seterr(all="raise")
clf = ShapeConvClassifier(3, epochs=1, random_state=0).fit(X, y)
clf.predict_proba(X), clf.evaluate(X, y), clf.history_
assert set(np.geterr().values()) == {"raise"}
"""


@pytest.mark.slow
def test_the_first_fit_where_warnings_and_rounding_are_errors():
    found = subprocess.run(
        [sys.executable, "-c", FIRST_WITH_WARNINGS_AS_ERRORS], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
