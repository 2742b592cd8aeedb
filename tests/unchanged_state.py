"""``nothing_changes`` checks that a block changes no setting, random state or object."""

import contextlib
import copy
import decimal
import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
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
from tensorflow.python.framework import config as tensorflow_config

NEEDS_KERAS_3_13 = pytest.mark.skipif(
    Version(keras.__version__) < Version("3.13"),
    reason="before 3.13, a seed doesn't reset Keras's generator, so draws can't be compared",
)

RNG = np.random.RandomState(0)
X = RNG.rand(60, 16)
Y = (X[:, 0] > 0.6).astype(int)
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.3, 0.6])]
WEIGHTS = RNG.randint(1, 4, 60).astype(float)


def process_state():
    """The settings and random states of the process, without those of TensorFlow."""
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
    """The settings and random states of Keras and TensorFlow."""
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
    """The value of a parameter or of data; of Keras objects, what training could change."""
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


def description_of(objects):
    """Identity and content of each object, and of each parameter of estimators."""
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
    contents = description_of(objects)
    try:
        yield
    finally:
        assert_same(before, process_state() | keras_state())
        assert description_of(objects) == contents
        # Random states that can't be read are compared by the next number drawn.
        assert (float(keras.random.uniform(())), float(tf.random.uniform(()))) == drawn
