"""ShapeConvClassifier: forms of images, parameters, training and predictions."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.utils import get_tags

from skclf import ShapeConvClassifier
from skclf._shape_conv import image_shape_of
from skclf.datasets import make_shapes

RNG = np.random.RandomState(0)
# Integers, which every numeric type can represent.
IMAGES = RNG.randint(0, 4, (24, 5, 7)).astype(np.float64)
COLOURED = RNG.randint(0, 4, (24, 5, 4, 3)).astype(np.float64)
Y = np.array(["disc", "ring"] * 12)
Y3 = np.array(["disc", "ring", "star"] * 8)


def net(**parameters):
    defaults = {"hidden_layer_sizes": 3, "filters": 2, "epochs": 2, "random_state": 0}
    return ShapeConvClassifier(**defaults | parameters)


@pytest.fixture(scope="module")
def two():
    return net().fit(IMAGES, Y)


@pytest.fixture(scope="module")
def three():
    return net().fit(IMAGES, Y3)


# ------------------------------------------------------------------------------------------ shape


@pytest.mark.parametrize(
    ("shape", "image_shape", "found"),
    [
        ((2, 5, 4), None, (5, 4, 1)),
        ((2, 5, 4, 3), None, (5, 4, 3)),
        ((2, 25), None, (5, 5, 1)),
        ((2, 1), None, (1, 1, 1)),
        ((2, 26), None, (1, 26, 1)),
        ((2, 60), (5, 4, 3), (5, 4, 3)),
        ((2, 20), (5, 4), (5, 4, 1)),
        ((2, 25), [5, 5], (5, 5, 1)),
        ((2, 20), np.array([5, 4]), (5, 4, 1)),
        ((2, 5, 4), (5, 4), (5, 4, 1)),
        ((2, 5, 4), (5, 4, 1), (5, 4, 1)),
        ((2, 5, 4, 1), (5, 4), (5, 4, 1)),
        # The second dimension could be mistaken for channels.
        ((2, 3, 32), None, (3, 32, 1)),
        ((2, 3, 32, 4), None, (3, 32, 4)),
        ((2, 3, 3, 8), None, (3, 3, 8)),
        ((2, 2, 32, 32), None, (2, 32, 32)),
        ((2, 5, 32, 32), None, (5, 32, 32)),
        ((2, 1, 28, 28), (1, 28, 28), (1, 28, 28)),
    ],
)
def test_image_shape_of(shape, image_shape, found):
    assert image_shape_of(np.zeros(shape), image_shape) == found


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((2,), None, r"Got X of shape \(2,\); expected images of shape \(n, height, width\)"),
        ((2, 3, 4, 1, 1), None, r"Got X of shape \(2, 3, 4, 1, 1\)"),
        ((2, 20), (5, 5), r"rows of 20 values; expected 25, since image_shape=\(5, 5\)"),
        ((2, 20), (20,), r"image_shape=\(20,\); expected \(height, width\) or"),
        ((2, 5, 4), (4, 5), r"shape \(5, 4, 1\).*expected \(4, 5, 1\).*Set image_shape=None"),
        (
            (2, 1, 28, 28),
            None,
            r"shape \(1, 28, 28\), which seem to have their channels first.*image_shape=\(1, 28",
        ),
        (
            (2, 3, 32, 32),
            None,
            r"Pass np\.moveaxis\(X, 1, -1\)\. If .*set image_shape=\(3, 32, 32\)",
        ),
        ((2, 4, 5, 6), None, r"Pass np\.moveaxis\(X, 1, -1\)"),
        ((2, 20), (5, 4.0), r"Got image_shape=\(5, 4\.0\); expected integers of at least 1"),
    ],
)
def test_invalid_image_shapes(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        image_shape_of(np.zeros(shape), image_shape)


@pytest.mark.parametrize("images", [IMAGES, COLOURED], ids=["grey", "coloured"])
def test_images_and_flattened_rows_agree(images):
    flat, shape = images.reshape(24, -1), (*images.shape[1:], 1)[:3]
    clf = net().fit(images, Y)
    assert clf.image_shape_ == shape
    assert clf.n_features_in_ == flat.shape[1] == np.prod(shape)
    forms = [
        (images, {}),
        (images.reshape(24, *shape), {}),
        (images, {"image_shape": shape}),
        (flat, {"image_shape": shape}),
        (pd.DataFrame(flat), {"image_shape": shape}),
        (images.tolist(), {}),
    ]
    for rows, parameters in forms:
        other = net(**parameters).fit(rows, Y)
        assert other.image_shape_ == shape
        np.testing.assert_array_equal(other.predict_proba(rows), clf.predict_proba(images))
        np.testing.assert_array_equal(clf.predict_proba(rows), clf.predict_proba(images))
    from_keras = clf.model_.predict(images.reshape(24, *shape), verbose=0)[:, 0]
    np.testing.assert_allclose(from_keras, clf.predict_proba(images)[:, 1], atol=1e-5)


@pytest.mark.parametrize(("n_values", "shape"), [(16, (4, 4, 1)), (15, (1, 15, 1))])
def test_default_shape_of_flattened_rows(n_values, shape):
    clf = net(epochs=1).fit(np.random.RandomState(1).rand(24, n_values), Y)
    assert clf.image_shape_ == shape
    assert clf.model_.input_shape == (None, *shape)


def test_feature_names_of_pixels():
    frame = pd.DataFrame(IMAGES.reshape(24, -1)).rename(columns="pixel_{}".format)
    clf = net(image_shape=(5, 7), epochs=1).fit(frame, Y)
    assert clf.feature_names_in_[-1] == "pixel_34"
    with pytest.raises(ValueError, match="must be in the same order"):
        clf.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize(
    "rows",
    [
        IMAGES.astype(np.uint8),
        IMAGES.astype(np.int64),
        IMAGES.astype(np.float16),
        IMAGES.astype(np.float32),
        IMAGES.astype(object),
        np.asfortranarray(IMAGES),
        np.repeat(IMAGES, 2, axis=2)[:, :, ::2],
    ],
    ids=lambda rows: f"{rows.dtype} {rows.flags.c_contiguous}",
)
def test_images_of_every_type(two, rows):
    before = rows.copy()
    clf = net().fit(rows, Y)
    np.testing.assert_array_equal(clf.predict_proba(IMAGES), two.predict_proba(IMAGES))
    # Float32 images are computed in float32.
    np.testing.assert_allclose(two.predict_proba(rows), two.predict_proba(IMAGES), atol=1e-6)
    np.testing.assert_array_equal(rows, before)


def test_boolean_images():
    clf = net(epochs=1).fit(IMAGES > 1, Y)
    assert clf.predict_proba(IMAGES > 1).shape == (24, 2)


# ---------------------------------------------------------------------------------------- classes


def test_two_classes_have_one_sigmoid_unit_and_more_have_softmax(two, three):
    for clf, units, activation in [(two, 1, "sigmoid"), (three, 3, "softmax")]:
        head = clf.model_.layers[-1]
        assert (head.units, head.activation.__name__) == (units, activation)
        assert clf.predict_proba(IMAGES).shape == (24, len(clf.classes_))
    assert two.classes_.tolist() == ["disc", "ring"]
    assert three.classes_.tolist() == ["disc", "ring", "star"]
    assert two.decision_function(IMAGES).shape == (24,)
    assert three.decision_function(IMAGES).shape == (24, 3)


@pytest.mark.parametrize("dtype", [bool, np.int8, float, object, "category"])
def test_labels_of_every_type(two, dtype):
    y = pd.Series(Y == "ring").astype(dtype)
    clf = net().fit(IMAGES, y)
    np.testing.assert_array_equal(clf.predict_proba(IMAGES), two.predict_proba(IMAGES))
    np.testing.assert_array_equal(clf.predict(IMAGES) == 1, two.predict(IMAGES) == "ring")


@pytest.mark.parametrize(
    ("loss", "y", "units", "name"),
    [
        ("auto", Y, 1, "binary_crossentropy"),
        ("auto", Y3, 3, "sparse_categorical_crossentropy"),
        ("binary_crossentropy", Y, 1, "binary_crossentropy"),
        ("sparse_categorical_crossentropy", Y, 2, "sparse_categorical_crossentropy"),
        ("categorical_crossentropy", Y, 2, "categorical_crossentropy"),
        ("categorical_crossentropy", Y3, 3, "categorical_crossentropy"),
    ],
)
def test_losses(loss, y, units, name):
    clf = net(loss=loss, epochs=1).fit(IMAGES, y)
    assert clf.model_.layers[-1].units == units
    assert clf.model_.loss == name
    assert clf.loss == loss
    expected = log_loss(y, clf.predict_proba(IMAGES))
    np.testing.assert_allclose(clf.evaluate(IMAGES, y)["loss"], expected, rtol=1e-5)


def test_categorical_losses_are_equivalent(three):
    clf = net(loss="categorical_crossentropy").fit(IMAGES, Y3)
    np.testing.assert_allclose(clf.predict_proba(IMAGES), three.predict_proba(IMAGES), atol=1e-6)


# ------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("parameters", "shapes"),
    [
        ({}, [(3, 3, 1, 2), (3 * 4 * 2, 3), (3, 1)]),
        ({"filters": (2, 5)}, [(3, 3, 1, 2), (3, 3, 2, 5), (2 * 2 * 5, 3), (3, 1)]),
        ({"kernel_size": 2}, [(2, 2, 1, 2), (3 * 4 * 2, 3), (3, 1)]),
        ({"kernel_size": (1, 4)}, [(1, 4, 1, 2), (3 * 4 * 2, 3), (3, 1)]),
        ({"pool_size": (5, 7)}, [(3, 3, 1, 2), (2, 3), (3, 1)]),
        ({"pool_size": 1}, [(3, 3, 1, 2), (5 * 7 * 2, 3), (3, 1)]),
        ({"pool_size": 100}, [(3, 3, 1, 2), (2, 3), (3, 1)]),
        ({"hidden_layer_sizes": ()}, [(3, 3, 1, 2), (3 * 4 * 2, 1)]),
        ({"hidden_layer_sizes": (4, 3)}, [(3, 3, 1, 2), (3 * 4 * 2, 4), (4, 3), (3, 1)]),
        ({"kernel_size": 9}, [(9, 9, 1, 2), (3 * 4 * 2, 3), (3, 1)]),
    ],
)
def test_shapes_of_kernels(parameters, shapes):
    clf = net(epochs=1, **parameters).fit(IMAGES, Y)
    kernels = clf.model_.get_weights()[::2]
    assert [kernel.shape for kernel in kernels] == shapes
    outputs = clf.model_.predict(IMAGES[..., np.newaxis], verbose=0)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(IMAGES)[:, 1], outputs, atol=1e-5)


def test_layers_match_parameters():
    clf = net(filters=(2, 3), activation="elu", dropout=0.25, l2=0.5, epochs=1).fit(IMAGES, Y3)
    kinds = [type(layer).__name__ for layer in clf.model_.layers[1:]]
    blocks = ["Conv2D", "MaxPooling2D"] * 2
    assert kinds == [*blocks, "Flatten", "Dense", "Dropout", "Dense"]
    for layer in clf.model_.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert layer.padding == "same"
            assert layer.activation.__name__ == "elu"
            assert float(layer.kernel_regularizer.l2) == 0.5


def test_l2_includes_kernels_of_convolutions():
    clf = net(l2=0.1, epochs=1).fit(IMAGES, Y)
    penalty = 0.1 * sum((kernel**2).sum() for kernel in clf.model_.get_weights()[::2])
    loss = log_loss(Y, clf.predict_proba(IMAGES)) + penalty
    np.testing.assert_allclose(clf.evaluate(IMAGES, Y)["loss"], loss, rtol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "sparse_sigmoid"])
def test_activations(activation):
    # NumPy computes the first of them, Keras the second.
    clf = net(activation=activation, epochs=1).fit(IMAGES, Y)
    outputs = clf.model_.predict(IMAGES[..., np.newaxis], verbose=0)[:, 0]
    np.testing.assert_allclose(clf.predict_proba(IMAGES)[:, 1], outputs, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("shape", [(5, 7), (6, 4)])
def test_training_equals_keras(optimizer, shape):
    images = np.random.RandomState(1).rand(24, *shape).astype(np.float32)
    sizes = {"filters": (2, 3), "kernel_size": (2, 3), "pool_size": (2, 3), "batch_size": 24}
    clf = net(optimizer=optimizer, learning_rate=0.02, epochs=3, activation="tanh", **sizes)
    start = clone(clf).set_params(optimizer="sgd", learning_rate=1e-30, epochs=1).fit(images, Y)
    model = start.set_params(optimizer=optimizer, learning_rate=0.02).model_
    codes = (Y == "ring")[:, np.newaxis]
    model.fit(images[..., np.newaxis], codes, batch_size=24, epochs=3, verbose=0)
    trained = clf.fit(images, Y).model_.get_weights()
    for found, expected in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-5)


# ------------------------------------------------------------------------------------ predictions


@pytest.mark.parametrize("name", ["two", "three"])
def test_predictions_are_consistent(request, name):
    clf = request.getfixturevalue(name)
    proba = clf.predict_proba(IMAGES)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(IMAGES), clf.classes_[proba.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(IMAGES)), proba, rtol=1e-12)
    for i in range(3):
        one = clf.predict_proba(IMAGES[i : i + 1])
        assert one.shape == (1, len(clf.classes_))
        np.testing.assert_allclose(one[0], proba[i], rtol=1e-12)


def test_many_images_equal_few(two):
    # More images than are computed at a time.
    many = np.tile(IMAGES, (400, 1, 1))
    np.testing.assert_allclose(
        two.decision_function(many), np.tile(two.decision_function(IMAGES), 400), rtol=1e-9
    )


def test_evaluate_equals_keras_and_scikit_learn(three):
    found = three.evaluate(IMAGES, Y3)
    codes = np.searchsorted(three.classes_, Y3)[:, np.newaxis]
    from_keras = three.model_.evaluate(IMAGES[..., np.newaxis], codes, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["loss"], from_keras["loss"], rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], three.score(IMAGES, Y3), rtol=1e-6)
    assert three.evaluate(IMAGES.reshape(24, -1), Y3) == found


def test_tags():
    tags = get_tags(net())
    assert is_classifier(net())
    assert tags.input_tags.three_d_array
    assert tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.classifier_tags.multi_class


def test_second_fit_with_another_image_shape():
    clf = net(epochs=1).fit(IMAGES, Y).fit(COLOURED, Y3)
    assert clf.image_shape_ == (5, 4, 3)
    assert clf.n_features_in_ == 60
    assert clf.predict(COLOURED).shape == (24,)


def test_pickled_classifier_predicts_the_same(two):
    loaded = pickle.loads(pickle.dumps(two))
    assert loaded.image_shape_ == (5, 7, 1)
    np.testing.assert_array_equal(loaded.predict_proba(IMAGES), two.predict_proba(IMAGES))


def test_classifier_learns_shapes():
    X, y = make_shapes(300, image_shape=(16, 16), radius=(3, 6), random_state=0, return_X_y=True)
    clf = ShapeConvClassifier(learning_rate=0.01, epochs=10, random_state=0)
    scores = cross_val_score(clf, X, y, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.95
