"""scikit-learn's own checks, on every public estimator."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

CLASSIFIERS = [BinaryDenseClassifier(), MulticlassDenseClassifier(), ShapeConvClassifier()]


@parametrize_with_checks(CLASSIFIERS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
