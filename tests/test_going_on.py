"""warm_start and partial_fit: training continues exactly where it stopped."""

import copy
import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from packaging.version import Version
from scipy import sparse
from sklearn.base import clone

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultiHotVectorizer,
    ShapeConvClassifier,
)

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.2, 0.6])]
LABELS = ["ant", "bee"]


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": 3,
        "activation": "tanh",
        "dropout": 0.3,
        "learning_rate": 0.02,
        "batch_size": 8,
        "random_state": 0,
        "epochs": 2,
    }
    return estimator_class(**defaults | parameters)


def multiclass(**parameters):
    return net(MulticlassDenseClassifier, **parameters)


def conv(**parameters):
    return net(ShapeConvClassifier, filters=2, **parameters)


def assert_same_net(first, second):
    for weights, others in zip(
        first.model_.get_weights(), second.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, others)


def assert_same_fit(first, second):
    assert_same_net(first, second)
    pd.testing.assert_frame_equal(first.history_, second.history_)
    assert first.n_epochs_ == second.n_epochs_
    assert first.best_epoch_ == second.best_epoch_


def unchanged(estimator):
    return estimator


def pickled(estimator):
    return pickle.loads(pickle.dumps(estimator))


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=3, decay_rate=0.7)
OPTIMIZERS = {
    "rmsprop": {"optimizer": "rmsprop"},
    "adam": {"optimizer": "adam"},
    "momentum": {"optimizer": keras.optimizers.SGD(momentum=0.9)},
    "schedule": {"learning_rate": SCHEDULE},
}


# ------------------------------------------------------------------------------------ warm_start


@pytest.mark.parametrize("between", [unchanged, pickled, copy.deepcopy])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_warm_start_equals_single_fit(between, optimizer):
    clf = net(warm_start=True, **OPTIMIZERS[optimizer]).fit(X, Y)
    assert clf.n_epochs_ == 2
    clf = between(clf).fit(X, Y)
    assert clf.n_epochs_ == 4
    assert clf.history_.index.tolist() == [1, 2, 3, 4]
    assert_same_fit(clf, net(epochs=4, **OPTIMIZERS[optimizer]).fit(X, Y))


@pytest.mark.parametrize(
    "name",
    [
        "adadelta",
        "adafactor",
        "adagrad",
        "adamax",
        "adamw",
        "ftrl",
        "lamb",
        "lion",
        "nadam",
        pytest.param(
            "muon",
            marks=pytest.mark.skipif(
                Version(keras.__version__) < Version("3.13"), reason="can't train in this Keras"
            ),
        ),
    ],
)
def test_warm_start_equals_single_fit_for_all_optimizers(name):
    clf = net(optimizer=name, warm_start=True, epochs=1).fit(X, Y)
    assert_same_fit(pickled(clf).fit(X, Y), net(optimizer=name).fit(X, Y))


@pytest.mark.parametrize("make", [multiclass, conv])
@pytest.mark.parametrize("batch_size", [8, 100])
def test_warm_start_equals_single_fit_for_all_classifiers(make, batch_size):
    y = Y3 if make is multiclass else Y
    clf = make(warm_start=True, batch_size=batch_size)
    clf.fit(X, y).set_params(epochs=1).fit(X, y)
    assert_same_fit(clf, make(epochs=3, batch_size=batch_size).fit(X, y))


def test_warm_start_equals_single_fit_with_weights_and_sparse_rows():
    rows, weights = sparse.csr_array(X), np.random.RandomState(1).randint(1, 4, 30)
    clf = net(warm_start=True, class_weight="balanced")
    clf.fit(rows, Y, weights).fit(rows, Y, weights)
    assert_same_fit(clf, net(epochs=4, class_weight="balanced").fit(rows, Y, weights))


def test_warm_start_equals_single_fit_with_validation_rows():
    clf = net(warm_start=True, validation_split=0.3).fit(X, Y)
    clf.fit(X, Y)
    assert_same_fit(clf, net(epochs=4, validation_split=0.3).fit(X, Y))


def test_cold_fit_starts_over():
    clf = net().fit(X, Y)
    first = copy.deepcopy(clf)
    assert_same_fit(clf.fit(X, Y), first)
    clf.fit(X[:, :2], Y == "ant")
    assert clf.n_features_in_ == 2
    assert clf.classes_.tolist() == [False, True]


def test_warm_start_continues_cold_fit():
    clf = net(epochs=20).fit(X, Y)
    before = clf.history_["loss"].iloc[-1]
    clf.set_params(warm_start=True, epochs=1, dropout=0.0).fit(X, Y)
    assert clf.n_epochs_ == 21
    assert clf.history_["loss"].iloc[-1] < before * 1.2


def test_warm_start_draws_once_from_random_state_instance():
    clf = net(warm_start=True, random_state=np.random.RandomState(0))
    assert_same_fit(clf.fit(X, Y).fit(X, Y), net(epochs=4).fit(X, Y))


def test_warm_start_uses_new_learning_rate():
    clf = net(warm_start=True, batch_size=100, dropout=0.0, optimizer="sgd").fit(X, Y)
    before = clf.model_.get_weights()
    clf.set_params(learning_rate=1e-30).fit(X, Y)
    for weights, others in zip(before, clf.model_.get_weights(), strict=True):
        np.testing.assert_allclose(weights, others, atol=1e-7)
    clf.set_params(learning_rate=1.0).fit(X, Y)
    assert not np.allclose(before[0], clf.model_.get_weights()[0], atol=1e-3)


def test_warm_start_with_new_optimizer_keeps_weights():
    clf = net(warm_start=True).fit(X, Y)
    before = clf.model_.get_weights()
    clf.set_params(optimizer="adam", learning_rate=1e-30).fit(X, Y)
    for weights, others in zip(before, clf.model_.get_weights(), strict=True):
        np.testing.assert_allclose(weights, others, atol=1e-7)
    assert clf.n_epochs_ == 4


def test_warm_start_after_patience():
    # Patience restores the weights of the first epoch; the warm start repeats the later epochs.
    wrong = np.where(Y == "ant", "bee", "ant")
    clf = net(warm_start=True, epochs=10, patience=2, dropout=0.0).fit(X, Y, X_val=X, y_val=wrong)
    assert (clf.n_epochs_, len(clf.history_)) == (1, 3)
    clf.set_params(patience=None, epochs=2).fit(X, Y)
    assert_same_net(clf, net(epochs=3, dropout=0.0).fit(X, Y))
    assert clf.n_epochs_ == 3
    assert clf.history_.index.tolist() == [1, 2, 3]


def test_history_keeps_columns_missing_in_later_epochs():
    clf = net(warm_start=True).fit(X, Y, X_val=X, y_val=Y).fit(X, Y)
    history = clf.history_
    assert history.columns.tolist() == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.val_loss.isna().tolist() == [False, False, True, True]
    clf.fit(X, Y, X_val=X, y_val=Y)
    assert clf.history_.val_loss.isna().tolist() == [False, False, True, True, False, False]
    assert clf.best_epoch_ == clf.history_.val_loss.idxmin()


# ----------------------------------------------------------------------------------- partial_fit


@pytest.mark.parametrize("between", [unchanged, pickled])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_partial_fit_calls_equal_epochs(between, optimizer):
    clf = net(**OPTIMIZERS[optimizer]).partial_fit(X, Y, LABELS)
    assert (clf.n_epochs_, clf.best_epoch_, len(clf.history_)) == (1, 1, 1)
    for _ in range(3):
        clf = between(clf).partial_fit(X, Y)
    assert_same_fit(clf, net(epochs=4, **OPTIMIZERS[optimizer]).fit(X, Y))


@pytest.mark.parametrize("make", [multiclass, conv])
def test_partial_fit_calls_equal_epochs_for_all_classifiers(make):
    y = Y3 if make is multiclass else Y
    clf = make().partial_fit(X, y, np.unique(y)).partial_fit(X, y)
    assert_same_fit(clf, make(epochs=2).fit(X, y))


def test_partial_fit_chunks_equal_gradient_steps():
    # Ten chunks of 3 rows, one batch each, are ten steps of plain gradient descent.
    clf = net(optimizer="sgd", dropout=0.0, batch_size=30)
    start = clone(clf).set_params(learning_rate=1e-30).partial_fit(X, Y, LABELS)
    model = start.set_params(learning_rate=0.02).model_
    for at in range(0, 30, 3):
        clf.partial_fit(X[at : at + 3], Y[at : at + 3], LABELS)
        model.train_on_batch(X[at : at + 3], (Y[at : at + 3] == "bee")[:, None])
    assert clf.n_epochs_ == 10
    for weights, others in zip(clf.model_.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(weights, others, atol=1e-6)


@pytest.mark.parametrize("between", [unchanged, pickled])
def test_partial_fit_continues_after_pickling(between):
    clf, expected = net(), net()
    for at in range(0, 30, 10):
        chunk = slice(at, at + 10)
        clf = between(clf).partial_fit(X[chunk], Y[chunk], LABELS)
        expected.partial_fit(X[chunk], Y[chunk], LABELS)
    assert_same_fit(clf, expected)


@pytest.mark.parametrize(
    "classes",
    [["ant", "bee", "cat"], ["cat", "ant", "bee"], np.array(["cat", "ant", "bee"], object)],
    ids=["sorted", "unsorted", "object array"],
)
def test_partial_fit_classes_missing_in_chunk(classes):
    clf = multiclass().partial_fit(X[Y3 == "bee"], Y3[Y3 == "bee"], classes)
    assert clf.classes_.tolist() == ["ant", "bee", "cat"]
    assert clf.predict_proba(X).shape == (30, 3)
    clf.partial_fit(X, Y3)
    clf.partial_fit(X, Y3, classes)


def test_partial_fit_many_classes_no_warning(recwarn):
    clf = multiclass().partial_fit(X, np.arange(30) // 10, np.arange(46))
    assert clf.predict_proba(X).shape == (30, 46)
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (Y == "ant", [False, True]),
        ((Y == "ant").astype(int), [1, 0]),
        (pd.Series(Y, dtype="category"), pd.Series(LABELS, dtype="category")),
        (pd.Series(Y == "ant", dtype="boolean"), [True, False]),
    ],
    ids=["booleans", "unsorted integers", "categories", "nullable booleans"],
)
def test_partial_fit_classes_of_any_type(y, classes):
    clf = net().partial_fit(X, y, classes)
    assert clf.classes_.tolist() == sorted(set(y))
    assert set(clf.predict(X)) <= set(y)


def test_partial_fit_continues_fit():
    clf = net(epochs=20).fit(X, Y)
    loss = clf.history_["loss"].iloc[-1]
    clf.partial_fit(X, Y)
    assert clf.n_epochs_ == 21
    assert clf.history_["loss"].iloc[-1] < loss * 1.5
    warm = net(warm_start=True).fit(X, Y).partial_fit(X, Y)
    assert_same_fit(warm, net(epochs=3).fit(X, Y))


def test_fit_after_partial_fit_starts_over():
    clf = net().partial_fit(X, Y, LABELS).fit(X, Y)
    assert_same_fit(clf, net().fit(X, Y))


def test_partial_fit_ignores_epochs_and_validation():
    clf = net(epochs=7, validation_split=0.3, patience=2, refit_epoch="val_loss")
    clf.partial_fit(X, Y, LABELS)
    assert clf.n_epochs_ == 1
    assert clf.history_.columns.tolist() == ["loss", "accuracy"]
    assert_same_net(clf, net(epochs=1).fit(X, Y))


def test_partial_fit_after_refit():
    clf = net(validation_split=0.3, refit_epoch="val_loss").fit(X, Y)
    before = clf.n_epochs_
    clf.partial_fit(X, Y)
    assert clf.n_epochs_ == before + 1 == len(clf.history_)


def test_partial_fit_keeps_feature_names_of_first_call():
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = net().partial_fit(frame, Y, LABELS).partial_fit(frame, Y)
    assert clf.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        clf.partial_fit(frame[list("dcba")], Y)


def test_partial_fit_on_stream_of_texts():
    random = np.random.RandomState(1)
    words = [random.randint(0, 50, 12).tolist() for _ in range(200)]
    y = np.array([7 in ids or 9 in ids for ids in words])
    vectorizer = MultiHotVectorizer(num_words=50)
    clf = net(learning_rate=0.05, dropout=0.0)
    for _ in range(15):
        for at in range(0, 200, 50):
            rows = vectorizer.transform(words[at : at + 50])
            clf.partial_fit(rows, y[at : at + 50], [False, True])
    assert clf.score(vectorizer.transform(words), y) > 0.95
