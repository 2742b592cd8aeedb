"""Predictions of the dense classifiers, evaluate, and model_."""

import keras
import numpy as np
import pandas as pd
import pytest
from dense_nets import CODES, CODES3, NAMES3, X, binary, fitted_net, multiclass
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss


@pytest.fixture(params=["two", "three", "softmax_of_two"])
def fitted(request):
    return fitted_net(request.param)


# -------------------------------------------------------------------------------------- predictions


def test_predictions_agree_with_each_other(fitted):
    rows = np.random.RandomState(1).normal(size=(300, 4)) * 4
    proba, decision = fitted.predict_proba(rows), fitted.decision_function(rows)
    predicted = fitted.predict(rows)
    assert proba.dtype == decision.dtype == np.float64
    assert proba.shape == (300, len(fitted.classes_))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    # Where the probabilities differ by a rounding error, either class may be predicted.
    clear = np.ptp(proba, axis=1) > 1e-12
    np.testing.assert_array_equal(predicted[clear], fitted.classes_[proba.argmax(axis=1)][clear])
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(rows)), proba, rtol=1e-12)
    if len(fitted.classes_) == 2:
        assert decision.shape == (300,)
        assert ((decision > 0) & (decision < 0.5)).any()
        assert ((decision < 0) & (decision > -0.5)).any()
        np.testing.assert_array_equal(predicted == fitted.classes_[1], decision > 0)
        np.testing.assert_allclose(np.log(proba[:, 1] / proba[:, 0]), decision, atol=1e-9)
    else:
        assert decision.shape == (300, 3)
        odds = np.exp(decision - decision.max(axis=1, keepdims=True))
        np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), proba, rtol=1e-12)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array, pd.DataFrame, np.ndarray.tolist])
def test_a_single_row_is_predicted_as_among_many(fitted, as_rows):
    n_classes = len(fitted.classes_)
    for i in range(3):
        row = as_rows(X[i : i + 1])
        assert fitted.predict(row).tolist() == [fitted.predict(X)[i]]
        assert fitted.predict_proba(row).shape == (1, n_classes)
        assert fitted.predict_log_proba(row).shape == (1, n_classes)
        assert fitted.decision_function(row).shape == ((1,) if n_classes == 2 else (1, 3))
        np.testing.assert_allclose(
            fitted.predict_proba(row)[0], fitted.predict_proba(X)[i], rtol=1e-12
        )


def test_probabilities_of_extreme_rows_are_finite(fitted):
    far = X * 1e6
    proba, log_proba = fitted.predict_proba(far), fitted.predict_log_proba(far)
    assert np.isfinite(proba).all()
    assert np.isfinite(log_proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert log_proba.min() < -700  # where the probability itself is 0


PREDICTIONS = ["decision_function", "predict", "predict_proba", "predict_log_proba"]


@pytest.mark.parametrize("scale", [1e6, 1e30, 1e300])
@pytest.mark.parametrize("activation", ["relu", "softplus", "squareplus", "softmax"])
@pytest.mark.parametrize("make", [binary, multiclass])
def test_extreme_rows_are_predicted_where_numpy_raises(make, activation, scale):
    # Terms of these activations, and of the softmax of three classes, over- or underflow there.
    y = CODES if make is binary else CODES3
    clf = make(activation=activation, epochs=1, keep_epochs=True).fit(X, y)
    far = (X - 2.5) * scale
    expected = [getattr(clf, name)(far) for name in PREDICTIONS]
    with np.errstate(all="raise"):
        found = [getattr(clf, name)(far) for name in PREDICTIONS]
        staged = list(clf.staged_predict_proba(far))
    for values, at_numpys_defaults in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, at_numpys_defaults)
    np.testing.assert_array_equal(staged[-1], found[2])
    assert np.isfinite(staged[-1]).all()


def test_nan_logits_are_an_error_where_numpy_raises():
    clf = clone(fitted_net("two")).fit(X, CODES)
    clf._weights[-2][:] = np.array([[np.inf], [-np.inf], [1.0]])
    clf._weights[0][:] = 1.0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="invalid value"):
        clf.predict_proba(X + 1)


def test_predictions_do_not_depend_on_the_number_of_rows(fitted):
    many = np.tile(X, (250, 1))
    np.testing.assert_allclose(
        fitted.decision_function(many), np.tile(fitted.decision_function(X).T, 250).T, rtol=1e-9
    )


# ----------------------------------------------------------------------------------------- evaluate


def test_evaluate_matches_keras_and_scikit_learn(fitted):
    y = fitted.classes_[CODES3] if len(fitted.classes_) == 3 else CODES
    codes = np.searchsorted(fitted.classes_, y)
    found = fitted.evaluate(X, y)
    assert list(found) == ["loss", "accuracy"]
    assert all(type(value) is float for value in found.values())
    by_keras = fitted.model_.evaluate(X, codes[:, None], verbose=0, return_dict=True)
    np.testing.assert_allclose(found["loss"], by_keras["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], by_keras["accuracy"], rtol=1e-6)
    np.testing.assert_allclose(found["loss"], log_loss(y, fitted.predict_proba(X)), rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], fitted.score(X, y), rtol=1e-6)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
@pytest.mark.parametrize("batch_size", [7, 100])
def test_weights_in_evaluate_equal_repeated_rows(as_rows, batch_size):
    clf, y = copy_of(fitted_net("three")).set_params(batch_size=batch_size), NAMES3[CODES3]
    weights = np.random.RandomState(1).randint(0, 4, 40)
    found = clf.evaluate(as_rows(X), y, weights)
    loss = log_loss(y, clf.predict_proba(X), sample_weight=weights)
    np.testing.assert_allclose(found["loss"], loss, rtol=1e-5)
    score = accuracy_score(y, clf.predict(X), sample_weight=weights)
    np.testing.assert_allclose(found["accuracy"], score, rtol=1e-6)
    assert clf.score(X, y, weights) == score
    repeated = clf.evaluate(as_rows(X.repeat(weights, axis=0)), y.repeat(weights))
    np.testing.assert_allclose(list(found.values()), list(repeated.values()), rtol=1e-5)


def copy_of(estimator):
    copied = clone(estimator)
    vars(copied).update(vars(estimator))
    return copied


def test_evaluate_accepts_rows_of_a_single_class():
    three = fitted_net("three")
    y = NAMES3[CODES3]
    kept = y == "bee"
    loss = -np.log(three.predict_proba(X[kept])[:, 1]).mean()
    np.testing.assert_allclose(three.evaluate(X[kept], y[kept])["loss"], loss, rtol=1e-5)


# ------------------------------------------------------------------------------------------- model_


def test_model_is_a_compiled_keras_model(fitted):
    model, y = fitted.model_, CODES3 if len(fitted.classes_) == 3 else CODES
    assert isinstance(model, keras.Model)
    assert type(model).__module__.startswith("keras.")
    assert model.compiled
    outputs = model.predict(X, verbose=0)
    wanted = fitted.predict_proba(X)
    np.testing.assert_allclose(
        outputs, wanted[:, 1:] if outputs.shape[1] == 1 else wanted, atol=1e-6
    )
    before = fitted.predict_proba(X)
    history = model.fit(X, y[:, None], epochs=2, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert not np.allclose(model.predict(X, verbose=0), outputs)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert fitted.model_ is not model


def test_model_accepts_sparse_rows():
    rows = sparse.csr_array(X)
    clf = binary().fit(rows, CODES)
    outputs = clf.model_.predict(rows, verbose=0)
    np.testing.assert_allclose(outputs[:, 0], clf.predict_proba(X)[:, 1], atol=1e-6)
    logs = clf.model_.evaluate(rows, CODES[:, None], verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], clf.evaluate(rows, CODES)["loss"], rtol=1e-5)


def test_model_can_be_saved_by_keras(tmp_path):
    two = fitted_net("two")
    two.model_.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(
        loaded.predict(X, verbose=0)[:, 0], two.predict_proba(X)[:, 1], atol=1e-6
    )
