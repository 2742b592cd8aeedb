"""skops saves estimators exactly, and only skclf's classes must be trusted."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultiHotVectorizer,
    ShapeConvClassifier,
)

skops_io = pytest.importorskip("skops.io")

X = np.random.RandomState(0).rand(30, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.5).astype(int)]
Y3 = np.array(["ant", "bee", "cat"] * 10)
SMALL = {"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0, "batch_size": 10}
BINARY = BinaryDenseClassifier(**SMALL)

CASES = {
    "binary": (BINARY, X, Y),
    "feature names": (BINARY, pd.DataFrame(X, columns=list("abcd")), Y),
    "booleans": (BINARY, X, Y == "ant"),
    "integral floats": (BINARY, X, (Y == "ant") + 1.0),
    "objects": (MulticlassDenseClassifier(**SMALL), X, Y3.astype(object)),
    "sparse": (MulticlassDenseClassifier(**SMALL), sparse.csr_array(X), np.arange(30) % 3),
    "conv": (ShapeConvClassifier(filters=(2, 3), **SMALL), X.reshape(30, 2, 2), Y3),
    "warm": (BinaryDenseClassifier(warm_start=True, dropout=0.2, **SMALL), X, Y),
    "RandomState": (
        BinaryDenseClassifier(**SMALL | {"random_state": np.random.RandomState(0)}),
        X,
        Y,
    ),
    "many parameters": (
        BinaryDenseClassifier(
            validation_split=0.2,
            refit_epoch="val_loss",
            keep_epochs=True,
            optimizer="adam",
            learning_rate=np.float64(0.01),
            metrics=["accuracy", "mse"],
            class_weight={"ant": 2.0},
            **SMALL,
        ),
        X,
        Y,
    ),
}


def through_skops(estimator, trusted):
    saved = skops_io.dumps(estimator)
    assert skops_io.get_untrusted_types(data=saved) == trusted
    return skops_io.loads(saved, trusted=trusted)


def name_of(estimator):
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


@pytest.fixture(scope="module", params=CASES)
def case(request):
    estimator, rows, y = CASES[request.param]
    return clone(estimator).fit(rows, y), rows, y


def test_classifiers_round_trip(case):
    clf, rows, _ = case
    loaded = through_skops(clf, [name_of(clf)])
    np.testing.assert_array_equal(loaded.predict_proba(rows), clf.predict_proba(rows))
    np.testing.assert_array_equal(loaded.predict(rows), clf.predict(rows))
    pd.testing.assert_frame_equal(loaded.history_, clf.history_)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert loaded._net == clf._net
    assert hash(loaded._net) == hash(clf._net)
    for name, value in vars(clf).items():
        found = getattr(loaded, name)
        assert type(found) is type(value), name
        if not isinstance(value, np.random.RandomState):
            np.testing.assert_equal(found, value)
    assert vars(loaded).keys() == vars(clf).keys()


def test_loaded_classifiers_continue_training(case):
    clf, rows, y = case
    loaded, kept = (through_skops(clf, [name_of(clf)]) for _ in range(2))
    kept.__setstate__(clf.__getstate__())
    if isinstance(clf.random_state, np.random.RandomState):
        loaded.random_state, kept.random_state = 0, 0
    for estimator in (loaded, kept):
        estimator.partial_fit(rows, y)
        estimator.fit(rows, y)
    np.testing.assert_array_equal(loaded.predict_proba(rows), kept.predict_proba(rows))
    pd.testing.assert_frame_equal(loaded.history_, kept.history_)


def test_kept_epochs_round_trip():
    estimator, rows, y = CASES["many parameters"]
    clf = clone(estimator).fit(rows, y)
    loaded = through_skops(clf, [name_of(clf)])
    stages = [list(each.staged_predict_proba(rows)) for each in (clf, loaded)]
    assert len(stages[0]) == clf.n_epochs_
    np.testing.assert_array_equal(*stages)


@pytest.mark.parametrize(
    "estimator",
    [BINARY, ShapeConvClassifier(), MultiHotVectorizer(3)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_unfitted_estimators_round_trip(estimator):
    loaded = through_skops(estimator, [name_of(estimator)])
    assert vars(loaded) == vars(estimator)


@pytest.mark.parametrize(
    "parameters",
    [{}, {"num_words": 3, "handle_unknown": 2}, {"vocabulary": {"a": 0, "b": 9}, "dtype": bool}],
    ids=str,
)
def test_vectorizers_round_trip(parameters):
    rows = [[0, 2, 2], [], [1]]
    vectorizer = MultiHotVectorizer(**parameters).fit(rows)
    loaded = through_skops(vectorizer, [name_of(vectorizer)])
    found, expected = loaded.transform(rows), vectorizer.transform(rows)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.toarray(), expected.toarray())
    assert vars(loaded) == vars(vectorizer)


def test_pipelines_round_trip():
    pipeline = make_pipeline(StandardScaler(), clone(BINARY)).fit(X, Y)
    loaded = through_skops(pipeline, [name_of(BINARY)])
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
    rows = [[i % 7, i % 3] for i in range(30)]
    pipeline = make_pipeline(MultiHotVectorizer(7), clone(BINARY)).fit(rows, Y)
    loaded = through_skops(pipeline, [name_of(BINARY), name_of(MultiHotVectorizer())])
    np.testing.assert_array_equal(loaded.predict_proba(rows), pipeline.predict_proba(rows))


def test_loading_untrusted_types_raises():
    saved = skops_io.dumps(clone(BINARY).fit(X, Y))
    with pytest.raises(TypeError, match=r"skclf\._dense\.BinaryDenseClassifier"):
        skops_io.loads(saved)


# ------------------------------------------------------------------------ damaged and altered files


@pytest.mark.parametrize("fraction", [0, 0.01, 0.5, 0.99])
def test_truncated_files_raise(fraction):
    saved = skops_io.dumps(clone(BINARY).fit(X, Y))
    with pytest.raises(zipfile.BadZipFile, match="not a zip file"):
        skops_io.loads(saved[: int(len(saved) * fraction)], trusted=[name_of(BINARY)])


def test_single_changed_byte_raises():
    clf = clone(BINARY).fit(X, Y)
    saved, weights = skops_io.dumps(clf), clf._weights[0].tobytes()
    assert saved.count(weights) == 1
    damaged = saved.replace(weights, bytes([weights[0] ^ 1]) + weights[1:])
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        skops_io.loads(damaged, trusted=[name_of(BINARY)])


def with_arrays(saved, change):
    """Change all float32 matrices in a file."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content), allow_pickle=False)
                if array.dtype == np.float32 and array.ndim == 2:
                    stream = io.BytesIO()
                    np.save(stream, change(array), allow_pickle=False)
                    content = stream.getvalue()
            new.writestr(name, content)
    return changed.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        np.transpose,
        lambda array: array[:-1],
        lambda array: array.astype(np.float16),
        lambda array: np.nextafter(array, np.float32(1)),
    ],
    ids=["transposed", "fewer rows", "float16", "next float"],
)
def test_altered_files_raise(change):
    saved = skops_io.dumps(clone(BINARY).fit(X, Y))
    trusted = [name_of(BINARY)]
    assert skops_io.loads(with_arrays(saved, np.copy), trusted=trusted).n_features_in_ == 4
    with pytest.raises(ValueError, match=r"Can't load this Binary.*: the checksum differs"):
        skops_io.loads(with_arrays(saved, change), trusted=trusted)


def with_schema(saved, old, new):
    """Replace a text in the schema of a file."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "schema.json":
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode())
            after.writestr(name, content)
    return changed.getvalue()


@pytest.mark.parametrize(
    "estimator", [BINARY, MultiHotVectorizer(3)], ids=lambda estimator: type(estimator).__name__
)
@pytest.mark.parametrize("fitted", [False, True])
def test_files_of_another_version_warn(estimator, fitted):
    if fitted:
        is_vectorizer = isinstance(estimator, MultiHotVectorizer)
        estimator = clone(estimator).fit([[0, 2]] if is_vectorizer else X, Y)
    version = estimator.__getstate__()["_skclf_version"]
    saved = with_schema(skops_io.dumps(estimator), f'\\"{version}\\"', '\\"999.0\\"')
    with pytest.warns(InconsistentVersionWarning, match="skclf 999.0 when using") as seen:
        loaded = skops_io.loads(saved, trusted=[name_of(estimator)])
    assert len(seen) == 1
    assert vars(loaded).keys() == vars(estimator).keys()


def test_altered_vectorizers_raise():
    vectorizer = MultiHotVectorizer().fit([[76543]])
    saved = with_schema(skops_io.dumps(vectorizer), "76544", "76540")
    with pytest.raises(ValueError, match=r"Can't load this MultiHotV.*: the checksum differs"):
        skops_io.loads(saved, trusted=[name_of(vectorizer)])
