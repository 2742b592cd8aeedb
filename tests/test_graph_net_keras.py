"""Which Keras models become graphs, and which ones Keras alone can compute."""

import inspect

import keras
import numpy as np
import pytest
from graph_nets import assert_same_everywhere, head, new_model
from keras import layers, ops

from skclf.nets import graph_of

# Keras says so of each layer behind an Embedding with a mask.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning")

VECTORS, SEQUENCES, IMAGES = (6,), (7, 4), (7, 5, 3)

# --------------------------------------------------------------------------- operations of tensors

OPERATIONS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / (keras.activations.sigmoid(y) + 1),
    "divide": lambda x, y: ops.divide(x, ops.softplus(y)),
    "add": lambda x, y: ops.add(x, y),
    "x + x": lambda x, y: x + x,
    "numbers": lambda x, y: (2 - x) * 0.5 + 3 / (y * y + 1) - 1,
    "a number of NumPy": lambda x, y: x * np.float32(0.5) + y,
    "negative": lambda x, y: -x,
    "maximum": lambda x, y: ops.maximum(x, y),
    "minimum": lambda x, y: ops.minimum(0.25, ops.maximum(x, 0)),
    "concatenate": lambda x, y: ops.concatenate([x, y], axis=-1),
    "concatenate along another axis": lambda x, y: ops.concatenate((x, y, x), axis=1),
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
def test_pools(name, shape):
    assert_same_everywhere(new_model(shape, POOLS[name]))


def test_a_pool_of_one_axis():
    assert_same_everywhere(new_model(SEQUENCES, lambda x: ops.mean(x, axis=1)))
    assert not is_known(IMAGES, lambda x: ops.mean(x, axis=1))
    assert not is_known(SEQUENCES, lambda x: ops.max(x, axis=2))
    assert not is_known(SEQUENCES, lambda x: ops.max(x, axis=1, initial=0.0))
    assert not is_known(VECTORS, lambda x: x - ops.mean(x, axis=1, keepdims=True))


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
        # Keras makes float64 of it.
        lambda x: x * np.float64(0.5),
        lambda x: ops.expand_dims(x, -1) + x,
    ],
)
def test_operations_that_are_not_known(call):
    assert not is_known(VECTORS, call)


# ----------------------------------------------------------------------------------- what is known


def is_known(shape, call):
    inputs = keras.Input(shape)
    return graph_of(keras.Model(inputs, head(call(inputs)))) is not None


class OwnDense(layers.Dense):
    """A subclass that computes what its parent does, which nobody can see from outside."""


class OwnRelu(layers.Layer):
    def call(self, values):
        return ops.relu(values)


class OwnModel(keras.Model):
    """A functional model with a call of its own."""

    def call(self, values, training=None):
        return 2 * super().call(values, training=training)


def relu(values):
    """A function of the user's own with the name of Keras's."""
    return ops.maximum(values, 0.5)


def with_lora(values):
    layer = layers.Dense(4)
    result = layer(values)
    layer.enable_lora(2)
    return result


def with_a_call_of_its_own(values):
    layer = layers.Dense(4)
    layer.call = lambda inputs: layer.bias + inputs
    return layer(values)


def with_two_outputs_inside(values):
    inputs = keras.Input((6,))
    inner = keras.Model(inputs, [layers.Dense(4)(inputs), layers.Dense(4)(inputs)])
    first, second = inner(values)
    return first + second


def of_whole_numbers_inside(values):
    inputs = keras.Input((6,), dtype="int32")
    return keras.Model(inputs, layers.Embedding(9, 2)(inputs))(values)


def of_another_rank_inside(values):
    inputs = keras.Input((6, 1))
    return keras.Model(inputs, layers.Flatten()(inputs))(values)


NOT_KNOWN = {
    "a layer of the user's own": (VECTORS, lambda x: OwnRelu()(x)),
    "a subclass": (VECTORS, lambda x: OwnDense(4)(x)),
    "a function of the user's own": (VECTORS, lambda x: layers.Dense(4, activation=relu)(x)),
    "such a function as a layer": (VECTORS, lambda x: layers.Activation(relu)(x)),
    "a lambda": (VECTORS, lambda x: layers.Lambda(lambda values: values)(x)),
    "another activation": (VECTORS, lambda x: layers.Dense(4, activation="sparsemax")(x)),
    "a layer as an activation": (VECTORS, lambda x: layers.Dense(4, layers.ReLU())(x)),
    "float16": (VECTORS, lambda x: layers.Dense(4, dtype="float16")(x)),
    "mixed": (VECTORS, lambda x: layers.Dense(4, dtype="mixed_float16")(x)),
    "float64": (VECTORS, lambda x: layers.Dense(4, dtype="float64")(x)),
    "lora": (VECTORS, with_lora),
    "a call of its own": (VECTORS, with_a_call_of_its_own),
    "two outputs inside": (VECTORS, with_two_outputs_inside),
    "whole numbers inside": (VECTORS, of_whole_numbers_inside),
    "another rank inside": (VECTORS, of_another_rank_inside),
    "masking": (SEQUENCES, lambda x: layers.Masking()(x)),
    "a layer that remembers": (SEQUENCES, lambda x: layers.LSTM(3)(x)),
    "attention": (SEQUENCES, lambda x: layers.MultiHeadAttention(2, 3)(x, x)),
    "unit normalization": (VECTORS, lambda x: layers.UnitNormalization()(x)),
    "another axis": (IMAGES, lambda x: layers.BatchNormalization(axis=1)(x)),
    "axes": (IMAGES, lambda x: layers.LayerNormalization(axis=(1, 2))(x)),
    "softmax of another axis": (IMAGES, lambda x: layers.Softmax(axis=1)(x)),
    "softmax of axes": (IMAGES, lambda x: layers.Softmax(axis=(1, 2))(x)),
    "scales": (VECTORS, lambda x: layers.Rescaling(np.arange(6.0))(x)),
    "groups": (IMAGES, lambda x: layers.Conv2D(3, 2, groups=3)(x)),
    "channels first": (IMAGES, lambda x: layers.MaxPooling2D(data_format="channels_first")(x)),
    "flattened with channels first": (IMAGES, lambda x: layers.Flatten("channels_first")(x)),
    "two ranks": ((1, 6), lambda x: layers.Add()([x, layers.Reshape((6,))(x)])),
    "an image that isn't one": (SEQUENCES, lambda x: layers.RandomFlip()(x)),
    "a batch": (VECTORS, lambda x: layers.Concatenate(axis=0)([x, x])),
}


@pytest.mark.parametrize("name", NOT_KNOWN)
def test_models_that_are_not_known(name):
    shape, call = NOT_KNOWN[name]
    assert not is_known(shape, call)


# ------------------------------------------------------------------------------------------ masks


def masked(values, width=3):
    return layers.Embedding(9, width, mask_zero=True)(values)


WITH_MASKS = {
    "the mean": lambda x: layers.GlobalAveragePooling1D()(masked(x)),
    "the mean that stays": lambda x: layers.GlobalAveragePooling1D(keepdims=True)(masked(x)),
    "the maximum": lambda x: layers.GlobalMaxPooling1D()(masked(x)),
    "flattened": lambda x: layers.Flatten()(masked(x)),
    "convolved": lambda x: layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3)(masked(x))),
    "operations": lambda x: layers.GlobalAveragePooling1D()(masked(x) * 2),
    "layers between": lambda x: layers.GlobalAveragePooling1D()(
        layers.Dropout(0.5)(
            layers.BatchNormalization()(layers.Dense(4, activation="relu")(masked(x)))
        )
    ),
    "ids that are computed": lambda x: layers.GlobalAveragePooling1D()(
        masked(ops.maximum(x - 1, 0))
    ),
    "two of them": lambda x: layers.Concatenate()(
        [layers.GlobalAveragePooling1D()(masked(value)) for value in (x, ops.relu(x - 3))]
    ),
}
# Layers that would take the mask otherwise, or hand it on in ways that the graph doesn't say.
MASKS_THAT_ARE_NOT_KNOWN = {
    "softmax": lambda x: layers.Softmax()(masked(x, width=6)),
    "recurrent": lambda x: layers.LSTM(3)(masked(x)),
    "a sum of two": lambda x: layers.GlobalAveragePooling1D()(layers.Add()([masked(x), masked(x)])),
    "an image": lambda x: layers.GlobalAveragePooling1D()(
        layers.Reshape((6, 3))(layers.RandomFlip()(layers.Reshape((6, 3, 1))(masked(x))))
    ),
    "into a model": lambda x: keras.Sequential([layers.GlobalAveragePooling1D()])(masked(x)),
    "out of a model": lambda x: layers.GlobalAveragePooling1D()(
        keras.Sequential([layers.Embedding(9, 3, mask_zero=True)])(x)
    ),
    "the mask itself": lambda x: ops.cast(ops.not_equal(x, 0), "float32"),
    "a comparison": lambda x: ops.cast(ops.not_equal(x, x + 1), "float32"),
    "another mask": lambda x: layers.GlobalAveragePooling1D()(
        layers.Embedding(9, 3)(x), mask=ops.not_equal(x, 1)
    ),
}


@pytest.mark.parametrize("name", WITH_MASKS)
def test_masks(name):
    ids = np.random.RandomState(1).randint(9, size=(20, 6))
    ids[:, 3:] *= np.random.RandomState(2).randint(2, size=(20, 3))
    ids[0] = 8  # no padding
    assert_same_everywhere(
        new_model(VECTORS, WITH_MASKS[name]), ids + (ids.sum(axis=1) == 0)[:, None]
    )


@pytest.mark.parametrize("name", MASKS_THAT_ARE_NOT_KNOWN)
def test_masks_that_are_not_known(name):
    assert not is_known(VECTORS, MASKS_THAT_ARE_NOT_KNOWN[name])


def test_the_mean_of_padding_alone_is_kerass():
    model = new_model(VECTORS, WITH_MASKS["the mean"])
    found = graph_of(model).logits(model.get_weights(), np.zeros((2, 6)))
    assert np.isnan(found).all()
    assert np.isnan(model(np.zeros((2, 6), dtype="float32"))).all()


# ------------------------------------------------------------------------------------------- ends


def ends(shape=VECTORS, **options):
    inputs = keras.Input(shape, **options)
    return inputs, head(inputs)


def test_models_with_other_ends_are_not_known():
    first, second = keras.Input(VECTORS), keras.Input(VECTORS)
    shared = layers.Dense(4)(first)
    for inputs, outputs in (
        ([first, second], head(layers.Add()([first, second]))),
        (first, [head(shared), layers.Dense(2)(shared)]),
        (first, layers.Activation("relu")(head(first))),
        (keras.Input(SEQUENCES), None),
        ends(dtype="int32"),
        ends(dtype="float64"),
        ends(batch_size=4),
    ):
        outputs = layers.Dense(2)(inputs) if outputs is None else outputs
        assert graph_of(keras.Model(inputs, outputs)) is None


def test_models_of_the_users_own_are_not_known():
    assert graph_of(keras.Model(*ends())) is not None
    assert graph_of(OwnModel(*ends())) is None
    model = keras.Model(*ends())
    model.call = lambda values: values
    assert graph_of(model) is None
    inputs = keras.Input(VECTORS)
    inner = OwnModel(*ends())
    assert graph_of(keras.Model(inputs, head(inner(inputs)))) is None


def test_models_of_open_lengths_are_not_known():
    inputs = keras.Input((None, 4))
    values = layers.GlobalAveragePooling1D()(layers.Conv1D(3, 3)(inputs))
    assert graph_of(keras.Model(inputs, head(values))) is None


def test_weights_that_change_nothing_are_not_known():
    # A file holds all weights of the model, of which the graph wouldn't know these.
    model = keras.Model(*ends())
    model.other = layers.Dense(2)
    model.other.build((None, 6))
    assert len(model.weights) == 2 or graph_of(model) is None


def test_batch_renormalization_is_not_known():
    if "renorm" not in inspect.signature(layers.BatchNormalization).parameters:
        pytest.skip("an option of newer versions of Keras")
    assert not is_known(VECTORS, layers.BatchNormalization(renorm=True))


def test_quantized_layers_are_not_known():
    model = keras.Model(*ends())
    model.layers[-1].quantize("int8")
    assert graph_of(model) is None


def test_a_graph_that_is_kept_in_another_way_is_not_known(monkeypatch):
    model = keras.Model(*ends())
    monkeypatch.delattr(
        type(model.outputs[0]._keras_history.operation._inbound_nodes[0]), "input_tensors"
    )
    assert graph_of(model) is None


# ---------------------------------------------------------------------------- what is known as well


def test_a_model_inside_the_model_with_open_lengths():
    inputs = keras.Input((None, None, 3))
    inner = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.GlobalMaxPooling2D()])
    inner = keras.Model(inputs, inner(inputs))
    assert_same_everywhere(new_model(IMAGES, inner))


@pytest.mark.parametrize("training", [None, False, True])
def test_a_model_that_predicts_overrides_training(training):
    def call(values):
        values = layers.Dropout(0.5)(values, training=training)
        return layers.BatchNormalization()(layers.GaussianNoise(1.0)(values, training=training))

    assert_same_everywhere(new_model(VECTORS, call))


def test_layers_that_are_frozen():
    def call(values):
        layer = layers.BatchNormalization(trainable=False)
        return layers.Dense(4, trainable=False)(layer(values))

    model = new_model(VECTORS, call)
    assert_same_everywhere(model)
    model.layers[1].trainable = True
    model.layers[-1].trainable = False
    assert_same_everywhere(model)


def test_layers_are_in_another_order_than_their_weights():
    inputs = keras.Input(VECTORS)
    last, first = layers.Dense(4), layers.Dense(5)
    late = layers.BatchNormalization()
    values = layers.Concatenate()([late(inputs), last(first(inputs)), first(inputs)])
    model = keras.Model(inputs, head(values))
    for number, weight in enumerate(model.weights):
        weight.assign(np.full(weight.shape, 0.1 * (number + 1)))
    assert_same_everywhere(model)


def test_constraints_and_penalties_change_nothing():
    def call(values):
        options = {"kernel_regularizer": "l2", "kernel_constraint": "non_neg"}
        return layers.Dense(4, activity_regularizer="l1", **options)(values)

    assert_same_everywhere(new_model(VECTORS, call))
