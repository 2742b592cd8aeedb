"""Multilabel classification: forms of y, both training paths, and scikit-learn's tools."""

import pickle

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from batch_callback import BatchCallback
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.inspection import permutation_importance
from sklearn.metrics import classification_report, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import BinaryDenseClassifier, MultilabelDenseClassifier, ShapeConvClassifier, engine
from skclf._indicators import check_indicator, label_weights
from skclf._targets import Multilabel
from skclf.datasets import make_shapes
from skclf.onnx import to_onnx

X, Y = make_multilabel_classification(120, n_features=8, n_classes=3, random_state=0)
X = X.astype(np.float32)
WEIGHTS = np.random.RandomState(0).uniform(0.5, 2, 120)
NAMES = ["red", "green", "blue"]


BOTH_PATHS = pytest.mark.parametrize(
    "callbacks", [None, [BatchCallback()]], ids=["compiled", "Keras"]
)


def net(**parameters):
    defaults = {"hidden_layer_sizes": 6, "learning_rate": 0.01, "epochs": 4, "random_state": 0}
    return MultilabelDenseClassifier(**defaults | parameters)


@pytest.fixture(scope="module")
def fitted():
    return net().fit(X, Y)


# ------------------------------------------------------------------------------- forms of y

FORMS = {
    "array": (Y, np.ndarray, np.int64),
    "lists": (Y.tolist(), np.ndarray, np.int64),
    "booleans": (Y.astype(bool), np.ndarray, np.bool_),
    "uint8": (Y.astype(np.uint8), np.ndarray, np.uint8),
    "floats": (Y.astype(np.float32), np.ndarray, np.float32),
    "objects": (Y.astype(object), np.ndarray, np.int64),
    "frame": (pd.DataFrame(Y, columns=NAMES), np.ndarray, np.int64),
    "boolean frame": (pd.DataFrame(Y == 1, columns=NAMES), np.ndarray, np.bool_),
    "csr matrix": (sparse.csr_matrix(Y), sparse.csr_matrix, np.int64),
    "csc matrix": (sparse.csc_matrix(Y), sparse.csr_matrix, np.int64),
    "csr array": (sparse.csr_array(Y), sparse.csr_array, np.int64),
}


@pytest.mark.parametrize("form", FORMS)
def test_indicators_of_any_form(fitted, form):
    y, kind, dtype = FORMS[form]
    clf = net().fit(X, y)
    predicted = clf.predict(X)
    assert type(predicted) is kind
    assert predicted.dtype == dtype
    dense = predicted.toarray() if sparse.issparse(predicted) else predicted
    np.testing.assert_array_equal(dense, fitted.predict(X))
    np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))
    assert clf.classes_.tolist() == [0, 1, 2]
    names = NAMES if "frame" in form else ["0", "1", "2"]
    assert clf.label_names_.tolist() == names
    assert clf.score(X, y) == fitted.score(X, Y)
    assert clf.evaluate(X, y) == pytest.approx(fitted.evaluate(X, Y))
    loaded = pickle.loads(pickle.dumps(clf))
    assert type(loaded.predict(X)) is kind
    assert loaded.label_names_.tolist() == names


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            Y[:, 0],
            r"Got y of shape \(120,\); expected an indicator.*use BinaryDenseClassifier",
        ),
        (["red"] * 120, "expected an indicator.*use BinaryDenseClassifier or MulticlassDense"),
        (
            Y[:, :1],
            r"Got y of shape \(120, 1\).*use BinaryDenseClassifier, with y\.ravel",
        ),
        ([{"red"}, {"blue"}] * 60, "Got y with sets or lists of labels.*MultiLabelBinarizer"),
        ([("red",), ("red", "blue")] * 60, "Got y with sets or lists.*MultiLabelBinarizer"),
        (Y + 1, "Got y with .*2.* in row 0, column .*of 0 and 1 or of booleans"),
        (np.where(Y, np.nan, 0.0), "Got y with .*nan.* in row"),
        (np.where(Y, "yes", "no"), "Got y of type <U3; expected an indicator matrix of 0 and 1"),
        (Y[:, :, None], "expected an indicator"),
    ],
)
def test_invalid_indicators(y, message):
    clf = net()
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
    assert not hasattr(clf, "classes_")


def test_wrong_number_of_labels(fitted):
    for call in (fitted.evaluate, clone(fitted).fit(X, Y).partial_fit):
        with pytest.raises(ValueError, match="Got y with 2 columns; expected 3, one for"):
            call(X, Y[:, :2])
    with pytest.raises(ValueError, match="Got y_val with 2 columns; expected 3"):
        net().fit(X, Y, validation_data=(X, Y[:, :2]))


def test_wrong_order_of_columns():
    frame = pd.DataFrame(Y, columns=NAMES)
    clf = net(warm_start=True).fit(X, frame)
    other = frame[NAMES[::-1]]
    message = r"with the columns blue, green, red; expected red, green, blue, in this order"
    for call in (clf.score, clf.evaluate, clf.fit, clf.partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, other)
    with pytest.raises(ValueError, match=message):
        net().fit(X, frame, validation_data=(X, other))
    assert clf.score(X, other[clf.label_names_]) == clf.score(X, Y)


def test_column_names_that_are_not_strings():
    clf = net(class_weight={20: 2.0}).fit(X, pd.DataFrame(Y, columns=[10, 20, 30]))
    assert clf.label_names_.tolist() == ["10", "20", "30"]
    numbered = net(class_weight={1: 2.0}).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), numbered.predict_proba(X))
    with pytest.raises(ValueError, match="the columns a, a, b; expected a different name"):
        net().fit(X, pd.DataFrame(Y, columns=["a", "a", "b"]))


@pytest.mark.parametrize(
    "y", [Y, sparse.csr_array(Y), [[1], [1, 2]] * 60], ids=["array", "sparse", "lists"]
)
def test_other_classifiers_recommend_multilabel(y):
    with pytest.raises(ValueError, match="several labels per row, use MultilabelDenseClassifier"):
        BinaryDenseClassifier().fit(X, y)


@BOTH_PATHS
@pytest.mark.parametrize(
    "metric", ["auc", "precision", "recall", keras.metrics.PrecisionAtRecall(0.5)], ids=str
)
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS])
def test_metrics(callbacks, metric, sample_weight):
    clf = net(metrics=[metric], callbacks=callbacks, epochs=2).fit(X, Y, sample_weight)
    (name,) = set(clf.history_) - {"loss"}
    assert 0 <= clf.evaluate(X, Y)[name] <= 1


def test_one_hot_rows_are_only_accepted_by_multilabel():
    one_hot = np.eye(3, dtype=int)[np.arange(120) % 3]
    assert net().fit(X, one_hot).predict(X).shape == (120, 3)
    with pytest.raises(ValueError, match="one-hot encoded"):
        BinaryDenseClassifier().fit(X, one_hot)


# ------------------------------------------------------------------------------------- predictions


def test_predictions_agree_with_probabilities(fitted):
    proba, decision = fitted.predict_proba(X), fitted.decision_function(X)
    assert proba.shape == decision.shape == (120, 3)
    np.testing.assert_allclose(proba, 1 / (1 + np.exp(-decision)))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(proba))
    np.testing.assert_array_equal(fitted.predict(X), proba >= 0.5)
    model = fitted.model_
    np.testing.assert_allclose(proba, model.predict(X, verbose=0), atol=1e-6)


def test_probabilities_are_never_0_or_1(fitted):
    far = fitted.predict_proba(1e6 * X)
    assert (far > 0).all()
    assert (far < 1).all()


@pytest.mark.parametrize("threshold", [0.3, [0.1, 0.5, 0.9], np.array([0.5, 0.2, 0.2])])
def test_thresholds(fitted, threshold):
    clf = clone(fitted).set_params(threshold=threshold).fit(X, Y)
    np.testing.assert_array_equal(clf.predict(X), clf.predict_proba(X) >= threshold)


@pytest.mark.parametrize("threshold", [[0.5, 0.5], [0.5, 0.5, 1.5], 2.0, "half", ["a", "b", "c"]])
def test_invalid_thresholds(threshold):
    with pytest.raises((ValueError, TypeError), match="threshold"):
        net(threshold=threshold).fit(X, Y)


# ---------------------------------------------------------------------------------------- training


def by_hand(clf, weights=None, row_weights=None):
    """Net weights after training with Keras on the same batches, weighted by row or by label."""
    model = net(**clf.get_params() | {"learning_rate": 1e-30, "epochs": 1, "class_weight": None})
    model = model.fit(X, Y).model_
    model.compile("rmsprop", "binary_crossentropy")
    model.optimizer.learning_rate = clf.learning_rate
    for epoch in range(clf.epochs):
        order = engine.batch_order(len(X), clf._seeds["order"], epoch)
        for start in range(0, len(X), clf.batch_size):
            batch = order[start : start + clf.batch_size]
            if weights is None:
                batch_weights = (
                    None if row_weights is None else row_weights[batch].astype(np.float32)
                )
                model.train_on_batch(X[batch], Y[batch].astype(np.float32), batch_weights)
            else:
                train_with_weights(model, X[batch], Y[batch], weights[batch])
    return model.get_weights()


def train_with_weights(model, rows, y, weights):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        proba = model(rows)
        losses = keras.losses.binary_crossentropy(y[..., None].astype(np.float32), proba[..., None])
        loss = tf.reduce_mean(losses * weights) + sum(model.losses)
    model.optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)


def assert_weights(clf, expected):
    for found, wanted in zip(clf._weights, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-6)


@BOTH_PATHS
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS])
def test_training_equals_keras(callbacks, sample_weight):
    clf = net(l2=0.01, callbacks=callbacks).fit(X, Y, sample_weight)
    scaled = None if sample_weight is None else sample_weight / sample_weight.mean()
    assert_weights(clf, by_hand(clf, row_weights=scaled))


@BOTH_PATHS
@pytest.mark.parametrize("class_weight", [{0: 4.0, 2: 0.5}, "balanced"])
def test_class_weight(callbacks, class_weight):
    clf = net(class_weight=class_weight, callbacks=callbacks).fit(X, Y, WEIGHTS)
    factors = np.ones((2, 3))
    if class_weight == "balanced":
        positives = WEIGHTS @ Y
        factors = WEIGHTS.sum() / 2 / np.stack([WEIGHTS.sum() - positives, positives])
    else:
        factors[1] = 4, 1, 0.5
    weights = np.where(Y, factors[1], factors[0]) * WEIGHTS[:, None]
    assert_weights(clf, by_hand(clf, weights=(weights / weights.mean()).astype(np.float32)))


def test_class_weight_by_name():
    frame = pd.DataFrame(Y, columns=NAMES)
    named = net(class_weight={"green": 3.0}).fit(X, frame)
    numbered = net(class_weight={1: 3.0}).fit(X, Y)
    np.testing.assert_array_equal(named.predict_proba(X), numbered.predict_proba(X))
    with pytest.raises(ValueError, match="label 'pink'; expected labels among 'red', 'green'"):
        net(class_weight={"pink": 3.0}).fit(X, frame)
    with pytest.raises(ValueError, match="expected a finite and non-negative weight"):
        net(class_weight={"red": -1.0}).fit(X, frame)


@pytest.mark.parametrize(
    "parameters",
    [
        {"validation_split": 0.25},
        {"validation_split": 0.25, "patience": 1},
        {"validation_split": 0.25, "refit_epoch": "val_loss", "class_weight": "balanced"},
        {"keep_epochs": True, "dropout": 0.3},
        {"warm_start": True},
    ],
    ids=lambda parameters: "-".join(parameters),
)
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_both_paths_agree(parameters, as_rows):
    fast, slow = net(**parameters), net(**parameters, callbacks=[BatchCallback()])
    for clf in (fast, slow):
        clf.fit(as_rows(X), Y, WEIGHTS)
        if "warm_start" in parameters:
            clf.fit(as_rows(X), Y, WEIGHTS)
    np.testing.assert_allclose(fast.history_, slow.history_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-5)


def test_repeated_rows_equal_weights():
    repeats = np.random.RandomState(0).randint(1, 4, 120)
    whole = {"batch_size": 1000, "class_weight": "balanced"}
    weighted = net(**whole).fit(X, Y, repeats)
    repeated = net(**whole).fit(np.repeat(X, repeats, axis=0), np.repeat(Y, repeats, axis=0))
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_partial_fit_needs_no_classes():
    clf = net().partial_fit(X[:60], Y[:60]).partial_fit(X[60:], Y[60:], classes=[0, 1, 2])
    assert clf.n_epochs_ == 2
    frame = pd.DataFrame(Y, columns=NAMES)
    net().partial_fit(X, frame, classes=NAMES)
    with pytest.raises(ValueError, match=r"Got classes=\['red'\]; expected the number or the name"):
        net().partial_fit(X, frame, classes=["red"])


def test_validation_split_is_stratified_by_label(monkeypatch):
    splits = []
    real = Multilabel.split

    def split(self, *arguments):
        splits.append(real(self, *arguments))
        return splits[-1]

    monkeypatch.setattr(Multilabel, "split", split)
    net(validation_split=0.25, epochs=1).fit(X, Y)
    _, validation = splits[0]
    np.testing.assert_allclose(Y[validation].sum(axis=0), Y.sum(axis=0) / 4, atol=1)


def test_staged_probabilities():
    clf = net(keep_epochs=True).fit(X, Y)
    *_, last = clf.staged_predict_proba(X)
    np.testing.assert_array_equal(last, clf.predict_proba(X))


def test_cross_validation_compiles_nothing_again():
    net().fit(X, Y)
    traces = engine.trace_count()
    cross_val_score(net(), X, Y, cv=3)
    assert engine.trace_count() == traces


# -------------------------------------------------------------------------- scikit-learn's tools


def many_labels(n_labels):
    """Rows, and labels that are each present in about 40% of the rows."""
    rows = np.random.RandomState(1).normal(size=(150, 10)).astype(np.float32)
    return rows, (rows[:, :n_labels] > 0.25).astype(int)


@pytest.mark.parametrize("n_labels", [2, 3, 10])
@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "f1_micro", "accuracy"])
def test_scorers(n_labels, scoring):
    rows, y = many_labels(n_labels)
    scores = cross_val_score(net(), rows, y, cv=3, scoring=scoring)
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.filterwarnings("ignore:The y_prob values do not sum to one:UserWarning")
@pytest.mark.parametrize("n_labels", [2, 3, 10])
def test_log_loss(n_labels):
    rows, y = many_labels(n_labels)
    clf = net().fit(rows, y)
    score = cross_val_score(net(), rows, y, cv=3, scoring="neg_log_loss")
    assert np.isfinite(score).all()
    assert np.isfinite(log_loss(y, clf.predict_proba(rows)))


def test_classification_report_with_label_names():
    clf = net(epochs=10).fit(X, pd.DataFrame(Y, columns=NAMES))
    report = classification_report(
        Y, clf.predict(X), target_names=clf.label_names_, output_dict=True, zero_division=0
    )
    assert set(NAMES) < set(report)
    assert roc_auc_score(Y, clf.predict_proba(X)) > 0.6


def test_searches_pipelines_chains_and_importance():
    pipeline = make_pipeline(StandardScaler(), net())
    search = GridSearchCV(pipeline, {"multilabeldenseclassifier__threshold": [0.3, 0.5]}, cv=2)
    assert search.fit(X, Y).predict(X).shape == (120, 3)
    assert cross_val_predict(net(), X, Y, cv=2, method="predict_proba").shape == (120, 3)
    importance = permutation_importance(net().fit(X, Y), X, Y, n_repeats=2, random_state=0)
    assert importance.importances.shape == (8, 2)
    binary = BinaryDenseClassifier(3, epochs=1, random_state=0)
    assert ClassifierChain(binary, random_state=0).fit(X, Y).predict(X).shape == (120, 3)


def test_threads_equal_serial():
    with joblib.parallel_config("threading", n_jobs=2):
        together = cross_val_score(net(), X, Y, cv=4)
    np.testing.assert_array_equal(together, cross_val_score(net(), X, Y, cv=4))


def test_tags():
    tags = net().__sklearn_tags__()
    assert tags.classifier_tags.multi_label
    assert not tags.classifier_tags.multi_class
    assert not tags.target_tags.multi_output


# ------------------------------------------------------------------------------- files and ONNX


def test_saving(tmp_path, fitted):
    joblib.dump(fitted, tmp_path / "clf.joblib", compress=True)
    for loaded in (joblib.load(tmp_path / "clf.joblib"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    skops = pytest.importorskip("skops.io")
    name = "skclf._multilabel.MultilabelDenseClassifier"
    loaded = skops.loads(skops.dumps(fitted), trusted=[name])
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


@pytest.mark.parametrize("threshold", [0.5, [0.2, 0.5, 0.7]])
def test_onnx(tmp_path, threshold):
    runtime = pytest.importorskip("onnxruntime")
    clf = net(threshold=threshold).fit(X, Y)
    to_onnx(clf, tmp_path / "clf.onnx")
    session = runtime.InferenceSession(str(tmp_path / "clf.onnx"))
    label, probabilities = session.run(None, {"X": X})
    np.testing.assert_allclose(probabilities, clf.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(label, clf.predict(X))


# ------------------------------------------------------------------------------------------ images


def test_multilabel_images():
    images, y = make_shapes(
        200, image_shape=(16, 16), radius=(3, 5), multilabel=True, random_state=0, return_X_y=True
    )
    clf = ShapeConvClassifier(
        multilabel=True, learning_rate=0.01, epochs=10, validation_split=0.2, random_state=0
    ).fit(images, y)
    assert clf.predict(images).shape == y.shape
    assert (clf.predict(images) == y).mean() > 0.8
    assert clf.label_names_.tolist() == ["0", "1"]
    np.testing.assert_allclose(
        clf.predict_proba(images), clf.model_.predict(images[..., None], verbose=0), atol=1e-5
    )
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict(images), clf.predict(images))
    assert clf.__sklearn_tags__().classifier_tags.multi_label


def test_single_label_images_raise_if_multilabel():
    images, y = make_shapes(20, image_shape=(8, 8), radius=(2, 3), random_state=0, return_X_y=True)
    with pytest.raises(ValueError, match="expected an indicator"):
        ShapeConvClassifier(multilabel=True).fit(images, y)
    with pytest.raises(ValueError, match=r"Got loss='sparse_categorical.*with multilabel=True"):
        ShapeConvClassifier(multilabel=True, loss="sparse_categorical_crossentropy").fit(images, y)
    clf = ShapeConvClassifier(epochs=1).fit(images, y)
    assert not hasattr(clf, "label_names_")


# ----------------------------------------------------------------------------------- pure functions


def test_label_weights():
    codes = np.array([[1, 0], [1, 0], [0, 1], [1, 0]])
    weights = label_weights("balanced", None, 2, codes)
    # Of 4 rows: 1 negative and 3 positives of the first label, the reverse of the second.
    np.testing.assert_allclose(weights, [[2, 2 / 3], [2 / 3, 2]])
    weights = label_weights("balanced", None, 2, codes, np.array([1.0, 1, 3, 1]))
    np.testing.assert_allclose(weights, [[1, 1], [1, 1]])
    weights = label_weights({1: 3, "a": 2}, ("a", "b"), 2, codes)
    assert weights.tolist() == [[1, 1], [2, 3]]


def test_balanced_weights_of_label_without_positives():
    assert label_weights("balanced", None, 1, np.zeros((4, 1))).tolist() == [[0.5], [0.0]]
    clf = net(class_weight="balanced").fit(X, np.column_stack([Y[:, :2], 0 * Y[:, 0]]))
    assert np.isfinite(clf.predict_proba(X)).all()


def test_check_indicator_returns_uint8():
    assert check_indicator(sparse.csr_array([[1, 0], [0, 1]])).dtype == np.uint8
