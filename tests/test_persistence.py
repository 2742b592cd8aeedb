"""Copying, saving and loading estimators, which consist only of parameters and arrays."""

import copy
import pickle
import struct
import subprocess
import sys
import types

import cloudpickle
import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultiHotVectorizer,
    ShapeConvClassifier,
    _saved,
)
from skclf._versions import with_versions

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.5).astype(int)]
Y3 = np.array(["ant", "bee", "cat"] * 10)
SMALL = {"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0, "batch_size": 10}

ESTIMATORS = {
    "binary": (BinaryDenseClassifier(**SMALL), X, Y),
    "feature names": (BinaryDenseClassifier(**SMALL), pd.DataFrame(X, columns=list("abcd")), Y),
    "sparse": (MulticlassDenseClassifier(**SMALL), sparse.csr_array(X), Y3),
    "conv": (ShapeConvClassifier(filters=2, **SMALL), X.reshape(30, 2, 2), Y3),
    "warm": (BinaryDenseClassifier(warm_start=True, dropout=0.2, **SMALL), X, Y),
    "many parameters": (
        BinaryDenseClassifier(
            validation_split=0.2,
            patience=1,
            refit_epoch="val_loss",
            optimizer=keras.optimizers.Adam(0.01),
            learning_rate=keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5),
            metrics=["accuracy", keras.metrics.AUC()],
            callbacks=[keras.callbacks.EarlyStopping("loss", patience=3)],
            class_weight="balanced",
            **SMALL,
        ),
        X,
        Y,
    ),
}


@pytest.fixture(scope="module", params=ESTIMATORS)
def case(request):
    estimator, rows, y = ESTIMATORS[request.param]
    return clone(estimator).fit(rows, y), rows, y


def through_joblib(estimator, path):
    joblib.dump(estimator, path / "clf.joblib")
    return joblib.load(path / "clf.joblib")


COPIES = {
    "pickle": lambda estimator, path: pickle.loads(pickle.dumps(estimator)),
    "oldest pickle": lambda estimator, path: pickle.loads(pickle.dumps(estimator, protocol=2)),
    "cloudpickle": lambda estimator, path: cloudpickle.loads(cloudpickle.dumps(estimator)),
    "joblib": through_joblib,
    "deepcopy": lambda estimator, path: copy.deepcopy(estimator),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_exact(case, kind, tmp_path):
    clf, rows, _ = case
    loaded = COPIES[kind](clf, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(rows), clf.predict_proba(rows))
    np.testing.assert_array_equal(loaded.predict(rows), clf.predict(rows))
    pd.testing.assert_frame_equal(loaded.history_, clf.history_)
    assert vars(loaded).keys() == vars(clf).keys()
    assert loaded.get_params().keys() == clf.get_params().keys()
    assert (loaded.n_epochs_, loaded.best_epoch_) == (clf.n_epochs_, clf.best_epoch_)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert getattr(loaded, "feature_names_in_", ...) is ... or (
        loaded.feature_names_in_.tolist() == list("abcd")
    )


@pytest.mark.parametrize("kind", COPIES)
def test_copies_continue_training_equally(case, kind, tmp_path):
    clf, rows, y = case
    loaded, kept = COPIES[kind](clf, tmp_path), copy.deepcopy(clf)
    for estimator in (loaded, kept):
        if estimator.class_weight is None:
            estimator.partial_fit(rows, y)
        estimator.fit(rows, y)
    np.testing.assert_array_equal(loaded.predict_proba(rows), kept.predict_proba(rows))


def test_copies_are_independent(case):
    clf, rows, y = case
    before, copied = clf.predict_proba(rows), copy.deepcopy(clf)
    copied.set_params(class_weight=None).partial_fit(rows, y)
    np.testing.assert_array_equal(clf.predict_proba(rows), before)
    assert not np.array_equal(copied.predict_proba(rows), before)


def objects_in(value, seen=None):
    """Yield everything that a value contains, at any depth."""
    seen = {} if seen is None else seen
    if id(value) in seen:
        return
    seen[id(value)] = value
    yield value
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    elif isinstance(value, np.ndarray):
        inner = value.tolist() if value.dtype.kind == "O" else [value.base]
    elif isinstance(value, type | types.ModuleType | types.FunctionType):
        inner = []
    else:
        inner = [vars(value)] if hasattr(value, "__dict__") else []
        slots = [getattr(cls, "__slots__", ()) for cls in type(value).__mro__]
        inner += [getattr(value, slot, None) for group in slots for slot in np.atleast_1d(group)]
    for each in inner:
        yield from objects_in(each, seen)


def test_seeds_are_those_required_by_loading(case):
    assert sorted(case[0]._seeds) == sorted(_saved._SEEDS)


def test_fitted_state_has_only_plain_objects(case):
    clf, _, _ = case
    parameters = clf.get_params()
    state = {name: value for name, value in vars(clf).items() if name not in parameters}
    found = list(objects_in(state))
    assert any(isinstance(value, np.ndarray) for value in found)
    for value in found:
        module = type(value).__module__.partition(".")[0]
        assert module in {"builtins", "numpy", "skclf"}, f"holds {value!r}"
        assert not callable(value), f"holds {value!r}"


def test_objects_in_finds_nested_objects():
    class Slotted:
        __slots__ = ("inner",)

    hidden = Slotted()
    hidden.inner = {"deep": [(keras.Variable(1.0),)]}
    assert any(isinstance(value, keras.Variable) for value in objects_in([hidden]))


def test_parameters_are_not_changed():
    stop = keras.callbacks.EarlyStopping("loss", patience=3)
    optimizer, metric = keras.optimizers.Adam(), keras.metrics.AUC()
    clf = BinaryDenseClassifier(callbacks=[stop], optimizer=optimizer, metrics=[metric], **SMALL)
    clf.fit(X, Y)
    assert clf.callbacks == [stop]
    assert clf.metrics == [metric]
    assert clf.optimizer is optimizer
    assert stop.model is None
    assert not optimizer.built


@pytest.mark.parametrize("warm_start", [False, True])
def test_pickles_are_small(warm_start):
    rows = np.random.RandomState(1).rand(200, 300).astype(np.float32)
    clf = BinaryDenseClassifier(50, epochs=1, warm_start=warm_start).fit(rows, rows[:, 0] > 0.5)
    weights = sum(array.nbytes for array in clf.model_.get_weights())
    # With warm_start, the optimizer's state is saved, too, which is as large as the weights. The
    # rows of 240,000 bytes are not saved.
    assert len(pickle.dumps(clf)) < weights * (1 + warm_start) + 6000
    assert len(pickle.dumps(clone(clf))) < 2000


@pytest.mark.parametrize(
    ("estimator", "shape"),
    [
        (BinaryDenseClassifier(16, epochs=30), (60, 10_000)),
        (BinaryDenseClassifier(), (60, 4)),
        (MulticlassDenseClassifier(epochs=2), (60, 10_000)),
        (MulticlassDenseClassifier(), (60, 4)),
        (ShapeConvClassifier(epochs=2), (60, 32, 32)),
        (ShapeConvClassifier(), (60, 4, 4)),
    ],
    ids=["binary", "small binary", "multiclass", "small multiclass", "conv", "small conv"],
)
def test_pickles_are_hardly_larger_than_weights(estimator, shape):
    rows = np.random.RandomState(1).rand(*shape).astype(np.float32)
    clf = clone(estimator).fit(rows, np.arange(60) % 2)
    weights = sum(array.nbytes for array in clf.model_.get_weights())
    assert len(pickle.dumps(clf)) <= 1.1 * weights + 20_000
    # Without warm_start there is no training state, and without keep_epochs no weights of epochs.
    assert clf._state is None
    assert clf._epoch_weights == {}


@pytest.mark.parametrize("fraction", [0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("module", [pickle, joblib])
def test_truncated_files_raise(module, fraction, tmp_path):
    clf, path = BinaryDenseClassifier(50, epochs=1).fit(X, Y), tmp_path / "clf"
    with path.open("wb") as file:
        module.dump(clf, file)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    # joblib's EOFError has no message. Python's unpickler, which joblib's is based on, raises other
    # errors if a number or the length of a string is cut off.
    message = "truncated|Ran out of input|EOF|reading array|exhausted before|requires a buffer|^$"
    message += "|index out of range"
    errors = (EOFError, IndexError, ValueError, pickle.UnpicklingError, struct.error)
    with (
        pytest.raises(errors, match=message),
        path.open("rb") as file,
    ):
        module.load(file)


def test_altered_files_raise():
    clf = MulticlassDenseClassifier(hidden_layer_sizes=50, epochs=1).fit(X, Y3)
    # The units of the hidden layer.
    altered = pickle.dumps(clf).replace(b"units\x94K2", b"units\x94K3", 1)
    with pytest.raises(ValueError, match=r"Can't load this MulticlassDense.* checksum differs"):
        pickle.loads(altered)


class UserClassifier(BinaryDenseClassifier):
    """A user's subclass; scikit-learn only checks the versions of its own modules."""


class UserVectorizer(MultiHotVectorizer):
    """A user's subclass of the vectorizer."""


SAVED = {
    "classifier": (BinaryDenseClassifier(**SMALL), X, Y),
    "user classifier": (UserClassifier(**SMALL), X, Y),
    "vectorizer": (MultiHotVectorizer(), [[0, 2], [1]], None),
    "user vectorizer": (UserVectorizer(), [[0, 2], [1]], None),
}


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("library", ["skclf", "sklearn"])
def test_files_of_another_version_warn(name, fitted, library, monkeypatch):
    estimator, rows, y = SAVED[name]
    estimator = clone(estimator).fit(rows, y) if fitted else clone(estimator)
    with monkeypatch.context() as patch:
        patch.setattr(f"{library}.__version__", "0.0.1")
        saved = pickle.dumps(estimator)
    with pytest.warns(InconsistentVersionWarning, match=r"from version (skclf )?0.0.1") as seen:
        loaded = pickle.loads(saved)
    (warning,) = [each.message for each in seen]
    assert warning.estimator_name == type(estimator).__name__
    assert warning.original_sklearn_version == ("skclf " if library == "skclf" else "") + "0.0.1"
    assert warning.current_sklearn_version.endswith(sys.modules[library].__version__)
    assert seen[0].filename == __file__
    assert vars(loaded).keys() == vars(estimator).keys()
    if fitted:
        method = "predict_proba" if hasattr(estimator, "predict_proba") else "transform"
        found, expected = (getattr(each, method)(rows) for each in (loaded, estimator))
        assert (found != expected).sum() == 0


def test_files_of_two_other_versions_warn_twice(monkeypatch):
    with monkeypatch.context() as patch:
        for library in ("skclf", "sklearn"):
            patch.setattr(f"{library}.__version__", "0.0.1")
        saved = pickle.dumps(MultiHotVectorizer())
    with pytest.warns(InconsistentVersionWarning) as seen:
        pickle.loads(saved)
    versions = [each.message.original_sklearn_version for each in seen]
    assert versions == ["skclf 0.0.1", "0.0.1"]


def test_copy_during_fit():
    # scikit-learn's callbacks may copy a classifier that has new classes, but not yet new weights.
    clf = BinaryDenseClassifier(**SMALL).fit(X, Y)
    clf.classes_ = np.arange(5)
    copied = copy.copy(clf)
    assert vars(copied) == vars(clf)
    assert copied is not clf
    with pytest.raises(ValueError, match="it has 5 classes_ and an output layer for 2"):
        copy.deepcopy(clf)


# The optimizer's 6 variables are the number of steps, the learning rate and 4 averages.
STATE_FAULTS = {
    "fewer variables": ("variables", lambda values: values[:-1], "has 5 variables, but 6 are"),
    "more variables": ("variables", lambda values: values * 2, "has 12 variables, but 6 are"),
    "no variables": ("variables", lambda values: [], "has 0 variables, but 6 are needed"),
    "other shapes": (
        "variables",
        lambda values: [value.T for value in values],
        r"variables\[2\] of .* shape \(3, 4\), but type float32 and shape \(4, 3\) are needed",
    ),
    "other types": (
        "variables",
        lambda values: [np.float32(value) for value in values],
        r"variables\[0\] of type float32 .*, but type int\d+ and shape \(\) are needed",
    ),
    "other shapes of dropout": (
        "dropout_states",
        lambda values: [value[:1] for value in values],
        r"dropout_states\[0\] of .* shape \(1,\), but type u?int\d+ and shape \(2,\) are",
    ),
    "other types of dropout": (
        "dropout_states",
        lambda values: [value + 0.5 for value in values],
        r"dropout_states\[0\] of type float64 .*, but type u?int\d+ and shape \(2,\) are",
    ),
}


def loaded_with(clf, key, change):
    """Load a classifier with a changed training state, as another version of Keras might save."""
    state = pickle.loads(pickle.dumps(clf.__getstate__()))
    state["_state"][key] = change(state["_state"][key])
    loaded = type(clf).__new__(type(clf))
    loaded.__setstate__(with_versions(state, _saved.CHECKED))
    return loaded


@pytest.fixture(scope="module")
def warm():
    return BinaryDenseClassifier(warm_start=True, dropout=0.2, **SMALL).fit(X, Y)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("fault", STATE_FAULTS)
def test_training_from_altered_state_raises(warm, fault, method):
    key, change, message = STATE_FAULTS[fault]
    loaded = loaded_with(warm, key, change)
    before = vars(loaded).copy()
    message = f"^Can't continue training, .*{message}.*Load an unaltered file.*warm_start=F"
    with pytest.raises(ValueError, match=message):
        getattr(loaded, method)(X, Y)
    assert vars(loaded) == before
    np.testing.assert_array_equal(loaded.predict_proba(X), warm.predict_proba(X))
    # The fix that the message suggests works, and the failed fit has not changed cached nets.
    loaded.set_params(warm_start=False).fit(X, Y)
    np.testing.assert_array_equal(loaded.predict_proba(X), warm.predict_proba(X))


def test_keras_model_from_altered_state_raises(warm):
    loaded = loaded_with(warm, "variables", lambda values: values[1:])
    with pytest.raises(ValueError, match="has 5 variables, but 6 are needed"):
        assert loaded.model_
    assert loaded.evaluate(X, Y) == warm.evaluate(X, Y)


def test_training_continues_from_wider_dtypes(warm):
    wider = loaded_with(warm, "variables", lambda values: [values[0], *map(np.float64, values[1:])])
    kept = pickle.loads(pickle.dumps(warm))
    np.testing.assert_array_equal(wider.fit(X, Y).predict_proba(X), kept.fit(X, Y).predict_proba(X))


def test_diverged_net_can_be_loaded():
    # Version 0.1.0 could save such nets; later versions raise an error in fit.
    clf = BinaryDenseClassifier(**SMALL).fit(X, Y)
    clf._weights[0][:] = np.nan
    assert np.isnan(clf.predict_proba(X)).all()
    np.testing.assert_equal(pickle.loads(pickle.dumps(clf))._weights, clf._weights)


def test_pickling_does_not_warn(case, recwarn):
    pickle.loads(pickle.dumps(case[0]))
    copy.deepcopy(case[0])
    assert [str(warning.message) for warning in recwarn] == []


def test_clones_are_unfitted(case):
    clf, rows, y = case
    cloned = clone(clf)
    assert vars(cloned).keys() == clf.get_params().keys()
    assert not [name for name in vars(cloned) if name.endswith("_") or name.startswith("_")]
    again = clone(cloned).fit(rows, y)
    if not clf.warm_start:
        np.testing.assert_array_equal(again.predict_proba(rows), clf.predict_proba(rows))


def test_fitted_clones_have_separate_weights():
    first = BinaryDenseClassifier(**SMALL).fit(X, Y)
    before = first.predict_proba(X)
    second = clone(first).fit(X[::-1] * 2, Y)
    np.testing.assert_array_equal(first.predict_proba(X), before)
    assert not np.allclose(second.predict_proba(X), before)


LOAD = """
import pickle, sys
import numpy as np
import skclf
X = np.random.RandomState(0).rand(30, 4).astype(np.float32)
with open(sys.argv[1], "rb") as file:
    saved = pickle.load(file)
for clf, rows, proba in saved:
    assert (clf.predict_proba(rows) == proba).all()
    clf.predict(rows), clf.decision_function(rows), clf.predict_log_proba(rows), clf.history_
    repr(clf), dir(clf), clf._repr_html_(), clf.get_params(), clf.score(rows, clf.predict(rows))
for name in ("tensorflow", "keras", "scikeras", "jax", "torch", "matplotlib"):
    assert name not in sys.modules, name
"""
REFIT = """
for clf, rows, proba in saved:
    y = clf.predict(rows)
    y[:3] = clf.classes_[0]
    y[-3:] = clf.classes_[-1]
    clf.partial_fit(rows, y)
    assert np.isfinite(clf.predict_proba(rows)).all()
    assert clf.evaluate(rows, y)["accuracy"] >= 0
    assert clf.model_.compiled
clf, rows, _ = saved[-1]
print(clf.predict_proba(rows).tobytes().hex())
"""


def dumped(path, names):
    saved = []
    for name in names:
        estimator, rows, y = ESTIMATORS[name]
        clf = clone(estimator).fit(rows, y)
        saved.append((clf, rows, clf.predict_proba(rows)))
    path.write_bytes(pickle.dumps(saved))
    return saved


def run(code, path):
    result = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:skclf", "-c", code, str(path)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_loading_and_predicting_in_new_process_load_no_tensorflow(tmp_path):
    dumped(tmp_path / "saved.pkl", ["binary", "feature names", "sparse", "conv", "warm"])
    run(LOAD, tmp_path / "saved.pkl")


@pytest.mark.slow
def test_training_continues_in_new_process(tmp_path):
    saved = dumped(tmp_path / "saved.pkl", ["binary", "sparse", "conv", "warm"])
    printed = run(LOAD + REFIT, tmp_path / "saved.pkl")
    clf, rows, _ = saved[-1]
    y = clf.predict(rows)
    y[:3], y[-3:] = clf.classes_[0], clf.classes_[-1]
    clf.partial_fit(rows, y)
    assert bytes.fromhex(printed.split()[-1]) == clf.predict_proba(rows).tobytes()
