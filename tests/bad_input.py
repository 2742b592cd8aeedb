"""Fitted nets, and a check that a call with bad input fails and leaves a net unchanged."""

import functools

import numpy as np
import pytest

from skclf import BinaryDenseClassifier, ShapeConvClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(12, 4).astype(np.float32)
Y = np.array(["ant", "bee"] * 6)
Y3 = np.array(["ant", "bee", "cat"] * 4)
IMAGES = RNG.rand(12, 5, 4).astype(np.float32)


def new(**parameters):
    return BinaryDenseClassifier(2, epochs=1, random_state=0, **parameters)


def new_conv(**parameters):
    defaults = {"filters": 1, "epochs": 1, "random_state": 0}
    return ShapeConvClassifier(2, **{**defaults, **parameters})


@functools.cache
def fitted_net():
    return new(warm_start=True).fit(X, Y)


@functools.cache
def fitted_conv_net():
    return new_conv(warm_start=True).fit(IMAGES, Y)


def attributes_of(estimator):
    return {name: repr(value) for name, value in vars(estimator).items()}


def assert_fails_and_stays_unchanged(estimator, X, call, error, match):
    """The call fails with the message and leaves the estimator unchanged."""
    before, attributes = attributes_of(estimator), vars(estimator).copy()
    predicted = estimator.predict_proba(X)
    with pytest.raises(error, match=match):
        call(estimator)
    assert attributes_of(estimator) == before
    assert all(vars(estimator)[name] is value for name, value in attributes.items())
    np.testing.assert_array_equal(estimator.predict_proba(X), predicted)


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    for row, value in enumerate(rows):
        array[row] = value
    return array
