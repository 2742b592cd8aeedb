"""scikit-learn's own checks, on every public estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier

# The checks train on as few as 50 rows: at the optimizers' own learning rate 20 epochs of them are
# too few steps to learn class weights of 1000 to 0.0001 from every initial net.
CLASSIFIERS = [
    BinaryDenseClassifier(learning_rate=0.01),
    MulticlassDenseClassifier(learning_rate=0.01),
    ShapeConvClassifier(learning_rate=0.01),
]


@parametrize_with_checks(CLASSIFIERS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
