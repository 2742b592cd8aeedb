"""The Keras layers and activations of dense and convolutional nets."""

import keras
import numpy as np
import pandas as pd
import pytest
from small_nets import layered_net

from skclf import BinaryDenseClassifier, _keras_objects, engine

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


def net(**parameters):
    defaults = {"hidden_layer_sizes": 2, "epochs": 1, "random_state": 0}
    return BinaryDenseClassifier(**defaults | parameters)


# ----------------------------------------------------------------------------------------- layers

DENSE = layered_net((4,), (3, 2), 1, "tanh", dropout=0.5, l2=0.1)
CONV = layered_net((6, 5, 2), (3,), 4, "elu", filters=(2, 3), kernel_size=(2, 3), pool_size=(3, 2))


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        (DENSE, ["rows", "hidden_1", "dropout_1", "hidden_2", "dropout_2", "output"]),
        (
            CONV,
            ["images", "conv_1", "pool_1", "conv_2", "pool_2", "flatten", "hidden_1", "output"],
        ),
        (layered_net((4,), (), 3, "relu", sparse=True), ["rows", "output"]),
    ],
    ids=["dense", "conv", "sparse"],
)
def test_layer_names_are_stable(layers, names):
    for _ in range(2):
        model = keras.Model(*layers.build())
        assert [layer.name for layer in model.layers] == names


def test_layers_match_architecture():
    model = keras.Model(*CONV.build())
    assert model.input_shape == (None, 6, 5, 2)
    assert model.output_shape == (None, 4)
    conv, pool = model.get_layer("conv_1"), model.get_layer("pool_1")
    assert (conv.filters, conv.kernel_size, conv.padding) == (2, (2, 3), "same")
    assert (pool.pool_size, pool.padding) == ((3, 2), "same")
    assert model.get_layer("output").activation is keras.activations.softmax
    model = keras.Model(*DENSE.build())
    assert model.get_layer("dropout_1").rate == 0.5
    assert float(model.get_layer("hidden_1").kernel_regularizer.l2) == pytest.approx(0.1)
    assert model.get_layer("output").activation is keras.activations.sigmoid
    plain = keras.Model(*layered_net((4,), (3,), 1, "relu").build())
    assert plain.get_layer("hidden_1").kernel_regularizer is None
    assert [type(layer).__name__ for layer in plain.layers] == ["InputLayer", "Dense", "Dense"]


def test_layers_do_not_depend_on_keras_settings():
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("mixed_float16")
        model = keras.Model(*DENSE.build())
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(floatx)
    assert {layer.dtype_policy.name for layer in model.layers[1:]} == {"float32"}
    assert model.input.dtype == model.output.dtype == "float32"
    assert {np.dtype(weights.dtype) for weights in model.get_weights()} == {np.dtype("float32")}


@pytest.mark.parametrize("setting", ["mixed_float16", "float64"])
def test_fit_does_not_depend_on_keras_settings(setting):
    expected = net(dropout=0.2).fit(X, Y)
    engine.clear_cache()
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(setting)
        clf = net(dropout=0.2).fit(X, Y)
        assert clf.model_.predict(X, verbose=0).dtype == np.float32
    finally:
        keras.config.set_dtype_policy(policy)
        engine.clear_cache()
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    pd.testing.assert_frame_equal(clf.history_, expected.history_)


# ----------------------------------------------------------------------------------- activations


@pytest.mark.parametrize("name", ["relu", "tanh", "sparsemax", "leaky_relu"])
def test_keras_activations(name):
    assert _keras_objects.check_activation(name) is None


@pytest.mark.parametrize("name", ["rellu", "", "get", "ReLU!"])
def test_unknown_activation_error_lists_known_ones(name):
    with pytest.raises(ValueError, match=r"the name of a Keras activation: .*relu") as raised:
        _keras_objects.check_activation(name)
    assert f"Got activation={name!r}" in str(raised.value)
    known = str(raised.value).partition("activation: ")[2].partition(".")[0].split(", ")
    assert {"relu", "tanh", "gelu"} < set(known)


def test_listed_activations_work():
    # Other functions of keras.activations, such as get and serialize, must not be listed.
    with pytest.raises(ValueError, match="expected the name of a Keras activation") as raised:
        _keras_objects.check_activation("rellu")
    known = str(raised.value).partition("activation: ")[2].partition(".")[0].split(", ")
    assert len(known) > 20
    for name in known:
        model = keras.Model(*layered_net((4,), (3, 2), 1, name).build())
        assert np.isfinite(model(X)).all()


@pytest.mark.parametrize("name", ["glu", "threshold"])
def test_unusable_keras_activations_raise(name):
    # glu halves the number of values, and threshold needs further arguments.
    with pytest.raises(ValueError, match=f"activation='{name}'"):
        net(activation=name).fit(X, Y)
