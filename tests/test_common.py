"""scikit-learn's own checks, on every public estimator."""

import sklearn
from packaging.version import Version
from sklearn.utils.estimator_checks import parametrize_with_checks

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

CLASSIFIERS = [BinaryDenseClassifier(), MulticlassDenseClassifier(), ShapeConvClassifier()]


def wrong_checks(estimator):
    """Checks that are themselves wrong, with the reason: none since scikit-learn 1.7."""
    is_two_class_only = not estimator.__sklearn_tags__().classifier_tags.multi_class
    if not is_two_class_only or Version(sklearn.__version__) >= Version("1.7"):
        return {}
    reason = "the two label sets are made two-class by their first rows, which differ"
    names = ("check_sample_weight_equivalence_on_dense_data",)
    names += ("check_sample_weight_equivalence_on_sparse_data",)
    return dict.fromkeys(names, reason)


@parametrize_with_checks(CLASSIFIERS, expected_failed_checks=wrong_checks)
def test_scikit_learn_check(estimator, check):
    check(estimator)
