"""Files of earlier versions load, predict the same and can be trained further."""

import copy
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import InconsistentVersionWarning

import skclf
from skclf import _migrations
from skclf._migrations import FORMAT, MIGRATIONS, migrated

FILES = Path(__file__).parent / "files"
VERSIONS = sorted(path.name for path in FILES.iterdir() if path.is_dir())
CLASSIFIERS = ("binary", "warm", "multiclass", "conv")
FORMS = ("pickle", "joblib", "skops")


def load(version, name, form):
    """The content of a file, and the warnings raised by loading it."""
    path = FILES / version / f"{name}.{form}"
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        if form == "pickle":
            return pickle.loads(path.read_bytes()), seen
        if form == "joblib":
            return joblib.load(path), seen
        skops_io = pytest.importorskip("skops.io")
        return skops_io.load(path, trusted=skops_io.get_untrusted_types(file=path)), seen


def expected(version, name):
    with np.load(FILES / version / f"{name}.npz") as arrays:
        return dict(arrays)


def rows_for(clf, X):
    if hasattr(clf, "image_shape_"):
        return X.reshape(-1, *clf.image_shape_)
    if hasattr(clf, "feature_names_in_"):
        return pd.DataFrame(X, columns=clf.feature_names_in_)
    return X


def assert_same_predictions(clf, wanted):
    rows = rows_for(clf, wanted["X"])
    # Decision values are exact on every machine, as explained in tests/files/make.py. SciPy
    # computes the probabilities from them, and its versions differ in the last bit.
    np.testing.assert_array_equal(clf.decision_function(rows), wanted["decision_function"])
    found = clf.predict_proba(rows)
    np.testing.assert_array_max_ulp(found, wanted["predict_proba"], maxulp=2)
    stages = list(clf.staged_predict_proba(rows)) if clf._epoch_weights else []
    assert len(stages) == len(wanted["stages"])
    np.testing.assert_allclose(stages, wanted["stages"], rtol=1e-15)
    history = {k.removeprefix("history "): v for k, v in wanted.items() if "history" in k}
    np.testing.assert_equal({k: v.to_numpy() for k, v in clf.history_.items()}, history)
    assert set(clf.predict(rows)) <= set(wanted["y"])
    assert clf.classes_.tolist() == np.unique(wanted["y"]).tolist()


def test_all_files_of_each_version_exist():
    assert "0.1.0" in VERSIONS
    kept = {f"{name}.{form}" for name in (*CLASSIFIERS, "vectorizer") for form in (*FORMS, "npz")}
    for version in VERSIONS:
        assert {path.name for path in (FILES / version).iterdir()} == kept


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*CLASSIFIERS, "vectorizer"])
@pytest.mark.parametrize("version", VERSIONS)
def test_loading_earlier_version_warns(version, name, form):
    estimator, seen = load(version, name, form)
    messages = [w.message for w in seen if issubclass(w.category, InconsistentVersionWarning)]
    # The version of scikit-learn may differ, too.
    (warning,) = [m for m in messages if m.original_sklearn_version.startswith("skclf")]
    assert warning.estimator_name == type(estimator).__name__
    assert warning.original_sklearn_version == f"skclf {version}"
    assert warning.current_sklearn_version == f"skclf {skclf.__version__}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_classifiers_of_earlier_version_predict_the_same(version, name, form):
    clf, _ = load(version, name, form)
    wanted = expected(version, name)
    assert_same_predictions(clf, wanted)
    state = clf.__getstate__()
    assert (state["_skclf_version"], state["_skclf_format"]) == (skclf.__version__, FORMAT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resaved = pickle.loads(pickle.dumps(clf))
    assert_same_predictions(resaved, wanted)
    np.testing.assert_equal(vars(resaved), vars(clf))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_vectorizers_of_earlier_version_transform_the_same(version, form):
    vectorizer, _ = load(version, "vectorizer", form)
    wanted = expected(version, "vectorizer")
    for each in (vectorizer, pickle.loads(pickle.dumps(vectorizer))):
        found = each.transform(wanted["X"])
        assert found.dtype == wanted["transform"].dtype
        np.testing.assert_array_equal(found.toarray(), wanted["transform"])
        assert each.get_feature_names_out().tolist() == ["id_0", "ant", "bee", "id_3", "id_4", "é"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_all_file_formats_have_same_content(version, form):
    for name in CLASSIFIERS:
        pickled, loaded = load(version, name, "pickle")[0], load(version, name, form)[0]
        np.testing.assert_equal(vars(loaded), vars(pickled))


@pytest.mark.parametrize("version", VERSIONS)
def test_training_continues_from_earlier_version(version):
    clf, _ = load(version, "warm", "pickle")
    wanted = expected(version, "warm")
    n_epochs, history = clf.n_epochs_, clf.history_
    assert clf._state is not None
    assert len(clf._epoch_weights) == n_epochs
    resaved = pickle.loads(pickle.dumps(clf))
    for each in (clf, resaved):
        each.fit(wanted["X"], wanted["y"])
        each.partial_fit(wanted["X"], wanted["y"])
        assert each.n_epochs_ == n_epochs + clf.epochs + 1 == len(each.history_)
        pd.testing.assert_frame_equal(each.history_[:n_epochs], history)
        assert len(each._epoch_weights) == each.n_epochs_
    rows = wanted["X"]
    np.testing.assert_array_equal(clf.predict_proba(rows), resaved.predict_proba(rows))
    # The optimizer's state is used: without it, the next step differs.
    without_state, _ = load(version, "warm", "pickle")
    without_state._state = None
    without_state.fit(rows, wanted["y"]).partial_fit(rows, wanted["y"])
    assert not np.array_equal(clf.predict_proba(rows), without_state.predict_proba(rows))


# --------------------------------------------------------------------------------------- migrations


def test_each_format_has_a_migration():
    assert sorted(MIGRATIONS) == list(range(1, FORMAT))


@pytest.mark.parametrize(
    ("state", "migrated_state"),
    [
        ({"epochs": 2}, {"epochs": 2}),
        ({"_history": {}}, {"_history": {}, "_first_epoch": 0}),
        ({"_history": {}, "_first_epoch": 3}, {"_history": {}, "_first_epoch": 3}),
    ],
)
def test_migration_from_1_to_2(state, migrated_state):
    before = copy.deepcopy(state)
    assert MIGRATIONS[1](state) == migrated_state
    assert state == before


def test_migrations_run_in_order(monkeypatch):
    steps = {n: lambda state, n=n: {**state, "seen": [*state["seen"], n]} for n in (1, 2, 3)}
    monkeypatch.setattr(_migrations, "MIGRATIONS", steps)
    monkeypatch.setattr(_migrations, "FORMAT", 4)
    assert migrated({"seen": []}, 1) == {"seen": [1, 2, 3]}
    assert migrated({"seen": []}, 3) == {"seen": [3]}
    assert migrated({"seen": []}, 4) == {"seen": []}


def test_failed_migration_raises(monkeypatch):
    monkeypatch.setitem(MIGRATIONS, 1, lambda state: state["_net"]["layers"])
    state = {**skclf.MultiHotVectorizer(3).get_params(), "_net": {}}
    message = "^Can't load this MultiHotVectorizer: format 1 can't be read: KeyError: 'layers'"
    with (
        pytest.warns(InconsistentVersionWarning),
        pytest.raises(ValueError, match=message),
    ):
        skclf.MultiHotVectorizer().__setstate__(state)
