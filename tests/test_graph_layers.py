"""Each kind of layer in a graph, compared with Keras and onnxruntime."""

import keras
import numpy as np
import pytest
from graph_bodies import IMAGES, SEQUENCES, VECTORS, body
from graph_nets import assert_same_everywhere, head, new_model
from keras import layers

from skclf.nets import graph_of
from skclf.nets._activations import ACTIVATIONS

PADDINGS = ("valid", "same")


# --------------------------------------------------------------------------------------- each layer


LAYERS_OF_ANY_RANK = {
    "dense": lambda: layers.Dense(5),
    "dense without bias": lambda: layers.Dense(5, use_bias=False, activation="tanh"),
    "activation": lambda: layers.Activation("softplus"),
    "relu": lambda: layers.ReLU(),
    "relu with a limit": lambda: layers.ReLU(max_value=0.5),
    "relu6": lambda: layers.ReLU(max_value=6, threshold=0),
    "relu with all": lambda: layers.ReLU(max_value=0.75, negative_slope=0.25, threshold=0.5),
    "relu with a slope": lambda: layers.ReLU(negative_slope=0.125),
    "relu with a threshold": lambda: layers.ReLU(threshold=0.5),
    "leaky relu": lambda: layers.LeakyReLU(),
    "leaky relu with a slope": lambda: layers.LeakyReLU(negative_slope=0.01),
    "elu": lambda: layers.ELU(),
    "elu with a factor": lambda: layers.ELU(alpha=0.3),
    "prelu": lambda: layers.PReLU(),
    "softmax": lambda: layers.Softmax(),
    "dropout": lambda: layers.Dropout(0.5),
    "alpha dropout": lambda: layers.AlphaDropout(0.5),
    "gaussian dropout": lambda: layers.GaussianDropout(0.5),
    "gaussian noise": lambda: layers.GaussianNoise(0.5),
    "activity": lambda: layers.ActivityRegularization(l2=0.1),
    "identity": lambda: layers.Identity(),
    "rescaling": lambda: layers.Rescaling(1 / 127.5, -1),
    "rescaling without offset": lambda: layers.Rescaling(2),
    "batch normalization": lambda: layers.BatchNormalization(),
    "batch normalization, scaled": lambda: layers.BatchNormalization(center=False, epsilon=1e-5),
    "batch normalization, centered": lambda: layers.BatchNormalization(scale=False),
    "batch normalization, bare": lambda: layers.BatchNormalization(center=False, scale=False),
    "layer normalization": lambda: layers.LayerNormalization(),
    "layer normalization, scaled": lambda: layers.LayerNormalization(center=False, epsilon=0.1),
    "layer normalization, centered": lambda: layers.LayerNormalization(scale=False),
    "layer normalization, bare": lambda: layers.LayerNormalization(center=False, scale=False),
    "flatten": lambda: layers.Flatten(),
    "reshape": lambda: layers.Reshape((1, -1)),
}


@pytest.mark.parametrize("shape", [VECTORS, SEQUENCES, IMAGES], ids=str)
@pytest.mark.parametrize("name", LAYERS_OF_ANY_RANK)
def test_layers_match_keras_on_inputs_of_any_rank(name, shape):
    assert_same_everywhere(new_model(shape, body(LAYERS_OF_ANY_RANK[name]())))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [VECTORS, IMAGES], ids=str)
def test_activations_match_keras(name, shape):
    # The same value feeds two layers, neither of which may change it.
    def call(values):
        values = layers.Dense(4)(values)
        first = layers.Activation(name)(values)
        return layers.Concatenate()([layers.Dense(3, activation=name)(values), first, values])

    assert_same_everywhere(new_model(shape, call, scale=0.4))


SEQUENCE_LAYERS = {
    "spatial dropout": lambda: layers.SpatialDropout1D(0.5),
    "zero padding": lambda: layers.ZeroPadding1D((2, 1)),
    "zero padding, both sides": lambda: layers.ZeroPadding1D(2),
    "mean": lambda: layers.GlobalAveragePooling1D(),
    "mean that stays": lambda: layers.GlobalAveragePooling1D(keepdims=True),
    "maximum": lambda: layers.GlobalMaxPooling1D(),
    "maximum that stays": lambda: layers.GlobalMaxPooling1D(keepdims=True),
    "prelu": lambda: layers.PReLU(shared_axes=[1]),
    "permute": lambda: layers.Permute((2, 1)),
    "causal": lambda: layers.Conv1D(3, 3, padding="causal"),
    "causal with strides": lambda: layers.Conv1D(3, 3, padding="causal", strides=2),
    "causal with gaps": lambda: layers.Conv1D(3, 3, padding="causal", dilation_rate=2),
}
IMAGE_LAYERS = {
    "spatial dropout": lambda: layers.SpatialDropout2D(0.5),
    "zero padding": lambda: layers.ZeroPadding2D(((1, 0), (2, 3))),
    "zero padding, both sides": lambda: layers.ZeroPadding2D((1, 2)),
    "mean": lambda: layers.GlobalAveragePooling2D(),
    "mean that stays": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "maximum": lambda: layers.GlobalMaxPooling2D(),
    "maximum that stays": lambda: layers.GlobalMaxPooling2D(keepdims=True),
    "prelu": lambda: layers.PReLU(shared_axes=[1, 2]),
    "prelu along one axis": lambda: layers.PReLU(shared_axes=[2]),
    "permute": lambda: layers.Permute((3, 1, 2)),
    "flip": lambda: layers.RandomFlip(),
    "rotation": lambda: layers.RandomRotation(0.3),
    "translation": lambda: layers.RandomTranslation(0.3, 0.3),
    "zoom": lambda: layers.RandomZoom(0.3),
    "contrast": lambda: layers.RandomContrast(0.3),
    "brightness": lambda: layers.RandomBrightness(0.3),
}


@pytest.mark.parametrize("name", SEQUENCE_LAYERS)
def test_layers_of_sequences_match_keras(name):
    assert_same_everywhere(new_model(SEQUENCES, body(SEQUENCE_LAYERS[name]())))


@pytest.mark.parametrize("name", IMAGE_LAYERS)
def test_layers_of_images_match_keras(name):
    assert_same_everywhere(new_model(IMAGES, body(IMAGE_LAYERS[name]())))


NORMALIZATIONS = {
    "numbers": {"axis": None, "mean": 0.5, "variance": 4.0},
    "numbers of channels": {"mean": [0.5, 0, -1, 2], "variance": [1, 0, 4, 2]},
    "a number for all channels": {"mean": 0.5, "variance": 4.0, "axis": 2},
    "inverted": {"mean": [0.5, 0, -1, 2], "variance": [1, 0, 4, 2], "invert": True},
    "adapted": {},
    "adapted and inverted": {"invert": True},
}


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_normalizations_match_keras(name):
    layer = layers.Normalization(**NORMALIZATIONS[name])
    if name.startswith("adapted"):
        layer.adapt(np.random.RandomState(1).normal(2, 3, size=(20, *SEQUENCES)))
    inputs = keras.Input(SEQUENCES)
    assert_same_everywhere(keras.Model(inputs, head(layer(inputs))), tolerance=1e-4)


# --------------------------------------------------------------------------- convolutions and pools


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("steps", [{}, {"strides": 2}, {"dilation_rate": 2}])
def test_depthwise_and_separable_convolutions_match_keras(steps, multiplier, padding):
    options = {"depth_multiplier": multiplier, "padding": padding, **steps}
    call = body(
        layers.DepthwiseConv2D((2, 3), activation="relu", **options),
        layers.SeparableConv2D(4, 2, activation="tanh", use_bias=False, **options),
    )
    assert_same_everywhere(new_model((11, 9, 3), call))
    call = body(
        layers.DepthwiseConv1D(3, use_bias=False, **options),
        layers.SeparableConv1D(4, 2, **options),
    )
    assert_same_everywhere(new_model((13, 3), call))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_convolutions_and_pools_of_sequences_match_keras(size, strides, padding):
    def call(values):
        options = {"strides": strides, "padding": padding}
        parts = [
            layers.Conv1D(3, size, activation="relu", **options)(values),
            layers.Conv1D(2, size, use_bias=False, **options)(values),
            layers.MaxPooling1D(size, **options)(values),
            layers.AveragePooling1D(size, **options)(values),
        ]
        return layers.Concatenate()(parts)

    for length in (4, 9):
        assert_same_everywhere(new_model((length, 3), call))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", [1, 2, (1, 3), (2, 1)])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 3), (4, 1)])
def test_convolutions_and_pools_of_images_match_keras(size, strides, padding):
    def call(values):
        options = {"strides": strides, "padding": padding}
        parts = [
            layers.Conv2D(3, size, activation="relu", **options)(values),
            layers.Conv2D(2, size, use_bias=False, **options)(values),
            layers.MaxPooling2D(size, **options)(values),
            layers.AveragePooling2D(size, **options)(values),
        ]
        return layers.Concatenate()(parts)

    assert_same_everywhere(new_model((7, 5, 2), call))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [2, 3, (5, 4)])
def test_pools_with_default_strides_match_keras(size, padding):
    call = body(layers.MaxPooling2D(size, padding=padding), layers.AveragePooling2D(1))
    assert_same_everywhere(new_model((7, 5, 2), call))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dilation", [2, (1, 2), (3, 1)])
def test_dilated_convolutions_match_keras(dilation, padding):
    call = body(layers.Conv2D(3, (3, 2), dilation_rate=dilation, padding=padding))
    assert_same_everywhere(new_model((8, 6, 2), call))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (2, 1, 3)])
def test_kernels_may_be_larger_than_images(shape):
    options = {"padding": "same", "strides": 2}
    call = body(layers.Conv2D(2, (5, 4), **options), layers.MaxPooling2D((3, 4), **options))
    assert_same_everywhere(new_model(shape, call))


def test_large_images_are_convolved_in_chunks(monkeypatch):
    model = new_model((20, 9, 3), body(layers.Conv2D(4, 3, padding="same", strides=(2, 1))))
    net, weights = graph_of(model), model.get_weights()
    X = np.random.RandomState(1).normal(size=(5, 540))
    expected = net.logits(weights, X)
    for most in (1, 2000, 10_000):
        monkeypatch.setattr("skclf.nets._window_arithmetic._MOST_VALUES", most)
        np.testing.assert_allclose(net.logits(weights, X), expected, rtol=1e-12)


def test_pools_ignore_padding():
    pools = [kind(3, 2, padding="same") for kind in (layers.MaxPooling2D, layers.AveragePooling2D)]
    model = new_model((5, 4, 2), lambda values: layers.Concatenate()([p(values) for p in pools]))
    assert_same_everywhere(model, -np.random.RandomState(1).uniform(100, 101, size=(6, 40)))
