"""Graphs of layers: each kind held to Keras's own and to onnxruntime."""

import keras
import numpy as np
import pytest
from graph_nets import assert_same_everywhere, head, new_model
from keras import layers
from scipy import sparse

from skclf.nets import GraphNet, graph_from_state, graph_of
from skclf.nets._activations import ACTIVATIONS

RNG = np.random.RandomState(0)
PADDINGS = ("valid", "same")


def body(*hidden):
    """A function from an input to the value after some layers."""

    def call(values):
        for layer in hidden:
            values = layer(values)
        return values

    return call


# ------------------------------------------------------------------------------------- each layer

VECTORS, SEQUENCES, IMAGES = (6,), (7, 4), (7, 5, 3)
OF_ANY_RANK = {
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
@pytest.mark.parametrize("name", OF_ANY_RANK)
def test_layers_of_any_rank(name, shape):
    assert_same_everywhere(new_model(shape, body(OF_ANY_RANK[name]())))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [VECTORS, IMAGES], ids=str)
def test_activations(name, shape):
    # The same value feeds two layers, neither of which may change it.
    def call(values):
        values = layers.Dense(4)(values)
        first = layers.Activation(name)(values)
        return layers.Concatenate()([layers.Dense(3, activation=name)(values), first, values])

    assert_same_everywhere(new_model(shape, call, scale=0.4))


OF_SEQUENCES = {
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
OF_IMAGES = {
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


@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_layers_of_sequences(name):
    assert_same_everywhere(new_model(SEQUENCES, body(OF_SEQUENCES[name]())))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_layers_of_images(name):
    assert_same_everywhere(new_model(IMAGES, body(OF_IMAGES[name]())))


NORMALIZATIONS = {
    "numbers": {"axis": None, "mean": 0.5, "variance": 4.0},
    "numbers of channels": {"mean": [0.5, 0, -1, 2], "variance": [1, 0, 4, 2]},
    "a number for all channels": {"mean": 0.5, "variance": 4.0, "axis": 2},
    "inverted": {"mean": [0.5, 0, -1, 2], "variance": [1, 0, 4, 2], "invert": True},
    "adapted": {},
    "adapted and inverted": {"invert": True},
}


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_normalizations(name):
    layer = layers.Normalization(**NORMALIZATIONS[name])
    if name.startswith("adapted"):
        layer.adapt(np.random.RandomState(1).normal(2, 3, size=(20, *SEQUENCES)))
    inputs = keras.Input(SEQUENCES)
    assert_same_everywhere(keras.Model(inputs, head(layer(inputs))), tolerance=1e-4)


# -------------------------------------------------------------------- convolutions and their pools


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("steps", [{}, {"strides": 2}, {"dilation_rate": 2}])
def test_convolutions_of_each_channel(steps, multiplier, padding):
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
def test_windows_of_sequences(size, strides, padding):
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
def test_windows_of_images(size, strides, padding):
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
def test_pools_without_strides_of_their_own(size, padding):
    call = body(layers.MaxPooling2D(size, padding=padding), layers.AveragePooling2D(1))
    assert_same_everywhere(new_model((7, 5, 2), call))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dilation", [2, (1, 2), (3, 1)])
def test_convolutions_with_gaps(dilation, padding):
    call = body(layers.Conv2D(3, (3, 2), dilation_rate=dilation, padding=padding))
    assert_same_everywhere(new_model((8, 6, 2), call))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (2, 1, 3)])
def test_kernels_larger_than_images(shape):
    options = {"padding": "same", "strides": 2}
    call = body(layers.Conv2D(2, (5, 4), **options), layers.MaxPooling2D((3, 4), **options))
    assert_same_everywhere(new_model(shape, call))


def test_large_images_are_convolved_in_pieces(monkeypatch):
    model = new_model((20, 9, 3), body(layers.Conv2D(4, 3, padding="same", strides=(2, 1))))
    net, weights = graph_of(model), model.get_weights()
    X = np.random.RandomState(1).normal(size=(5, 540))
    expected = net.logits(weights, X)
    for most in (1, 2000, 10_000):
        monkeypatch.setattr("skclf.nets._window_arithmetic._MOST_VALUES", most)
        np.testing.assert_allclose(net.logits(weights, X), expected, rtol=1e-12)


def test_padding_is_never_a_maximum_nor_counted():
    pools = [kind(3, 2, padding="same") for kind in (layers.MaxPooling2D, layers.AveragePooling2D)]
    model = new_model((5, 4, 2), lambda values: layers.Concatenate()([p(values) for p in pools]))
    assert_same_everywhere(model, -np.random.RandomState(1).uniform(100, 101, size=(6, 40)))


# ------------------------------------------------------------------------------------ nets of many


def residual(values):
    def block(values, filters):
        inner = layers.Conv2D(filters, 3, padding="same", use_bias=False)(values)
        inner = layers.BatchNormalization()(inner)
        inner = layers.Activation("relu")(inner)
        inner = layers.Conv2D(filters, 3, padding="same")(inner)
        inner = layers.BatchNormalization()(inner)
        if values.shape[-1] != filters:
            values = layers.Conv2D(filters, 1)(values)
        return layers.ReLU()(layers.Add()([inner, values]))

    values = layers.Rescaling(1 / 255)(values)
    for filters in (4, 4, 6):
        values = block(values, filters)
    return layers.GlobalAveragePooling2D()(values)


def inception(values):
    values = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(values)
    towers = [
        layers.Conv2D(2, 1, activation="relu")(values),
        layers.Conv2D(3, 3, padding="same")(layers.Conv2D(2, 1, activation="relu")(values)),
        layers.Conv2D(2, 1)(layers.MaxPooling2D(3, strides=1, padding="same")(values)),
        layers.AveragePooling2D(3, strides=1, padding="same")(values),
    ]
    return layers.Flatten()(layers.Concatenate()(towers))


def lenet(values):
    values = layers.Conv2D(6, 5, activation="tanh", padding="same")(values)
    values = layers.AveragePooling2D(2, 2)(values)
    values = layers.Conv2D(16, 5, activation="tanh")(values)
    values = layers.AveragePooling2D(2, 2)(values)
    values = layers.Dropout(0.3)(layers.Flatten()(values))
    return layers.Dense(20, activation="tanh")(values)


def separable(values):
    values = layers.Conv2D(4, 3, use_bias=False)(values)
    for filters in (6, 8):
        before = values
        values = layers.Activation("relu")(layers.BatchNormalization()(values))
        values = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(values)
        values = layers.MaxPooling2D(3, strides=2, padding="same")(values)
        before = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(before)
        values = layers.add([values, before])
    return layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(values))


def squeeze_and_excite(values):
    values = layers.Conv2D(8, 3)(values)
    gates = layers.GlobalAveragePooling2D()(values)
    gates = layers.Reshape((1, 1, 8))(layers.Dense(8, activation="sigmoid")(gates))
    return layers.GlobalMaxPooling2D()(layers.Multiply()([values, gates]))


def wide_and_deep(values):
    deep = body(layers.Dense(8, activation="relu"), layers.Dense(4, activation="selu"))(values)
    return layers.Concatenate()([values, deep])


def twice_the_same(values):
    shared = layers.Dense(values.shape[-1], activation="relu")
    once = shared(values)
    return layers.Subtract()([shared(once), layers.Average()([values, once, values])])


def extremes(values):
    others = [layers.Dense(5)(values) for _ in range(3)]
    return layers.Maximum()([layers.Minimum()(others), layers.Multiply()(others)])


NETS = {
    "residual": (residual, (9, 8, 3)),
    "inception": (inception, (9, 8, 3)),
    "lenet": (lenet, (20, 20, 1)),
    "separable": (separable, (15, 14, 3)),
    "squeeze and excite": (squeeze_and_excite, (6, 6, 2)),
    "wide and deep": (wide_and_deep, (6,)),
    "twice the same": (twice_the_same, (6,)),
    "extremes": (extremes, (6,)),
}


@pytest.mark.parametrize("name", NETS)
def test_nets(name):
    call, shape = NETS[name]
    assert_same_everywhere(new_model(shape, call))


@pytest.mark.parametrize("axis", [-3, -2, -1, 1, 2, 3])
def test_concatenation_along_any_axis(axis):
    call = body(lambda values: layers.Concatenate(axis=axis)([values, values, values]))
    assert_same_everywhere(new_model(IMAGES, call))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_models_inside_models(n_outputs):
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.BatchNormalization()])
    inputs = keras.Input((6,))
    outer = keras.Model(inputs, layers.Add()([inner(inputs), inner(inner(inputs))]))
    model = new_model((6,), body(outer, layers.ReLU()), n_outputs=n_outputs)
    assert len(graph_of(model).nodes) == 9
    assert_same_everywhere(model)


def test_a_model_inside_the_model_that_it_is_a_part_of():
    inputs = keras.Input((6,))
    hidden = layers.Dense(4, activation="relu")(inputs)
    part = keras.Model(inputs, hidden)
    again = part(inputs + 1)
    for values in ([hidden, again], [again, hidden], [again, inputs, part(part.input), hidden]):
        model = keras.Model(inputs, head(layers.Concatenate()(values)))
        for weight in model.weights:
            weight.assign(np.random.RandomState(1).normal(size=weight.shape))
        assert_same_everywhere(model)


def test_part_of_another_model():
    inputs = keras.Input((6,))
    first = layers.Dense(4, activation="relu")(inputs)
    whole = keras.Model(inputs, layers.Dense(9)(first))
    assert_same_everywhere(new_model((6,), keras.Model(whole.input, whole.layers[1].output)))


def test_a_deep_net():
    model = new_model((3,), body(*(layers.Rescaling(1.0) for _ in range(300))))
    assert len(graph_of(model).nodes) == 301


# ------------------------------------------------------------------------------------------- texts


def text_cnn(values):
    values = layers.Embedding(30, 6)(values)
    towers = [layers.Conv1D(4, size, activation="relu")(values) for size in (2, 3)]
    towers = [layers.GlobalMaxPooling1D()(tower) for tower in towers]
    return layers.Concatenate()(towers)


def ids(n_rows, n_steps, n_ids=30):
    return np.random.RandomState(1).randint(n_ids, size=(n_rows, n_steps))


@pytest.mark.parametrize(
    "call",
    [
        text_cnn,
        body(layers.Embedding(30, 6), layers.GlobalAveragePooling1D()),
        body(layers.Embedding(30, 6), layers.Flatten()),
    ],
)
def test_texts(call):
    assert_same_everywhere(new_model((12,), call), ids(20, 12))


def test_ids_are_cut_at_the_point():
    model = new_model((4,), body(layers.Embedding(30, 6), layers.Flatten()))
    net, weights = graph_of(model), model.get_weights()
    whole = np.arange(4.0).reshape(1, 4)
    np.testing.assert_array_equal(net.logits(weights, whole), net.logits(weights, whole + 0.75))
    assert_same_everywhere(model, np.array([[-0.5, 0.5, 29.5, 3]]))


@pytest.mark.parametrize(
    ("strange", "named"), [(30, "30"), (-1, "-1"), (1e12, "1e+12"), (np.nan, "nan")]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ids_without_a_vector_are_refused(strange, named, dtype):
    model = new_model((4,), body(layers.Embedding(30, 6), layers.Flatten()))
    X = np.zeros((3, 4), dtype=dtype)
    X[1, 2] = strange
    message = rf"Got the id {named.replace('+', '.')}; expected ids from 0 to 29.*input_dim=30\."
    with pytest.raises(ValueError, match=message):
        graph_of(model).logits(model.get_weights(), X)


# -------------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize("n_rows", [0, 1, 999, 5000])
def test_any_number_of_rows(n_rows, monkeypatch):
    # Some hundred rows at a time.
    monkeypatch.setattr("skclf.nets._graph._VALUES_PER_CHUNK", 50_000)
    model = new_model((6, 6, 2), inception)
    net, weights = graph_of(model), model.get_weights()
    X = np.random.RandomState(1).normal(size=(n_rows, 72))
    found = net.logits(weights, X)
    assert found.shape == (n_rows, 3)
    assert found.dtype == np.float64
    if n_rows > 1:
        np.testing.assert_allclose(net.logits(weights, X[-2:]), found[-2:], rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETS)
def test_rows_stay_as_they_are(name, dtype):
    call, shape = NETS[name]
    model = new_model(shape, call)
    X = np.random.RandomState(1).normal(size=(5, int(np.prod(shape)))).astype(dtype)
    weights = model.get_weights()
    copies = [array.copy() for array in (X, *weights)]
    X.setflags(write=False)
    graph_of(model).logits(weights, X)
    for array, copy in zip((X, *weights), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_float64_rows_are_computed_in_float64():
    model = new_model((6,), wide_and_deep)
    net, weights = graph_of(model), model.get_weights()
    X = np.random.RandomState(1).normal(size=(50, 6))
    exact = net.logits([weight.astype(np.float64) for weight in weights], X)
    np.testing.assert_array_equal(net.logits(weights, X), exact)
    assert 0 < np.abs(net.logits(weights, X.astype(np.float32)) - exact).max() < 1e-5


@pytest.mark.parametrize(
    "call",
    [
        body(layers.Dense(4, activation="relu")),
        body(layers.Dropout(0.5), layers.Dense(4), layers.BatchNormalization()),
        lambda values: layers.Add()([layers.Dense(4)(values), layers.Dense(4)(values)]),
        # What works on the rows themselves makes them dense.
        body(layers.BatchNormalization()),
        wide_and_deep,
        body(layers.Reshape((5, 6)), layers.Conv1D(2, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows(call, dtype):
    model = new_model((30,), call)
    net, weights = graph_of(model), model.get_weights()
    X = sparse.random(50, 30, density=0.2, format="csr", dtype=dtype, random_state=1)
    found = net.logits(weights, X)
    np.testing.assert_allclose(found, net.logits(weights, X.toarray()), atol=1e-5)
    for kind in (sparse.csr_array, sparse.csr_matrix):
        np.testing.assert_array_equal(net.logits(weights, kind(X)), found)


def test_a_model_of_sparse_rows():
    inputs = keras.Input((30,), sparse=True)
    model = keras.Model(inputs, head(layers.Dense(4)(inputs)))
    assert isinstance(graph_of(model), GraphNet)


# ------------------------------------------------------------------------------------------ values


def test_what_a_net_says_of_itself():
    net = graph_of(new_model((6,), twice_the_same))
    assert (net.input_shape, net.n_outputs, net.takes_images) == ((6,), 3, False)
    assert net.output_layer.units == 3
    assert net.unknown_layers == []
    assert net.weight_shapes() == [(6, 6), (6,), (6, 3), (3,)]
    assert hash(net) == hash(graph_from_state(net.to_state()))


@pytest.mark.parametrize("name", NETS)
def test_weights_have_the_shapes_of_kerass(name):
    call, shape = NETS[name]
    model = new_model(shape, call)
    assert graph_of(model).weight_shapes() == [each.shape for each in model.get_weights()]
