"""Unfitted nets, and fits that fail: a net keeps its earlier fit."""

import copy

import keras
import numpy as np
import pytest
from bad_input import X, Y, assert_fails_and_stays_unchanged, fitted_net, new, new_conv
from sklearn.exceptions import NotFittedError

from skclf import MulticlassDenseClassifier


@pytest.mark.parametrize(
    "call",
    [
        lambda clf: clf.predict(X),
        lambda clf: clf.predict_proba(X),
        lambda clf: clf.predict_log_proba(X),
        lambda clf: clf.decision_function(X),
        lambda clf: clf.evaluate(X, Y),
        lambda clf: clf.score(X, Y),
        lambda clf: clf.history_,
        lambda clf: clf.model_,
    ],
)
@pytest.mark.parametrize("make", [new, new_conv, MulticlassDenseClassifier])
def test_methods_of_an_unfitted_net_raise_not_fitted_error(make, call):
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit'"):
        call(make())


class FailAtEpoch2(keras.callbacks.Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise self.error


@pytest.mark.parametrize("error", [RuntimeError("spam"), KeyboardInterrupt("spam")], ids=repr)
@pytest.mark.parametrize("warm_start", [True, False])
def test_a_failed_fit_keeps_the_earlier_fit(error, warm_start):
    fitted = fitted_net()
    estimator = copy.deepcopy(fitted).set_params(
        warm_start=warm_start, epochs=3, callbacks=[FailAtEpoch2(error)]
    )
    # A successful fit would have changed the features and classes.
    other_rows, other_labels = (X, Y) if warm_start else (X[:, :2], Y == "ant")
    assert_fails_and_stays_unchanged(
        estimator, X, lambda clf: clf.fit(other_rows, other_labels), type(error), "spam"
    )
    np.testing.assert_array_equal(estimator.history_, fitted.history_)


@pytest.mark.parametrize("error", [RuntimeError("spam"), KeyboardInterrupt("spam")], ids=repr)
def test_a_failed_first_fit_sets_no_attributes(error):
    estimator = new(callbacks=[FailAtEpoch2(error)]).set_params(epochs=3)
    before = vars(estimator).copy()
    with pytest.raises(type(error), match="spam"):
        estimator.fit(X, Y)
    assert vars(estimator) == before
    estimator.set_params(callbacks=None).fit(X, Y)
    expected = new().set_params(epochs=3).fit(X, Y)
    np.testing.assert_array_equal(estimator.predict_proba(X), expected.predict_proba(X))


def test_training_continues_after_a_failure_as_if_it_had_not_happened():
    fitted = fitted_net()
    estimator, undisturbed = copy.deepcopy(fitted), copy.deepcopy(fitted)
    with pytest.raises(ValueError, match="X contains NaN"):
        estimator.partial_fit(np.full_like(X, np.nan), Y)
    estimator.partial_fit(X, Y)
    undisturbed.partial_fit(X, Y)
    np.testing.assert_array_equal(estimator.predict_proba(X), undisturbed.predict_proba(X))
