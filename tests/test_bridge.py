"""The bridge to Keras: fits change no global state, and parallel fits don't interfere."""

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, _bridge

RNG = np.random.RandomState(0)
X = RNG.rand(40, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)

STATE = """
import gc, json, locale, logging, multiprocessing, os, random, signal, sys, threading, warnings
import joblib, numpy as np, pandas as pd, sklearn

def state():
    return {
        "random": repr(random.getstate()),
        "numpy": repr(np.random.get_state()),
        "environment": dict(os.environ),
        "warnings": [repr(each) for each in warnings.filters],
        "showwarning": repr(warnings.showwarning),
        "numpy errors": np.geterr(),
        "numpy printing": repr(np.get_printoptions()),
        "pandas options": repr(pd.options.display.max_rows),
        "scikit-learn": repr(sklearn.get_config()),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "hook": repr(sys.excepthook),
        "thread hook": repr(threading.excepthook),
        "signals": [repr(signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)],
        "recursion": sys.getrecursionlimit(),
        "processes": multiprocessing.get_start_method(allow_none=True),
        "locale": locale.setlocale(locale.LC_ALL),
        "log level": logging.root.level,
        "log level of warnings": logging.getLogger("py.warnings").level,
        "garbage collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
        "number of jobs": joblib.effective_n_jobs(-1),
    }

def keras_state():
    import keras, tensorflow as tf
    from tensorflow.python.framework import config
    classes = [keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.Optimizer, keras.Layer]
    return {
        "settings": [
            keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format(),
            keras.config.dtype_policy().name, keras.config.backend(),
            keras.config.is_traceback_filtering_enabled(),
            keras.config.is_interactive_logging_enabled(),
        ],
        "deterministic": config.is_op_determinism_enabled(),
        "eager": tf.executing_eagerly(),
        "functions are eager": tf.config.functions_run_eagerly(),
        "soft placement": tf.config.get_soft_device_placement(),
        "threads": [
            tf.config.threading.get_inter_op_parallelism_threads(),
            tf.config.threading.get_intra_op_parallelism_threads(),
        ],
        "seed": repr(tf.random.get_seed(None)) if hasattr(tf.random, "get_seed") else None,
        "global seed": repr(tf.compat.v1.random.get_seed(None)),
        "how classes are copied": [
            [repr(getattr(cls, name)) for name in ("__reduce__", "__reduce_ex__")]
            + ["__deepcopy__" in vars(cls), "__reduce__" in vars(cls), "__reduce_ex__" in vars(cls)]
            for cls in classes
        ],
    }
"""


@pytest.fixture
def run(environment):
    def run(code):
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def assert_equal_states(before, after):
    assert before.keys() == after.keys()
    for name in before:
        assert after[name] == before[name], f"{name} has changed"


FIRST_FIT = """
from sklearn.dummy import DummyClassifier
from skclf import BinaryDenseClassifier, MulticlassDenseClassifier
X = np.random.RandomState(0).rand(40, 4)
y = X[:, 0] > 0.5
# In the first fit of any estimator, scikit-learn loads a library that draws random numbers.
DummyClassifier().fit(X, y)
before = state()
parameters = dict(hidden_layer_sizes=2, epochs=2, dropout=0.1, validation_split=0.2)
seeded = BinaryDenseClassifier(**parameters, random_state=0).fit(X, y)
after_seeded = state()
unseeded = MulticlassDenseClassifier(**parameters).fit(X, y)
unseeded.predict_proba(X), unseeded.evaluate(X, y), unseeded.model_, unseeded.history_
after_unseeded = state()

import keras, tensorflow as tf
from tensorflow.python.framework import config
later = keras_state()
seeded.fit(X, y)
after_later = keras_state()
# If determinism were left on, these would require a seed.
tf.random.uniform((2,))
model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(X, y, verbose=0)
patched = [
    f"{cls.__name__}.{name}"
    for cls in (keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.Optimizer)
    for name in ("__reduce__", "__reduce_ex__", "__deepcopy__", "__setstate__", "__getstate__")
    if "scikeras" in str(getattr(getattr(cls, name, None), "__module__", ""))
]
print(json.dumps([before, after_seeded, after_unseeded, later, after_later, patched]))
"""


@pytest.mark.slow
def test_first_fit_changes_no_global_state(run):
    states = run(STATE + FIRST_FIT)
    before, after_seeded, after_unseeded, later, after_later, patched = states
    assert_equal_states(before, after_seeded)
    assert_equal_states(before, after_unseeded)
    assert_equal_states(later, after_later)
    assert later["settings"][0] == "float32"
    assert later["settings"][3] == "float32"
    assert not later["deterministic"]
    assert later["eager"]
    assert not later["functions are eager"]
    assert patched == []


DURING_FIRST_FIT = """
class PauseImport:
    # Pauses the thread that imports a module until other threads have done their work.
    def __init__(self, name):
        self.name, self.reached, self.go_on = name, threading.Event(), threading.Event()
        sys.meta_path.insert(0, self)
    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            self.reached.set()
            assert self.go_on.wait(30)
    def __enter__(self):
        assert self.reached.wait(30), f"{self.name} has not been loaded"
    def __exit__(self, *error):
        self.go_on.set()

from sklearn.dummy import DummyClassifier
from skclf import BinaryDenseClassifier
X = np.random.RandomState(0).rand(40, 4)
y = X[:, 0] > 0.5
# In the first fit of any estimator, scikit-learn loads a library that draws random numbers.
DummyClassifier().fit(X, y)
os.environ.update(CHANGED="before", REMOVED="before", HDF5_PLUGIN_PATH="/before", TF2_BEHAVIOR="0")
clf = BinaryDenseClassifier(2, epochs=2, random_state=0)
pauses = PauseImport("tensorflow"), PauseImport("requests.models"), PauseImport("scikeras.wrappers")
thread = threading.Thread(target=clf.fit, args=(X, y))
thread.start()
drawn = []
with pauses[0]:
    assert gc.isenabled()
    random.seed(5)
    drawn.append(random.random())
    os.environ.update(NEW="during", CHANGED="during")
    warnings.filterwarnings("error", "spam", UserWarning)
    sys.setrecursionlimit(1234)
with pauses[1]:
    import urllib3
    drawn.append(random.random())
    del os.environ["REMOVED"]
    warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with pauses[2]:
    drawn.append(random.random())
    os.environ["HDF5_PLUGIN_PATH"] = "/during"
    threading.excepthook = sys.excepthook = lambda *error: None
    gc.disable()
    gc.set_threshold(555)
    np.seterr(under="raise")
    before = state()
thread.join()
drawn.append(random.random())
assert hasattr(clf, "classes_")
after = state()
twin = random.Random(5)
assert drawn == [twin.random() for _ in range(4)]
before.pop("random"), after.pop("random")
# The fit undoes what TensorFlow had changed by then.
for name in ("ENABLE_RUNTIME_UPTIME_TELEMETRY", "TPU_ML_PLATFORM", "TPU_ML_PLATFORM_VERSION"):
    before["environment"].pop(name, None)
before["environment"]["TF2_BEHAVIOR"] = "0"
tensorflow_filters = ("SecurityWarning", "InsecurePlatform", "DependencyWarning", "FileModeWarning")
tensorflow_filters += ("PEP440Warning",)
before["warnings"] = [
    each for each in before["warnings"] if not any(name in each for name in tensorflow_filters)
]
assert any("InsecureRequestWarning" in each for each in after["warnings"])
print(json.dumps([before, after]))
"""


@pytest.mark.slow
def test_first_fit_keeps_changes_of_other_threads(run):
    before, after = run(STATE + DURING_FIRST_FIT)
    assert_equal_states(before, after)
    during = {"NEW": "during", "CHANGED": "during", "HDF5_PLUGIN_PATH": "/during"}
    assert after["environment"].items() >= during.items()
    assert "REMOVED" not in after["environment"]


AFTER_KERAS = """
import keras
before = [state(), keras_state()]
from skclf import ShapeConvClassifier
X = np.random.RandomState(0).rand(40, 16)
clf = ShapeConvClassifier(2, filters=1, epochs=1, random_state=0).fit(X, X[:, 0] > 0.5)
clf.evaluate(X, X[:, 0] > 0.5), clf.model_
after = [state(), keras_state()]
import scikeras.wrappers
print(json.dumps([before, after]))
"""


@pytest.mark.slow
def test_fit_changes_no_state_of_imported_keras(run):
    before, after = run(STATE + AFTER_KERAS)
    assert_equal_states(before[0], after[0])
    assert_equal_states(before[1], after[1])


@pytest.mark.parametrize("random_state", [0, None])
def test_global_generators_are_not_used(random_state):
    clf = BinaryDenseClassifier(
        (3, 2), dropout=0.2, epochs=1, validation_split=0.2, random_state=random_state
    )

    def drawn_after(work):
        keras.backend.clear_session()  # older versions of Keras keep their generator
        keras.utils.set_random_seed(5)
        work()
        return [random.random(), np.random.rand(), float(keras.random.uniform(()))]  # noqa: NPY002

    def fit_and_evaluate():
        clf.fit(X, Y).evaluate(X, Y)
        assert clf.model_ is not None

    assert drawn_after(fit_and_evaluate) == drawn_after(lambda: None)


def test_fit_keeps_patches_of_keras_classes():
    # The bridge undoes SciKeras's patches once, when it loads SciKeras, and not at each fit.
    def reduce(self):
        return super(keras.Model, self).__reduce__()

    before = vars(keras.Model).get("__reduce__")
    keras.Model.__reduce__ = reduce
    try:
        BinaryDenseClassifier(2, epochs=1).fit(X, Y)
        assert vars(keras.Model)["__reduce__"] is reduce
    finally:
        if before is None:
            del keras.Model.__reduce__
        else:
            keras.Model.__reduce__ = before


# ---------------------------------------------------------------------------------------- threads

SMALL = {"hidden_layer_sizes": 3, "epochs": 4, "batch_size": 10, "dropout": 0.2}
CASES = [
    (BinaryDenseClassifier(**SMALL), X, Y),
    (BinaryDenseClassifier(**SMALL), sparse.csr_array(X), Y),
    (MulticlassDenseClassifier(**SMALL, class_weight="balanced"), X, np.arange(40) % 3),
    (BinaryDenseClassifier(**SMALL, validation_split=0.3, refit_epoch="val_loss"), X, Y),
    (ShapeConvClassifier(**SMALL, filters=2), X.reshape(40, 2, 2), Y),
]


def fits():
    for seed in range(4):
        for clf, rows, y in CASES:
            yield clone(clf).set_params(random_state=seed), rows, y


def fit_and_predict(case):
    clf, rows, y = case
    return clf.fit(rows, y).predict_proba(rows), clf.history_


def test_fits_in_threads_equal_serial_fits():
    expected = [fit_and_predict(case) for case in fits()]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fit_and_predict, fits()))
    for (proba, history), (expected_proba, expected_history) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(proba, expected_proba)
        pd.testing.assert_frame_equal(history, expected_history)


def test_fit_inside_callback():
    inner = []

    class FitAnother(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            inner.append(clone(plain).set_params(random_state=epoch).fit(X, Y))

    plain = BinaryDenseClassifier(**SMALL, random_state=9)
    outer = clone(plain).set_params(callbacks=[FitAnother()]).fit(X, Y)
    np.testing.assert_array_equal(outer.predict_proba(X), plain.fit(X, Y).predict_proba(X))
    assert len(inner) == 4
    for seed, clf in enumerate(inner):
        alone = clone(plain).set_params(random_state=seed).fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), alone.predict_proba(X))


def test_predict_in_threads():
    clf = BinaryDenseClassifier(**SMALL, random_state=0).fit(X, Y)
    expected = clf.predict_proba(X)
    with ThreadPoolExecutor(8) as pool:
        for proba in pool.map(lambda _: clf.predict_proba(X), range(40)):
            np.testing.assert_array_equal(proba, expected)


# ------------------------------------------------------------------------------------------- bridge


def test_weights_are_numpy_arrays():
    clf = BinaryDenseClassifier(2, epochs=1, warm_start=True, random_state=0).fit(X, Y)
    for weights in clf._weights:
        assert type(weights) is np.ndarray
        assert weights.dtype == np.float32
        assert weights.flags.owndata


def test_other_backend_raises(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    clf = BinaryDenseClassifier((7, 5), epochs=1)
    with pytest.raises(RuntimeError, match=r"Got the Keras backend 'jax'.*Set the .*KERAS_BACKEND"):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")
    assert _bridge.keras.config.backend() == "jax"
