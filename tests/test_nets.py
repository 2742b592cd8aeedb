"""The forward pass of layers and nets in NumPy, compared with hand calculations and Keras."""

import keras
import numpy as np
import pytest
from scipy import sparse, special
from small_nets import layered_net

from skclf.nets import ACTIVATIONS, Dense, LayeredNet, net_from_state
from skclf.nets._convolution import convolve_same
from skclf.nets._pooling import max_pool_same

RNG = np.random.RandomState(0)
# Values near to and far from the points where activations bend, on both sides.
VALUES = np.concatenate([RNG.normal(size=300) * 3, [0, 0.5, -0.5, 1, -1, 3, -3, 6, 30, -30]])


def logits(net, weights, X):
    return net.logits(weights, X)


# -------------------------------------------------------------------------------- hand calculations


def test_dense_net_by_hand():
    weights = [
        np.array([[1.0, -1.0], [2.0, 0.5]], dtype=np.float32),
        np.array([0.5, -0.25], dtype=np.float32),
        np.array([[2.0], [-4.0]], dtype=np.float32),
        np.array([0.125], dtype=np.float32),
    ]
    X = np.array([[1.0, 1.0], [-1.0, 2.0]])
    # Hidden: [1+2+0.5, -1+0.5-0.25 -> 0] and [-1+4+0.5, 1+1-0.25]
    # Output: 3.5*2 + 0.125 and 3.5*2 - 1.75*4 + 0.125
    found = logits(layered_net(), weights, X)
    assert found.tolist() == [[7.125], [0.125]]
    assert found.dtype == np.float64
    assert logits(layered_net(), weights, sparse.csr_array(X)).tolist() == found.tolist()
    assert X.tolist() == [[1, 1], [-1, 2]]


def test_net_without_hidden_layers_by_hand():
    weights = [np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([1.0, 0, -1])]
    net = layered_net(hidden_layer_sizes=(), n_outputs=3)
    assert logits(net, weights, np.array([[1.0, 10]])).tolist() == [[42, 52, 62]]


IMAGE = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]).reshape(1, 3, 3, 1)


@pytest.mark.parametrize(
    ("kernel", "found"),
    [
        ([[2]], [[2, 4, 6], [8, 10, 12], [14, 16, 18]]),
        # Copies of the left, right and upper neighbours.
        ([[1, 0, 0]], [[0, 1, 2], [0, 4, 5], [0, 7, 8]]),
        ([[0, 0, 1]], [[2, 3, 0], [5, 6, 0], [8, 9, 0]]),
        ([[1], [0], [0]], [[0, 0, 0], [1, 2, 3], [4, 5, 6]]),
        ([[1, 1, 1]] * 3, [[12, 21, 16], [27, 45, 33], [24, 39, 28]]),
        # An even kernel starts at the pixel itself.
        ([[1, 1]], [[3, 5, 3], [9, 11, 6], [15, 17, 9]]),
        ([[0, 1], [1, 0]], [[6, 8, 6], [12, 14, 9], [8, 9, 0]]),
    ],
    ids=["1x1", "left neighbour", "right neighbour", "upper neighbour", "3x3", "1x2", "2x2"],
)
def test_convolutions_by_hand(kernel, found):
    kernel = np.array(kernel, dtype=np.float32)[:, :, np.newaxis, np.newaxis]
    result = convolve_same(IMAGE, kernel, np.array([0.5]))
    assert result[0, :, :, 0].tolist() == (np.array(found) + 0.5).tolist()


def test_channels_and_filters_by_hand():
    image = np.array([[[1.0, 10.0], [2.0, 20.0]]])[np.newaxis]
    kernel = np.array([[[[1, 0, 2], [0, 1, 1]]]], dtype=np.float32)
    result = convolve_same(image, kernel, np.zeros(3))
    assert result[0, 0].tolist() == [[1, 10, 12], [2, 20, 24]]


@pytest.mark.parametrize(
    ("pool_size", "found"),
    [
        ((1, 1), [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        ((3, 3), [[9]]),
        ((3, 1), [[7, 8, 9]]),
        # If the padding is odd, one more value is added at the end.
        ((2, 2), [[5, 6], [8, 9]]),
        ((5, 5), [[9]]),
        ((1, 4), [[3], [6], [9]]),
    ],
)
def test_pooling_by_hand(pool_size, found):
    assert max_pool_same(IMAGE, pool_size)[0, :, :, 0].tolist() == found
    # The padding is never the maximum.
    assert max_pool_same(-IMAGE - 100, pool_size).max() == -101


def test_pooling_pads_on_both_sides():
    # Two windows of four cover five columns and three of padding, one before and two after.
    row = np.array([5.0, 1, 1, 1, 9]).reshape(1, 1, 5, 1)
    assert max_pool_same(row, (1, 4)).ravel().tolist() == [5, 9]
    row = np.array([1.0, 1, 1, 7, 1]).reshape(1, 1, 5, 1)
    assert max_pool_same(row, (1, 4)).ravel().tolist() == [1, 7]


@pytest.mark.parametrize("n_rows", [1, 4095, 4096, 4097, 10_000])
def test_any_number_of_rows(n_rows):
    random = np.random.RandomState(1)
    weights = [random.normal(size=shape).astype("f4") for shape in [(2, 2), (2,), (2, 1), (1,)]]
    X = random.normal(size=(n_rows, 2))
    expected = np.maximum(X @ weights[0].astype(float) + weights[1], 0) @ weights[2] + weights[3]
    np.testing.assert_allclose(logits(layered_net(), weights, X), expected, rtol=1e-12)


def test_logits_do_not_depend_on_other_rows():
    net = layered_net(input_shape=(20,), hidden_layer_sizes=(16, 16))
    shapes = [(20, 16), (16,), (16, 16), (16,), (16, 1), (1,)]
    random = np.random.RandomState(1)
    weights = [random.normal(size=shape).astype("f4") for shape in shapes]
    X = random.normal(size=(500, 20))
    together = logits(net, weights, X)
    alone = np.concatenate([logits(net, weights, row[np.newaxis]) for row in X])
    np.testing.assert_allclose(alone, together, rtol=1e-11)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"hidden_layer_sizes": (), "n_outputs": 3},
        {"hidden_layer_sizes": (5, 4), "dropout": 0.5, "sparse": True},
        {"input_shape": (7, 9, 2), "filters": (3,), "kernel_size": (2, 5)},
        {"input_shape": (7, 9, 1), "filters": (3, 4), "pool_size": (3, 2), "n_outputs": 2},
        {"input_shape": (3, 3, 1), "filters": (2, 2), "pool_size": (5, 1)},
    ],
    ids=str,
)
def test_weight_shapes_equal_keras(parts):
    net = layered_net(**parts)
    model = keras.Model(*net.build())
    assert net.weight_shapes() == [weight.shape for weight in model.get_weights()]


def test_nets_are_hashable():
    assert hash(layered_net()) == hash(layered_net())
    assert layered_net() == layered_net()
    assert layered_net(dropout=0.1) != layered_net()


# ------------------------------------------------------------------------------------ activations


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_equal_keras(name):
    values = VALUES.astype(np.float32).reshape(31, 10)
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(values))
    found = ACTIVATIONS[name].compute(values.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"exponential"}))
def test_activations_neither_overflow_nor_warn(name):
    far = np.array([[-1e4, -800, 0, 800, 1e4]])
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(ACTIVATIONS[name].compute(far.copy())).all()


# ---------------------------------------------------------------------------- comparison with Keras


def new_model(net):
    model = keras.Model(*net.build())
    random = np.random.RandomState(1)
    model.set_weights(
        [random.normal(scale=0.2, size=weights.shape) for weights in model.get_weights()]
    )
    return model


def assert_equals_keras(net, X, predict=keras.Model.predict):
    model = new_model(net)
    expected = predict(model, X)
    flat = X if sparse.issparse(X) else X.reshape(len(X), -1)
    found = logits(net, model.get_weights(), flat)
    if net.n_outputs == 1:
        found = special.expit(found)
    else:
        odds = np.exp(found - found.max(axis=1, keepdims=True))
        found = odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_rising_activations(name):
    z = np.linspace(-9, 9, 2001)
    steps = np.diff(ACTIVATIONS[name].compute(z))
    # Each value of a softmax depends on all the others.
    if "softmax" not in name:
        assert not ACTIVATIONS[name].rises or steps.min() >= 0
    else:
        assert not ACTIVATIONS[name].rises


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_nets_equal_keras(activation):
    net = layered_net(
        input_shape=(6,), hidden_layer_sizes=(5, 4), n_outputs=3, activation=activation
    )
    assert_equals_keras(net, np.random.RandomState(1).normal(size=(40, 6)).astype("f4"))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("image_shape", [(7, 5, 2), (8, 6, 1)])
def test_conv_nets_equal_keras(image_shape, activation):
    net = layered_net(
        input_shape=image_shape, filters=(3,), hidden_layer_sizes=(4,), activation=activation
    )
    assert_equals_keras(net, np.random.RandomState(1).normal(size=(20, *image_shape)).astype("f4"))


@pytest.mark.parametrize("sizes", [(), (5,), (5, 4, 3)])
@pytest.mark.parametrize("n_outputs", [1, 2, 4])
def test_sparse_rows_equal_keras(sizes, n_outputs):
    net = layered_net(
        input_shape=(30,),
        hidden_layer_sizes=sizes,
        n_outputs=n_outputs,
        sparse=True,
        dropout=0.3,
        l2=0.1,
    )
    X = sparse.random(50, 30, density=0.1, format="csr", dtype=np.float32, random_state=1)
    assert_equals_keras(net, X)


@pytest.mark.parametrize(
    "image_shape", [(1, 1, 1), (1, 9, 1), (5, 7, 1), (8, 8, 3), (6, 5, 2)], ids=str
)
@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 3), (2, 2), (4, 3), (2, 5), (9, 9)], ids=str)
def test_kernel_sizes_equal_keras(image_shape, kernel_size):
    net = layered_net(input_shape=image_shape, filters=(2,), kernel_size=kernel_size)
    images = np.random.RandomState(1).normal(size=(6, *image_shape)).astype("f4")
    assert_equals_keras(net, images, predict=keras.Model.__call__)


@pytest.mark.parametrize(
    "image_shape", [(1, 1, 1), (1, 9, 1), (5, 7, 1), (8, 8, 3), (6, 5, 2)], ids=str
)
@pytest.mark.parametrize("pool_size", [(1, 1), (2, 2), (3, 2), (4, 4), (5, 3), (11, 11)], ids=str)
def test_pool_sizes_equal_keras(image_shape, pool_size):
    net = layered_net(input_shape=image_shape, filters=(2,), pool_size=pool_size)
    # Negative values, to detect padding with zeros.
    net_input = -np.random.RandomState(1).uniform(1, 2, size=(6, *image_shape)).astype("f4")
    assert_equals_keras(net, net_input, predict=keras.Model.__call__)


@pytest.mark.parametrize("filters", [(3,), (3, 2), (2, 3, 4)])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (4, 3)])
def test_deep_conv_nets_equal_keras(filters, hidden_layer_sizes):
    net = layered_net(
        input_shape=(9, 11, 3),
        filters=filters,
        hidden_layer_sizes=hidden_layer_sizes,
        n_outputs=3,
        activation="elu",
        kernel_size=(2, 3),
        pool_size=(2, 2),
        dropout=0.2,
    )
    assert_equals_keras(net, np.random.RandomState(1).normal(size=(10, 9, 11, 3)).astype("f4"))


def test_many_images_equal_keras():
    net = layered_net(input_shape=(16, 16, 1), filters=(8,))
    assert_equals_keras(net, np.random.RandomState(1).normal(size=(400, 16, 16, 1)).astype("f4"))


# ------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"hidden_layer_sizes": (), "n_outputs": 3, "sparse": True},
        {"hidden_layer_sizes": (5, 4), "dropout": 0.5, "l2": 0.1, "activation": "tanh"},
        {"input_shape": (7, 9, 2), "filters": (3, 2), "kernel_size": (2, 5), "pool_size": (3, 1)},
        {"input_shape": (7, 9, 2), "filters": (3,), "l2": 0.1},
    ],
    ids=str,
)
def test_state_round_trip(parts):
    net = layered_net(**parts)
    assert net_from_state(net.to_state()) == net


def test_layered_net_properties():
    net = LayeredNet((4,), (Dense(3, "relu"), Dense(2, "softmax")))
    assert net.n_outputs == 2
    assert net.weight_shapes() == [(4, 3), (3,), (3, 2), (2,)]
    assert net.unknown_layers == []
    assert net.n_generators == 0
    with_unknown_layer = LayeredNet((4,), (Dense(3, "sparsemax"), Dense(2, "softmax")))
    assert [layer.activation for layer in with_unknown_layer.unknown_layers] == ["sparsemax"]
