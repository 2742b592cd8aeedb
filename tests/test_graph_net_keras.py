"""Which Keras models are converted to graphs, and which ones only Keras can compute."""

import inspect

import keras
import numpy as np
import pytest
from graph_nets import assert_same_everywhere, head, new_model
from keras import layers, ops

from skclf.nets import graph_of

# Keras warns about each such layer after an Embedding with a mask.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning")

VECTORS, SEQUENCES, IMAGES = (6,), (7, 4), (7, 5, 3)

# -------------------------------------------------------------------------------- tensor operations

OPERATIONS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / (keras.activations.sigmoid(y) + 1),
    "divide": lambda x, y: ops.divide(x, ops.softplus(y)),
    "add": lambda x, y: ops.add(x, y),
    "x + x": lambda x, y: x + x,
    "scalars": lambda x, y: (2 - x) * 0.5 + 3 / (y * y + 1) - 1,
    "NumPy scalar": lambda x, y: x * np.float32(0.5) + y,
    "negative": lambda x, y: -x,
    "maximum": lambda x, y: ops.maximum(x, y),
    "minimum": lambda x, y: ops.minimum(0.25, ops.maximum(x, 0)),
    "concatenate": lambda x, y: ops.concatenate([x, y], axis=-1),
    "concatenate along axis 1": lambda x, y: ops.concatenate((x, y, x), axis=1),
    "reshape": lambda x, y: ops.reshape(x, (-1, 2, x.shape[-1] // 2, *x.shape[1:-1])),
    "softmax": lambda x, y: ops.softmax(x),
    "log_softmax": lambda x, y: ops.log_softmax(x, axis=-1),
    "activations": lambda x, y: keras.activations.relu(keras.activations.tanh(x)),
    "relu": lambda x, y: keras.activations.relu(x, negative_slope=0.25, max_value=1),
    "gelu": lambda x, y: keras.activations.gelu(x),
    "elu": lambda x, y: ops.elu(x, alpha=0.5) + keras.activations.elu(y),
    "leaky_relu": lambda x, y: ops.leaky_relu(x, negative_slope=0.1),
    **{
        name: lambda x, y, name=name: getattr(ops, name)(x)
        for name in (
            "exp",
            "hard_sigmoid",
            "hard_silu",
            "log_sigmoid",
            "relu",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "softplus",
            "softsign",
            "tanh",
        )
    },
}


@pytest.mark.parametrize("shape", [VECTORS, (7, 5, 4)], ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name, shape):
    def call(values):
        return OPERATIONS[name](values, layers.Dense(values.shape[-1])(values))

    assert_same_everywhere(new_model(shape, call, scale=0.4))


POOLS = {
    "mean": lambda x: ops.mean(x, axis=list(range(1, len(x.shape) - 1))),
    "max": lambda x: ops.max(x, axis=tuple(range(1, len(x.shape) - 1)), keepdims=True),
}


@pytest.mark.parametrize("shape", [SEQUENCES, IMAGES], ids=str)
@pytest.mark.parametrize("name", POOLS)
def test_pooling(name, shape):
    assert_same_everywhere(new_model(shape, POOLS[name]))


def test_pooling_along_one_axis():
    assert_same_everywhere(new_model(SEQUENCES, lambda x: ops.mean(x, axis=1)))
    assert not is_supported(IMAGES, lambda x: ops.mean(x, axis=1))
    assert not is_supported(SEQUENCES, lambda x: ops.max(x, axis=2))
    assert not is_supported(SEQUENCES, lambda x: ops.max(x, axis=1, initial=0.0))
    assert not is_supported(VECTORS, lambda x: x - ops.mean(x, axis=1, keepdims=True))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ops.square(x),
        lambda x: x**2,
        lambda x: x + np.ones(6, dtype="float32"),
        lambda x: x + ops.convert_to_tensor(2.0),
        lambda x: ops.gelu(x),
        lambda x: ops.softmax(x, axis=0),
        lambda x: ops.reshape(x, (-1, 3)),
        lambda x: ops.concatenate([x, x], axis=0),
        lambda x: ops.cast(x, "int32"),
        lambda x: ops.cast(x > 0, "float32"),
        lambda x: ops.add(x, ops.cast(x, "float16")),
        lambda x: x * float("inf"),
        # Keras converts the result to float64.
        lambda x: x * np.float64(0.5),
        lambda x: ops.expand_dims(x, -1) + x,
    ],
    ids=[
        "square",
        "power",
        "constant array",
        "constant tensor",
        "approximate gelu",
        "softmax along rows",
        "reshape of rows",
        "concatenate rows",
        "cast to integers",
        "comparison",
        "float16",
        "infinity",
        "float64 scalar",
        "broadcasting",
    ],
)
def test_unsupported_operations(call):
    assert not is_supported(VECTORS, call)


# ------------------------------------------------------------------------------- unsupported models


def is_supported(shape, call):
    inputs = keras.Input(shape)
    return graph_of(keras.Model(inputs, head(call(inputs)))) is not None


class OwnDense(layers.Dense):
    """A subclass that computes the same as its parent, which can't be detected."""


class OwnRelu(layers.Layer):
    def call(self, values):
        return ops.relu(values)


class OwnModel(keras.Model):
    """A functional model that overrides ``call``."""

    def call(self, values, training=None):
        return 2 * super().call(values, training=training)


def relu(values):
    """A user's function with the same name as Keras's."""
    return ops.maximum(values, 0.5)


def with_lora(values):
    layer = layers.Dense(4)
    result = layer(values)
    layer.enable_lora(2)
    return result


def with_replaced_call(values):
    layer = layers.Dense(4)
    layer.call = lambda inputs: layer.bias + inputs
    return layer(values)


def with_inner_model_of_two_outputs(values):
    inputs = keras.Input((6,))
    inner = keras.Model(inputs, [layers.Dense(4)(inputs), layers.Dense(4)(inputs)])
    first, second = inner(values)
    return first + second


def with_inner_model_of_integers(values):
    inputs = keras.Input((6,), dtype="int32")
    return keras.Model(inputs, layers.Embedding(9, 2)(inputs))(values)


def with_inner_model_of_another_rank(values):
    inputs = keras.Input((6, 1))
    return keras.Model(inputs, layers.Flatten()(inputs))(values)


UNSUPPORTED = {
    "custom layer": (VECTORS, lambda x: OwnRelu()(x)),
    "subclass of Dense": (VECTORS, lambda x: OwnDense(4)(x)),
    "custom activation function": (VECTORS, lambda x: layers.Dense(4, activation=relu)(x)),
    "custom function in Activation": (VECTORS, lambda x: layers.Activation(relu)(x)),
    "Lambda layer": (VECTORS, lambda x: layers.Lambda(lambda values: values)(x)),
    "sparsemax activation": (VECTORS, lambda x: layers.Dense(4, activation="sparsemax")(x)),
    "layer as activation": (VECTORS, lambda x: layers.Dense(4, layers.ReLU())(x)),
    "float16": (VECTORS, lambda x: layers.Dense(4, dtype="float16")(x)),
    "mixed_float16": (VECTORS, lambda x: layers.Dense(4, dtype="mixed_float16")(x)),
    "float64": (VECTORS, lambda x: layers.Dense(4, dtype="float64")(x)),
    "lora": (VECTORS, with_lora),
    "replaced call": (VECTORS, with_replaced_call),
    "inner model with two outputs": (VECTORS, with_inner_model_of_two_outputs),
    "inner model of integers": (VECTORS, with_inner_model_of_integers),
    "inner model of another rank": (VECTORS, with_inner_model_of_another_rank),
    "Masking": (SEQUENCES, lambda x: layers.Masking()(x)),
    "LSTM": (SEQUENCES, lambda x: layers.LSTM(3)(x)),
    "attention": (SEQUENCES, lambda x: layers.MultiHeadAttention(2, 3)(x, x)),
    "UnitNormalization": (VECTORS, lambda x: layers.UnitNormalization()(x)),
    "BatchNormalization along axis 1": (IMAGES, lambda x: layers.BatchNormalization(axis=1)(x)),
    "LayerNormalization along two axes": (
        IMAGES,
        lambda x: layers.LayerNormalization(axis=(1, 2))(x),
    ),
    "Softmax along axis 1": (IMAGES, lambda x: layers.Softmax(axis=1)(x)),
    "Softmax along two axes": (IMAGES, lambda x: layers.Softmax(axis=(1, 2))(x)),
    "Rescaling by an array": (VECTORS, lambda x: layers.Rescaling(np.arange(6.0))(x)),
    "grouped convolution": (IMAGES, lambda x: layers.Conv2D(3, 2, groups=3)(x)),
    "channels-first pooling": (
        IMAGES,
        lambda x: layers.MaxPooling2D(data_format="channels_first")(x),
    ),
    "channels-first Flatten": (IMAGES, lambda x: layers.Flatten("channels_first")(x)),
    "Add of two ranks": ((1, 6), lambda x: layers.Add()([x, layers.Reshape((6,))(x)])),
    "RandomFlip of sequences": (SEQUENCES, lambda x: layers.RandomFlip()(x)),
    "Concatenate along the batch": (VECTORS, lambda x: layers.Concatenate(axis=0)([x, x])),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_models(name):
    shape, call = UNSUPPORTED[name]
    assert not is_supported(shape, call)


# ------------------------------------------------------------------------------------------ masks


def masked(values, width=3):
    return layers.Embedding(9, width, mask_zero=True)(values)


MASKS = {
    "mean": lambda x: layers.GlobalAveragePooling1D()(masked(x)),
    "mean with keepdims": lambda x: layers.GlobalAveragePooling1D(keepdims=True)(masked(x)),
    "maximum": lambda x: layers.GlobalMaxPooling1D()(masked(x)),
    "flatten": lambda x: layers.Flatten()(masked(x)),
    "convolution": lambda x: layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3)(masked(x))),
    "operations": lambda x: layers.GlobalAveragePooling1D()(masked(x) * 2),
    "layers in between": lambda x: layers.GlobalAveragePooling1D()(
        layers.Dropout(0.5)(
            layers.BatchNormalization()(layers.Dense(4, activation="relu")(masked(x)))
        )
    ),
    "computed ids": lambda x: layers.GlobalAveragePooling1D()(masked(ops.maximum(x - 1, 0))),
    "two masks": lambda x: layers.Concatenate()(
        [layers.GlobalAveragePooling1D()(masked(value)) for value in (x, ops.relu(x - 3))]
    ),
}
# Layers that use the mask differently, or pass it on in ways that a graph doesn't represent.
UNSUPPORTED_MASKS = {
    "softmax": lambda x: layers.Softmax()(masked(x, width=6)),
    "recurrent": lambda x: layers.LSTM(3)(masked(x)),
    "sum of two masked tensors": lambda x: layers.GlobalAveragePooling1D()(
        layers.Add()([masked(x), masked(x)])
    ),
    "image augmentation": lambda x: layers.GlobalAveragePooling1D()(
        layers.Reshape((6, 3))(layers.RandomFlip()(layers.Reshape((6, 3, 1))(masked(x))))
    ),
    "mask into inner model": lambda x: keras.Sequential([layers.GlobalAveragePooling1D()])(
        masked(x)
    ),
    "mask out of inner model": lambda x: layers.GlobalAveragePooling1D()(
        keras.Sequential([layers.Embedding(9, 3, mask_zero=True)])(x)
    ),
    "mask as values": lambda x: ops.cast(ops.not_equal(x, 0), "float32"),
    "comparison": lambda x: ops.cast(ops.not_equal(x, x + 1), "float32"),
    "explicit mask": lambda x: layers.GlobalAveragePooling1D()(
        layers.Embedding(9, 3)(x), mask=ops.not_equal(x, 1)
    ),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(name):
    ids = np.random.RandomState(1).randint(9, size=(20, 6))
    ids[:, 3:] *= np.random.RandomState(2).randint(2, size=(20, 3))
    ids[0] = 8  # no padding
    assert_same_everywhere(new_model(VECTORS, MASKS[name]), ids + (ids.sum(axis=1) == 0)[:, None])


@pytest.mark.parametrize("name", UNSUPPORTED_MASKS)
def test_unsupported_masks(name):
    assert not is_supported(VECTORS, UNSUPPORTED_MASKS[name])


def test_mean_of_only_padding_is_nan_as_in_keras():
    model = new_model(VECTORS, MASKS["mean"])
    found = graph_of(model).logits(model.get_weights(), np.zeros((2, 6)))
    assert np.isnan(found).all()
    assert np.isnan(model(np.zeros((2, 6), dtype="float32"))).all()


# ------------------------------------------------------------------------------- inputs and outputs


def input_and_output(shape=VECTORS, **options):
    inputs = keras.Input(shape, **options)
    return inputs, head(inputs)


def test_unsupported_inputs_and_outputs():
    first, second = keras.Input(VECTORS), keras.Input(VECTORS)
    shared = layers.Dense(4)(first)
    for inputs, outputs in (
        ([first, second], head(layers.Add()([first, second]))),
        (first, [head(shared), layers.Dense(2)(shared)]),
        (first, layers.Activation("relu")(head(first))),
        (keras.Input(SEQUENCES), None),
        input_and_output(dtype="int32"),
        input_and_output(dtype="float64"),
        input_and_output(batch_size=4),
    ):
        outputs = layers.Dense(2)(inputs) if outputs is None else outputs
        assert graph_of(keras.Model(inputs, outputs)) is None


def test_custom_models_are_unsupported():
    assert graph_of(keras.Model(*input_and_output())) is not None
    assert graph_of(OwnModel(*input_and_output())) is None
    model = keras.Model(*input_and_output())
    model.call = lambda values: values
    assert graph_of(model) is None
    inputs = keras.Input(VECTORS)
    inner = OwnModel(*input_and_output())
    assert graph_of(keras.Model(inputs, head(inner(inputs)))) is None


def test_variable_lengths_are_unsupported():
    inputs = keras.Input((None, 4))
    values = layers.GlobalAveragePooling1D()(layers.Conv1D(3, 3)(inputs))
    assert graph_of(keras.Model(inputs, head(values))) is None


def test_unused_weights_are_unsupported():
    # A file has all weights of the model, but the graph has no place for unused ones.
    model = keras.Model(*input_and_output())
    model.other = layers.Dense(2)
    model.other.build((None, 6))
    assert len(model.weights) == 2 or graph_of(model) is None


def test_batch_renormalization_is_unsupported():
    if "renorm" not in inspect.signature(layers.BatchNormalization).parameters:
        pytest.skip("needs a newer version of Keras")
    assert not is_supported(VECTORS, layers.BatchNormalization(renorm=True))


def test_quantized_layers_are_unsupported():
    model = keras.Model(*input_and_output())
    model.layers[-1].quantize("int8")
    assert graph_of(model) is None


def test_missing_keras_graph_attribute_is_unsupported(monkeypatch):
    model = keras.Model(*input_and_output())
    monkeypatch.delattr(
        type(model.outputs[0]._keras_history.operation._inbound_nodes[0]), "input_tensors"
    )
    assert graph_of(model) is None


# --------------------------------------------------------------------------- other supported models


def test_inner_model_of_variable_size():
    inputs = keras.Input((None, None, 3))
    inner = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.GlobalMaxPooling2D()])
    inner = keras.Model(inputs, inner(inputs))
    assert_same_everywhere(new_model(IMAGES, inner))


@pytest.mark.parametrize("training", [None, False, True])
def test_prediction_overrides_training_argument(training):
    def call(values):
        values = layers.Dropout(0.5)(values, training=training)
        return layers.BatchNormalization()(layers.GaussianNoise(1.0)(values, training=training))

    assert_same_everywhere(new_model(VECTORS, call))


def test_frozen_layers():
    def call(values):
        layer = layers.BatchNormalization(trainable=False)
        return layers.Dense(4, trainable=False)(layer(values))

    model = new_model(VECTORS, call)
    assert_same_everywhere(model)
    model.layers[1].trainable = True
    model.layers[-1].trainable = False
    assert_same_everywhere(model)


def test_weights_in_another_order_than_layers():
    inputs = keras.Input(VECTORS)
    last, first = layers.Dense(4), layers.Dense(5)
    late = layers.BatchNormalization()
    values = layers.Concatenate()([late(inputs), last(first(inputs)), first(inputs)])
    model = keras.Model(inputs, head(values))
    for number, weight in enumerate(model.weights):
        weight.assign(np.full(weight.shape, 0.1 * (number + 1)))
    assert_same_everywhere(model)


def test_constraints_and_penalties_do_not_change_logits():
    def call(values):
        options = {"kernel_regularizer": "l2", "kernel_constraint": "non_neg"}
        return layers.Dense(4, activity_regularizer="l1", **options)(values)

    assert_same_everywhere(new_model(VECTORS, call))
