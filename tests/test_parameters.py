"""Constructors, subclasses, and parameters of any numeric type: NumPy, fractions, booleans."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultilabelDenseClassifier,
    ShapeConvClassifier,
)
from skclf._dense import DenseClassifier
from skclf.datasets import make_shapes
from skclf.nets import REGULARIZERS
from skclf.plots._image_predictions import images_of

RNG = np.random.RandomState(0)
X = RNG.rand(360, 4)
Y = (X.mean(axis=1) > 0.5).astype(int)
IMAGES = RNG.rand(20, 12 * 12)
CLASSIFIERS = [
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultilabelDenseClassifier,
    ShapeConvClassifier,
]


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_constructor_only_assigns_parameters(classifier):
    values = {name: object() for name in classifier().get_params()}
    assert vars(classifier(**values)) == values


class Small(BinaryDenseClassifier):
    """A user's subclass: fewer parameters, another default and a new parameter."""

    def __init__(self, *, epochs=3, note=None, random_state=None):
        super().__init__((4,), epochs=epochs, random_state=random_state)
        self.note = note


def test_subclass_with_own_constructor():
    clf = clone(Small(note="a").set_params(random_state=0))
    assert clf.get_params() == {"epochs": 3, "note": "a", "random_state": 0}
    assert (clf.hidden_layer_sizes, clf.loss) == ((4,), "binary_crossentropy")
    loaded = pickle.loads(pickle.dumps(clf))
    assert vars(loaded) == vars(clf)
    assert loaded.fit(X, Y).n_epochs_ == 3


class Penalized(BinaryDenseClassifier):
    """Has the parameter of a regularizer that is added to the table."""

    def __init__(self, *, l1=0.0, l2=0.0, random_state=None):
        super().__init__((4,), epochs=4, l2=l2, learning_rate=0.01, random_state=random_state)
        self.l1 = l1


@pytest.mark.parametrize("penalties", [{"l1": 0.02}, {"l1": 0.02, "l2": 0.3}], ids=str)
def test_table_entry_adds_regularizer(penalties, monkeypatch):
    monkeypatch.setitem(REGULARIZERS, "l1", "L1")
    clf = Penalized(**penalties, random_state=0).fit(X, Y)
    plain = Penalized(random_state=0).fit(X, Y)
    l1, l2 = penalties["l1"], penalties.get("l2", 0)
    kernels = clf._weights[::2]
    penalty = sum(l1 * np.abs(kernel).sum() + l2 * (kernel**2).sum() for kernel in kernels)
    cross_entropy = log_loss(Y, clf.predict_proba(X))
    np.testing.assert_allclose(clf.evaluate(X, Y)["loss"], cross_entropy + penalty, rtol=1e-5)
    for kernel, unpenalized in zip(kernels, plain._weights[::2], strict=True):
        assert np.abs(kernel).sum() < np.abs(unpenalized).sum()
    loaded = pickle.loads(pickle.dumps(clf))
    assert loaded.evaluate(X, Y) == clf.evaluate(X, Y)


def test_parameter_not_passed_to_base_class_raises():
    class Incomplete(DenseClassifier):
        def __init__(self, hidden_layer_sizes=(16,), **others):
            super().__init__(hidden_layer_sizes=hidden_layer_sizes, **others)

        def _target_kind(self, n_classes=None):
            raise AssertionError("must not be called")

    with pytest.raises(TypeError, match="missing 3 required keyword-only arguments: 'activation'"):
        Incomplete()
    with pytest.raises(TypeError, match="missing 16 required keyword-only arguments: 'optimizer'"):
        Incomplete(activation="relu", dropout=0.0, l2=0.0)


def assert_same_fit(estimator, parameters, others, rows=X, y=Y):
    """Both sets of parameters give the same net and history."""
    pair = [clone(estimator).set_params(**chosen).fit(rows, y) for chosen in (parameters, others)]
    np.testing.assert_array_equal(*(clf.predict_proba(rows) for clf in pair))
    np.testing.assert_array_equal(*(clf.history_ for clf in pair))
    assert pair[0].evaluate(rows, y) == pair[1].evaluate(rows, y)
    assert type(pair[0].n_epochs_) is type(pair[0].best_epoch_) is int
    assert pair[0]._net == pair[1]._net


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("batch_size", np.int8(64), 64),
        ("batch_size", np.uint8(255), 255),
        ("batch_size", np.int16(360), 360),
        ("epochs", np.int8(3), 3),
        ("hidden_layer_sizes", np.uint8(200), 200),
        ("hidden_layer_sizes", np.array([100, 3], np.int8), (100, 3)),
        ("dropout", Fraction(1, 4), 0.25),
        ("dropout", np.float16(0.25), 0.25),
        ("l2", Fraction(1, 8), 0.125),
        ("l2", np.uint8(1), 1),
        ("learning_rate", Fraction(1, 64), 1 / 64),
        ("learning_rate", np.uint8(1), 1),
        ("validation_split", Fraction(1, 5), 0.2),
        ("validation_split", np.float16(0.25), 0.25),
        ("class_weight", {0: Fraction(1, 3)}, {0: 1 / 3}),
        ("class_weight", {np.int8(0): np.uint8(200), 1: np.uint8(100)}, {0: 200, 1: 100}),
        ("class_weight", {0: np.True_, 1: Fraction(3)}, {0: 1, 1: 3}),
        ("random_state", np.uint8(200), 200),
        ("keep_epochs", np.True_, True),
        ("warm_start", np.True_, True),
        ("verbose", np.False_, False),
        ("verbose", np.int8(0), 0),
    ],
)
def test_numeric_types(name, value, plain):
    estimator = BinaryDenseClassifier(3, epochs=2, random_state=0)
    assert_same_fit(estimator, {name: value}, {name: plain})


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_patience_of_small_integer_types(dtype):
    estimator = BinaryDenseClassifier(
        3, epochs=4, validation_split=0.25, refit_epoch="val_loss", random_state=0
    )
    assert_same_fit(estimator, {"patience": dtype(1)}, {"patience": 1})


def test_epochs_of_small_integer_type_do_not_overflow():
    clf = BinaryDenseClassifier((), epochs=np.uint8(200), batch_size=np.int16(360), warm_start=True)
    clf.fit(X, Y).fit(X, Y)
    assert clf.n_epochs_ == len(clf.history_) == 400


def test_batch_size_of_small_integer_type_in_partial_fit():
    clf = BinaryDenseClassifier((), batch_size=np.int8(64), random_state=0)
    other = clone(clf).set_params(batch_size=64)
    found = [each.partial_fit(X, Y, classes=[0, 1]).predict_proba(X) for each in (clf, other)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("filters", np.uint8(200), 200),
        ("kernel_size", np.int8(3), 3),
        ("pool_size", np.array([2, 3], np.int8), (2, 3)),
        ("image_shape", np.array([12, 12], np.int8), (12, 12)),
    ],
)
def test_numeric_types_of_image_parameters(name, value, plain):
    estimator = ShapeConvClassifier(2, filters=1, epochs=1, random_state=0)
    assert_same_fit(estimator, {name: value}, {name: plain}, IMAGES, Y[:20])


@pytest.mark.parametrize("name", ["dropout", "l2", "learning_rate", "validation_split"])
@pytest.mark.parametrize(
    "value", [Fraction(-1, 2), 10**400, Fraction(10**400)], ids=["negative", "huge", "fraction"]
)
def test_numbers_out_of_range(name, value):
    if name == "l2" and value == 10**400:
        value = -value
    with pytest.raises(ValueError, match=f"The '{name}' parameter of .* must be a float in"):
        BinaryDenseClassifier(**{name: value}).fit(X, Y)


def test_images_of_small_integer_shape():
    assert images_of(IMAGES, np.array([12, 12], np.int8)).shape == (20, 12, 12)


def test_make_shapes_with_small_integer_types():
    small = make_shapes(np.int8(100), image_shape=(np.int8(100),) * 2, random_state=0)
    plain = make_shapes(100, image_shape=(100, 100), random_state=0)
    np.testing.assert_array_equal(small.data, plain.data)
