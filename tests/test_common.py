"""scikit-learn's own checks, on every public estimator."""

import numpy as np
import sklearn
from own_nets import dense, residual
from packaging.version import Version
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultilabelDenseClassifier,
    NetworkClassifier,
    ShapeConvClassifier,
)

CLASSIFIERS = [
    BinaryDenseClassifier(),
    MulticlassDenseClassifier(),
    ShapeConvClassifier(),
    NetworkClassifier(learning_rate=0.1),
    NetworkClassifier(dense(units=16), learning_rate=0.01),
    NetworkClassifier(residual(units=16), learning_rate=0.01),
]


def wrong_checks(estimator):
    """Checks of scikit-learn before 1.7 that are themselves wrong, with the reason."""
    is_two_class_only = not estimator.__sklearn_tags__().classifier_tags.multi_class
    if not is_two_class_only or Version(sklearn.__version__) >= Version("1.7"):
        return {}
    reason = "makes y binary by comparing it with its first label, which differs between the sets"
    names = ("check_sample_weight_equivalence_on_dense_data",)
    names += ("check_sample_weight_equivalence_on_sparse_data",)
    return dict.fromkeys(names, reason)


@parametrize_with_checks(CLASSIFIERS, expected_failed_checks=wrong_checks)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def body(inputs):
    return dense(units=16, activation="tanh").build(inputs)


def test_scikit_learn_checks_with_function_as_network():
    # Not parametrized: the repr of a function has its address, so parallel workers would disagree
    # about the names of the checks.
    clf = NetworkClassifier(body, loss="categorical_crossentropy", learning_rate=0.05)
    check_estimator(clf)


class IndicatorOf1dY(MultilabelDenseClassifier):
    """Makes an indicator matrix of the 1d y that most of scikit-learn's checks pass."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, indicator_of(y), sample_weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return super().partial_fit(X, indicator_of(y), None, sample_weight)

    def score(self, X, y, sample_weight=None):
        return super().score(X, indicator_of(y), sample_weight)


def indicator_of(y):
    """An indicator matrix of two columns: the first label, and any other label."""
    if y is None or np.asarray(y).ndim != 1 or not len(np.asarray(y)):
        return y
    is_first = np.asarray(y) == np.unique(np.asarray(y))[0]
    return np.column_stack([is_first, ~is_first])


# These compare predictions with a 1d y, or expect errors about a 1d y.
CHECKS_OF_1D_Y = {
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_classifiers_one_label",
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_classifiers_regression_target",
    "check_supervised_y_no_nan",
    "check_supervised_y_2d",
    "check_class_weight_classifiers",
    "check_decision_proba_consistency",
    "check_classifier_not_supporting_multiclass",
}


def expected_failures(estimator):
    reasons = dict.fromkeys(CHECKS_OF_1D_Y, "the check is about a 1d y")
    return reasons | wrong_checks(estimator)


@parametrize_with_checks([IndicatorOf1dY()], expected_failed_checks=expected_failures)
def test_scikit_learn_check_multilabel(estimator, check):
    check(estimator)
