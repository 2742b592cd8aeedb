"""keep_epochs and staged_predict_proba: the predictions after each epoch of one fit."""

import pickle

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(60, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.6).astype(int)]
Y3 = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0], [0.2, 0.6])]


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": 3,
        "learning_rate": 0.05,
        "epochs": 4,
        "keep_epochs": True,
        "random_state": 0,
    }
    return estimator_class(**defaults | parameters)


def stages(clf, rows=X):
    return list(clf.staged_predict_proba(rows))


@pytest.mark.parametrize(
    ("estimator_class", "y", "options"),
    [
        (BinaryDenseClassifier, Y, {"dropout": 0.3}),
        (BinaryDenseClassifier, Y, {"activation": "mish"}),  # only Keras computes it
        (MulticlassDenseClassifier, Y3, {}),
        (ShapeConvClassifier, Y3, {"filters": 2}),
    ],
)
def test_stage_equals_fit_with_as_many_epochs(estimator_class, y, options):
    found = stages(net(estimator_class, **options).fit(X, y))
    assert len(found) == 4
    for epochs, probabilities in enumerate(found, 1):
        shorter = net(estimator_class, epochs=epochs, keep_epochs=False, **options).fit(X, y)
        np.testing.assert_array_equal(probabilities, shorter.predict_proba(X))


def test_stages_of_sparse_rows():
    rows = sparse.csr_array(X)
    clf = net().fit(rows, Y)
    np.testing.assert_array_equal(stages(clf, rows)[-1], clf.predict_proba(rows))


def test_keep_epochs_does_not_change_fit():
    kept, plain = net().fit(X, Y), net(keep_epochs=False).fit(X, Y)
    np.testing.assert_array_equal(kept.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("callbacks", [None, "early stopping of Keras"])
def test_stages_end_with_restored_epoch(callbacks):
    wrong = np.where(Y == "ant", "bee", "ant")
    options = {"patience": 2}
    if callbacks:
        stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        options = {"callbacks": [stop]}
    clf = net(epochs=20, learning_rate=0.02, **options).fit(X, Y, X_val=X, y_val=wrong)
    assert clf.n_epochs_ < len(clf.history_)
    assert len(stages(clf)) == clf.n_epochs_
    np.testing.assert_array_equal(stages(clf)[-1], clf.predict_proba(X))


def test_stages_of_refit():
    clf = net(validation_split=0.3, refit_epoch="val_loss", learning_rate=0.3).fit(X, Y)
    found = stages(clf)
    assert len(found) == clf.best_epoch_
    first = net(epochs=1, learning_rate=0.3).fit(X, Y)
    np.testing.assert_array_equal(found[0], first.predict_proba(X))
    np.testing.assert_array_equal(found[-1], clf.predict_proba(X))


def test_stages_continue_with_training():
    clf = net(warm_start=True, epochs=2).fit(X, Y)
    earlier = stages(clf)
    found = stages(clf.fit(X, Y))
    assert len(found) == 4
    np.testing.assert_array_equal(found[:2], earlier)
    assert len(stages(clf.partial_fit(X, Y))) == 5
    assert len(stages(clf.set_params(warm_start=False).fit(X, Y))) == 2


def test_stages_survive_pickling():
    clf = net().fit(X, Y)
    np.testing.assert_array_equal(stages(pickle.loads(pickle.dumps(clf))), stages(clf))


def test_stages_without_keep_epochs_raise():
    clf = net(keep_epochs=False).fit(X, Y)
    with pytest.raises(ValueError, match="Set keep_epochs=True before fit"):
        clf.staged_predict_proba(X)
    clf.set_params(keep_epochs=True)
    with pytest.raises(ValueError, match="Set keep_epochs=True before fit"):
        clf.staged_predict_proba(X)


def test_stages_of_unfitted_classifier_raise():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        net().staged_predict_proba(X)


def test_stages_of_invalid_rows_raise_immediately():
    with pytest.raises(ValueError, match="3 features"):
        net().fit(X, Y).staged_predict_proba(X[:, :3])


@pytest.mark.parametrize("value", [1, "yes", None])
def test_keep_epochs_must_be_boolean(value):
    with pytest.raises(ValueError, match="The 'keep_epochs' parameter"):
        net(keep_epochs=value).fit(X, Y)
