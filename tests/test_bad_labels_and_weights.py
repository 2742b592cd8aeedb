"""Errors for labels, classes, sample weights and class weights."""

import copy

import numpy as np
import pandas as pd
import pytest
from bad_input import (
    IMAGES,
    Y3,
    X,
    Y,
    assert_fails_and_stays_unchanged,
    fitted_net,
    new,
    new_conv,
    objects,
)
from sklearn.model_selection import cross_val_score

from skclf import MulticlassDenseClassifier

# ------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "requires y to be passed, but the target y is None"),
        (np.zeros(12), ValueError, r"Got 1 class, \[0\.0\]; expected at least 2 classes"),
        (Y3, ValueError, "Only binary.*Got 3 classes; expected 2. Use MulticlassDenseClassifier"),
        (X[:, 0], ValueError, "Unknown label type: continuous"),
        ([*Y[:-1], None], ValueError, r"y contains NaN: the label of row 11 is missing \(None\)"),
        ([0.0, np.nan] * 6, ValueError, "y contains NaN: the label of row 1 is missing"),
        ([0.0, np.inf] * 6, ValueError, "y contains infinity"),
        (np.eye(2)[[0, 1] * 6], ValueError, r"one-hot encoded y.*Pass y\.argmax\(axis=1\)"),
        (pd.get_dummies(Y), ValueError, r"for a DataFrame, pass y\.idxmax\(axis=1\)"),
        (np.ones((12, 2)), ValueError, r"1d array, got an array of shape \(12, 2\)"),
        (np.array(["a", 1] * 6, dtype=object), TypeError, r"type int and str.*y\.astype\(str\)"),
        ("spam", ValueError, "1d array, got an object of type str"),
    ],
    ids=str,
)
def test_bad_labels_are_an_error(y, error, message):
    estimator = new().fit(X, Y)
    assert_fails_and_stays_unchanged(
        estimator, X, lambda clf: clf.fit(X, y), error, f"(?s){message}"
    )


def test_a_single_class_is_an_error():
    for estimator, rows in [(new(), X), (MulticlassDenseClassifier(), X), (new_conv(), IMAGES)]:
        with pytest.raises(
            ValueError, match=r"Got 1 class, \['ant'\]; expected at least 2 classes"
        ):
            estimator.fit(rows, ["ant"] * 12)
        with pytest.raises(
            ValueError, match=r"Got 1 class.*at least 2 classes.*weight 0 are not counted"
        ):
            estimator.fit(rows, Y, sample_weight=Y == "ant")
        assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("method", ["fit", "partial_fit", "evaluate", "y_val"])
def test_labels_outside_the_fitted_classes_are_an_error(method):
    calls = {
        "fit": lambda clf: clf.fit(X, Y3),
        "partial_fit": lambda clf: clf.partial_fit(X, Y3),
        "evaluate": lambda clf: clf.evaluate(X, Y3),
        "y_val": lambda clf: clf.fit(X, Y, X_val=X, y_val=Y3),
    }
    message = "labels that are not among the classes: 'cat'; expected labels among 'ant', 'bee'"
    assert_fails_and_stays_unchanged(fitted_net(), X, calls[method], ValueError, message)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, "classes must be passed on the first call to partial_fit"),
        (["ant"], "at least 2 classes"),
        (["ant", "bee", "cat"], "Only binary classification is supported"),
        (["ant", "cat"], "labels that are not among the classes: 'bee'"),
        ([[0, 1], [1, 0]], "Got one-hot encoded classes"),
        (["ant", None], "classes contains NaN: the label of row 1 is missing"),
    ],
)
def test_bad_classes_of_partial_fit_are_an_error(classes, message):
    estimator = new()
    with pytest.raises(ValueError, match=message):
        estimator.partial_fit(X, Y, classes)
    assert vars(estimator) == vars(new())


def test_other_classes_in_a_later_partial_fit_are_an_error():
    assert_fails_and_stays_unchanged(
        fitted_net(),
        X,
        lambda clf: clf.partial_fit(X, Y, ["ant", "cat"]),
        ValueError,
        "not the same as on last call to partial_fit",
    )


def test_error_of_a_search_ends_with_the_fix_for_one_hot_labels():
    one_hot = np.eye(2)[np.arange(12) % 2]
    with pytest.raises(ValueError, match="All the 3 fits failed") as raised:
        cross_val_score(MulticlassDenseClassifier(epochs=1), X, one_hot, cv=3)
    *_, last = str(raised.value).strip().splitlines()
    assert last.startswith("ValueError: Got one-hot encoded y of shape (8, 2); expected a 1-D")
    assert "Pass y.argmax(axis=1)" in last


def test_binary_crossentropy_with_three_classes_is_an_error():
    message = "Got loss='binary_crossentropy' and 3 classes in y; expected 2 .*loss='auto', which"
    with pytest.raises(ValueError, match=message):
        new_conv(loss="binary_crossentropy").fit(IMAGES, Y3)


# ------------------------------------------------------------------------------------------ weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(12), "Negative values in data passed to `sample_weight`"),
        (np.zeros(12), "must contain at least one non-zero number"),
        (np.full(12, np.nan), "sample_weight contains NaN"),
        (np.full(12, np.inf), "sample_weight contains infinity"),
        (np.ones((12, 2)), "Sample weights must be 1D array or scalar"),
        (["much"] * 12, r"Got text in sample_weight \(.*'much'\); expected numbers"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "evaluate", "sample_weight_val"])
def test_bad_sample_weights_are_an_error(method, weights, message):
    calls = {
        "fit": lambda clf: clf.fit(X, Y, weights),
        "partial_fit": lambda clf: clf.partial_fit(X, Y, sample_weight=weights),
        "evaluate": lambda clf: clf.evaluate(X, Y, weights),
        "sample_weight_val": lambda clf: clf.fit(X, Y, None, X, Y, weights),
    }
    assert_fails_and_stays_unchanged(fitted_net(), X, calls[method], ValueError, message)


@pytest.mark.parametrize("weights", [objects([[1.0]] * 12), [[1], [1, 2]] * 6])
def test_nested_sample_weights_are_an_error(weights):
    with pytest.raises(
        ValueError, match=r"Got sample_weight with nested sequences.*np\.concatenate"
    ):
        new().fit(X, Y, weights)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"cow": 2},
            "not among the classes: 'cow'; expected labels among 'ant', 'bee'",
        ),
        ({0: 1, 1: 2}, "class_weight with labels that are not among the classes: 0, 1"),
        ({"ant": -1}, "{'ant': -1}; expected finite and non-negative weights"),
        ({"ant": "much"}, "expected finite and non-negative weights"),
        ({"ant": 0, "bee": 0}, "a weight above 0 for at least one class in y"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_class_weights_are_an_error(method, class_weight, message):
    estimator = copy.deepcopy(fitted_net()).set_params(class_weight=class_weight)
    assert_fails_and_stays_unchanged(
        estimator, X, lambda clf: getattr(clf, method)(X, Y), ValueError, message
    )


def test_balanced_class_weights_in_partial_fit_are_an_error():
    estimator = copy.deepcopy(fitted_net()).set_params(class_weight="balanced")
    message = "'balanced' is not supported by partial_fit.*Pass a dict"
    assert_fails_and_stays_unchanged(
        estimator, X, lambda clf: clf.partial_fit(X, Y), ValueError, message
    )
