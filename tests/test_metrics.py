"""Keras metrics get targets in the form that they expect, whichever loss is used."""

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, top_k_accuracy_score

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(90, 4).astype(np.float32)
Y = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.3, 0.6])]
LOSSES = ["sparse_categorical_crossentropy", "categorical_crossentropy"]


def net(estimator_class=MulticlassDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 4, "learning_rate": 0.05, "epochs": 3, "random_state": 0}
    return estimator_class(**defaults | parameters)


def macro_f1(clf):
    return f1_score(Y, clf.predict(X), average="macro")


def accuracy(clf):
    return clf.score(X, Y)


def top_two(clf):
    return top_k_accuracy_score(Y, clf.predict_proba(X), k=2)


def precision_at_threshold(clf):
    one_hot = Y[:, None] == clf.classes_
    return precision_score(one_hot.ravel(), clf.predict_proba(X).ravel() > 0.35)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("make", "by_hand"),
    [
        (lambda: keras.metrics.F1Score(average="macro", name="m"), macro_f1),
        (lambda: keras.metrics.CategoricalAccuracy(name="m"), accuracy),
        (lambda: keras.metrics.SparseCategoricalAccuracy(name="m"), accuracy),
        (lambda: keras.metrics.TopKCategoricalAccuracy(k=2, name="m"), top_two),
        (lambda: keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="m"), top_two),
        (lambda: keras.metrics.Precision(thresholds=0.35, name="m"), precision_at_threshold),
    ],
    ids=[
        "F1Score",
        "CategoricalAccuracy",
        "SparseCategoricalAccuracy",
        "TopKCategoricalAccuracy",
        "SparseTopKCategoricalAccuracy",
        "Precision",
    ],
)
def test_metric_is_correct_with_either_loss(loss, make, by_hand):
    clf = net(loss=loss, metrics=["accuracy", make()]).fit(X, Y, X_val=X, y_val=Y)
    assert clf.evaluate(X, Y)["m"] == pytest.approx(by_hand(clf), abs=1e-6)
    assert clf.history_.val_m.iloc[-1] == pytest.approx(by_hand(clf), abs=1e-6)
    assert clf.history_.val_accuracy.iloc[-1] == pytest.approx(accuracy(clf), abs=1e-6)


def test_metric_of_images_is_correct():
    clf = net(ShapeConvClassifier, filters=2, metrics=[keras.metrics.F1Score("macro", name="m")])
    assert clf.fit(X, Y).evaluate(X, Y)["m"] == pytest.approx(macro_f1(clf), abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_metrics_do_not_change_training(loss):
    plain = net(loss=loss).fit(X, Y)
    other = net(loss=loss, metrics=["accuracy", "auc", "kl_divergence"]).fit(X, Y)
    np.testing.assert_allclose(other.history_.loss, plain.history_.loss, rtol=1e-6)
    np.testing.assert_allclose(other.predict_proba(X), plain.predict_proba(X), rtol=1e-5)


def test_keras_model_has_loss_required_by_metrics():
    clf = net(metrics=["auc"]).fit(X, Y)
    assert clf.loss == "sparse_categorical_crossentropy"
    assert clf.model_.loss == "categorical_crossentropy"
    one_hot = (Y[:, None] == clf.classes_).astype(np.float32)
    logs = clf.model_.evaluate(X, one_hot, verbose=0, return_dict=True)
    assert logs["auc"] == pytest.approx(clf.evaluate(X, Y)["auc"], abs=1e-6)


def test_sparse_and_one_hot_metrics_together_raise():
    clf = net(metrics=["auc", keras.metrics.SparseCategoricalAccuracy()])
    with pytest.raises(ValueError, match=r"Got sparse_.*_accuracy, .* together with auc, "):
        clf.fit(X, Y)


def test_metrics_of_two_classes():
    names = ["auc", "precision", "recall", "f1_score"]
    metrics = [*names[:3], keras.metrics.F1Score(threshold=0.5, average="macro")]
    clf = net(BinaryDenseClassifier, metrics=metrics).fit(X, Y == "ant")
    logs = clf.evaluate(X, Y == "ant")
    assert set(logs) == {"loss", *names}
    assert logs["f1_score"] == pytest.approx(f1_score(Y == "ant", clf.predict(X)), abs=1e-6)
