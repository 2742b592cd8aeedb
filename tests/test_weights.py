"""sample_weight and class_weight: 2 equals repeating a row, and 0 equals removing it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import log_loss

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.3, 0.6])]
REPEATS = RNG.randint(0, 4, 30)
CLASS_WEIGHTS = [None, "balanced", {"ant": 0.5, "bee": 3}]
FULL_BATCH = 1000


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 3, "epochs": 3, "random_state": 0, "learning_rate": 0.01}
    return estimator_class(**defaults | parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, image_shape=(2, 2), **parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


def assert_same_net(first, second):
    """Weights and predictions are bitwise equal."""
    for weights, others in zip(
        first.model_.get_weights(), second.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, others)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def assert_nearly_same_net(first, second):
    np.testing.assert_allclose(first.predict_proba(X), second.predict_proba(X), atol=1e-6)


def assert_other_net(first, second):
    assert np.abs(first.predict_proba(X) - second.predict_proba(X)).max() > 1e-4


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS, ids=str)
@pytest.mark.parametrize(("make", "y"), [(net, Y), (multiclass, Y3), (conv, Y)])
def test_sample_weight_equals_repetition(make, y, class_weight):
    weighted, repeated = (make(batch_size=FULL_BATCH, class_weight=class_weight) for _ in range(2))
    weighted.fit(X, y, REPEATS)
    repeated.fit(X.repeat(REPEATS, axis=0), y.repeat(REPEATS))
    assert_same_net(weighted, repeated)
    np.testing.assert_allclose(weighted.history_, repeated.history_, rtol=1e-6)
    assert_other_net(weighted, make(batch_size=FULL_BATCH, class_weight=class_weight).fit(X, y))


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS[:2], ids=str)
def test_sample_weight_equals_repetition_of_sparse_rows(class_weight):
    rows = sparse.csr_array(X * (X > 0.3))
    weighted, repeated = (net(batch_size=FULL_BATCH, class_weight=class_weight) for _ in range(2))
    weighted.fit(rows, Y, REPEATS)
    repeated.fit(rows[np.arange(30).repeat(REPEATS)], Y.repeat(REPEATS))
    assert_same_net(weighted, repeated)


def test_sample_weight_equals_repetition_with_one_hot_targets():
    weighted, repeated = (
        multiclass(batch_size=FULL_BATCH, loss="categorical_crossentropy", class_weight="balanced")
        for _ in range(2)
    )
    weighted.fit(X, Y3, REPEATS)
    repeated.fit(X.repeat(REPEATS, axis=0), Y3.repeat(REPEATS))
    assert_same_net(weighted, repeated)


def test_full_batch_does_not_depend_on_order_of_rows():
    order = np.random.RandomState(1).permutation(30)
    first, second = (net(batch_size=FULL_BATCH) for _ in range(2))
    assert_same_net(first.fit(X, Y, REPEATS), second.fit(X[order], Y[order], REPEATS[order]))


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS, ids=str)
@pytest.mark.parametrize("batch_size", [4, FULL_BATCH])
def test_weight_of_zero_equals_removal(batch_size, class_weight):
    kept = REPEATS > 0
    with_it, without = (net(batch_size=batch_size, class_weight=class_weight) for _ in range(2))
    with_it.fit(X, Y, REPEATS)
    without.fit(X[kept], Y[kept], REPEATS[kept])
    assert_same_net(with_it, without)
    np.testing.assert_array_equal(with_it.history_, without.history_)


def test_class_with_only_zero_weights_is_dropped():
    clf = multiclass(epochs=1).fit(X, Y3, Y3 != "bee")
    assert clf.classes_.tolist() == ["ant", "cat"]


def test_rows_of_weight_zero_are_removed_from_validation():
    kept = REPEATS > 0
    with_them = net(validation_split=0.3).fit(X, Y, REPEATS)
    without = net(validation_split=0.3).fit(X[kept], Y[kept], REPEATS[kept])
    np.testing.assert_array_equal(with_them.history_, without.history_)
    with_them = net().fit(X, Y, None, X, Y, REPEATS)
    without = net().fit(X, Y, None, X[kept], Y[kept], REPEATS[kept])
    np.testing.assert_array_equal(with_them.history_, without.history_)


@pytest.mark.parametrize("weights", [np.ones(30), np.full(30, 7), 3.0])
@pytest.mark.parametrize("batch_size", [8, FULL_BATCH])
def test_equal_weights_equal_no_weights(weights, batch_size):
    first = net(batch_size=batch_size).fit(X, Y, weights)
    assert_nearly_same_net(first, net(batch_size=batch_size).fit(X, Y))


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS[1:], ids=str)
def test_scale_of_weights_does_not_matter(class_weight):
    scaled = {"ant": 5, "bee": 30} if isinstance(class_weight, dict) else class_weight
    first = net(class_weight=class_weight).fit(X, Y, REPEATS)
    assert_nearly_same_net(first, net(class_weight=scaled).fit(X, Y, REPEATS * 100))


@pytest.mark.parametrize("batch_size", [7, FULL_BATCH])
def test_class_weight_equals_sample_weight(batch_size):
    by_class = net(batch_size=batch_size, class_weight={"bee": 3}).fit(X, Y)
    by_row = net(batch_size=batch_size).fit(X, Y, np.where(Y == "bee", 3, 1))
    assert_nearly_same_net(by_class, by_row)
    assert_other_net(by_class, net(batch_size=batch_size).fit(X, Y))


def test_balanced_weights_equal_formula():
    counts = {label: np.count_nonzero(label == Y3) for label in np.unique(Y3)}
    by_hand = {label: 30 / (3 * count) for label, count in counts.items()}
    balanced = multiclass(class_weight="balanced").fit(X, Y3)
    assert_nearly_same_net(balanced, multiclass(class_weight=by_hand).fit(X, Y3))


def test_balanced_weights_use_only_training_rows():
    # The validation rows are all of one class, which must not change the weights.
    bees = Y == "bee"
    some = net(class_weight="balanced").fit(X, Y, X_val=X[bees], y_val=Y[bees])
    assert_same_net(some, net(class_weight="balanced").fit(X, Y))


@pytest.mark.parametrize(
    "labels",
    [np.array([0, 1]), np.array([False, True]), np.array([-1.0, 1])],
    ids=["integers", "booleans", "floats"],
)
def test_class_weight_of_labels_that_are_not_strings(labels):
    y = labels[(Y == "bee").astype(int)]
    clf = net(class_weight={labels[1].item(): 3}).fit(X, y)
    assert_same_net(clf, net(class_weight={"bee": 3}).fit(X, Y))
    assert_same_net(clf, net(class_weight={labels[1]: 3}).fit(X, y))


def test_class_of_weight_zero_is_not_learned():
    clf = net(class_weight={"bee": 0}, epochs=40, learning_rate=0.1).fit(X, Y)
    assert clf.classes_.tolist() == ["ant", "bee"]
    assert set(clf.predict(X)) == {"ant"}


def test_class_weight_only_affects_training_loss():
    clf = net(class_weight={"bee": 5}, validation_split=0.3, epochs=1).fit(X, Y)
    evaluated = clf.evaluate(X, Y)
    np.testing.assert_allclose(evaluated["loss"], log_loss(Y, clf.predict_proba(X)), rtol=1e-5)
    plain = net(class_weight={"bee": 5}).fit(X, Y, X_val=X, y_val=Y)
    np.testing.assert_allclose(
        plain.history_["val_loss"].iloc[-1], log_loss(Y, plain.predict_proba(X)), rtol=1e-5
    )


def test_metrics_use_sample_weight():
    # With a tiny learning rate, the values of the first epoch are those of the fitted net.
    barely_trained = {
        "learning_rate": 1e-30,
        "epochs": 1,
        "activation": "tanh",
        "batch_size": FULL_BATCH,
    }
    clf = net(class_weight={"bee": 5}, **barely_trained).fit(X, Y, REPEATS)
    accuracy = clf.score(X, Y, REPEATS)
    np.testing.assert_allclose(clf.history_["accuracy"].iloc[0], accuracy, rtol=1e-6)
    loss = log_loss(Y, clf.predict_proba(X), sample_weight=REPEATS * np.where(Y == "bee", 5, 1))
    np.testing.assert_allclose(clf.history_["loss"].iloc[0], loss, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [7, FULL_BATCH])
def test_sample_weight_val(batch_size):
    clf = net(batch_size=batch_size).fit(X, Y, None, X, Y, REPEATS)
    found = clf.history_.iloc[-1]
    loss = log_loss(Y, clf.predict_proba(X), sample_weight=REPEATS)
    np.testing.assert_allclose(found["val_loss"], loss, rtol=1e-5)
    np.testing.assert_allclose(found["val_accuracy"], clf.score(X, Y, REPEATS), rtol=1e-6)
    assert_same_net(clf, net(batch_size=batch_size).fit(X, Y))


def test_partial_fit_does_not_scale_weights():
    def step(weights=None, **parameters):
        clf = net(batch_size=FULL_BATCH, optimizer="sgd", **parameters)
        return clf.partial_fit(X, Y, ["ant", "bee"], sample_weight=weights)

    assert_nearly_same_net(step(np.full(30, 3.0)), step(learning_rate=0.03))
    assert_nearly_same_net(step(class_weight={"ant": 3, "bee": 3}), step(learning_rate=0.03))
    assert_same_net(step(np.ones(30)), step())
    kept = REPEATS > 0
    clf = net(batch_size=FULL_BATCH, optimizer="sgd")
    clf.partial_fit(X[kept], Y[kept], ["ant", "bee"], sample_weight=REPEATS[kept])
    assert_same_net(step(REPEATS), clf)


def test_warm_start_with_fewer_classes():
    clf = multiclass(
        class_weight="balanced", warm_start=True, loss="categorical_crossentropy", epochs=1
    ).fit(X, Y3)
    kept = Y3 != "bee"
    proba = clf.fit(X[kept], Y3[kept]).predict_proba(X)
    assert np.isfinite(proba).all()
    assert np.isfinite(clf.history_).all().all()
