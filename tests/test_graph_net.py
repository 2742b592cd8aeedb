"""Graphs of many layers, compared with Keras and onnxruntime; their rows and properties."""

import keras
import numpy as np
import pytest
from graph_bodies import IMAGES, NETS, body, inception, twice_the_same, wide_and_deep
from graph_nets import assert_same_everywhere, head, new_model
from keras import layers
from scipy import sparse

from skclf.nets import GraphNet, graph_from_state, graph_of

# --------------------------------------------------------------------------------------------- nets


@pytest.mark.parametrize("name", NETS)
def test_nets_match_keras(name):
    call, shape = NETS[name]
    assert_same_everywhere(new_model(shape, call))


@pytest.mark.parametrize("axis", [-3, -2, -1, 1, 2, 3])
def test_concatenation_along_any_axis_matches_keras(axis):
    call = body(lambda values: layers.Concatenate(axis=axis)([values, values, values]))
    assert_same_everywhere(new_model(IMAGES, call))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_nested_models_match_keras(n_outputs):
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.BatchNormalization()])
    inputs = keras.Input((6,))
    outer = keras.Model(inputs, layers.Add()([inner(inputs), inner(inner(inputs))]))
    model = new_model((6,), body(outer, layers.ReLU()), n_outputs=n_outputs)
    assert len(graph_of(model).nodes) == 9
    assert_same_everywhere(model)


def test_a_part_of_a_model_can_be_a_layer_of_it():
    inputs = keras.Input((6,))
    hidden = layers.Dense(4, activation="relu")(inputs)
    part = keras.Model(inputs, hidden)
    again = part(inputs + 1)
    for values in ([hidden, again], [again, hidden], [again, inputs, part(part.input), hidden]):
        model = keras.Model(inputs, head(layers.Concatenate()(values)))
        for weight in model.weights:
            weight.assign(np.random.RandomState(1).normal(size=weight.shape))
        assert_same_everywhere(model)


def test_a_part_of_another_model_can_be_a_layer():
    inputs = keras.Input((6,))
    first = layers.Dense(4, activation="relu")(inputs)
    whole = keras.Model(inputs, layers.Dense(9)(first))
    assert_same_everywhere(new_model((6,), keras.Model(whole.input, whole.layers[1].output)))


def test_a_net_may_have_hundreds_of_layers():
    model = new_model((3,), body(*(layers.Rescaling(1.0) for _ in range(300))))
    assert len(graph_of(model).nodes) == 301


# --------------------------------------------------------------------------------------- embeddings


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
def test_nets_of_texts_match_keras(call):
    assert_same_everywhere(new_model((12,), call), ids(20, 12))


def test_ids_are_truncated_to_integers():
    model = new_model((4,), body(layers.Embedding(30, 6), layers.Flatten()))
    net, weights = graph_of(model), model.get_weights()
    whole = np.arange(4.0).reshape(1, 4)
    np.testing.assert_array_equal(net.logits(weights, whole), net.logits(weights, whole + 0.75))
    assert_same_everywhere(model, np.array([[-0.5, 0.5, 29.5, 3]]))


@pytest.mark.parametrize(
    ("strange", "named"), [(30, "30"), (-1, "-1"), (1e12, "1e+12"), (np.nan, "nan")]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ids_outside_the_embedding_are_an_error(strange, named, dtype):
    model = new_model((4,), body(layers.Embedding(30, 6), layers.Flatten()))
    X = np.zeros((3, 4), dtype=dtype)
    X[1, 2] = strange
    message = rf"Got the id {named.replace('+', '.')}; expected ids from 0 to 29.*input_dim=30\."
    with pytest.raises(ValueError, match=message):
        graph_of(model).logits(model.get_weights(), X)


# --------------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize("n_rows", [0, 1, 999, 5000])
def test_any_number_of_rows_is_computed_in_chunks(n_rows, monkeypatch):
    # A few hundred rows per chunk.
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
def test_rows_and_weights_are_not_modified(name, dtype):
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
        # Layers other than Dense that take the rows themselves make them dense.
        body(layers.BatchNormalization()),
        wide_and_deep,
        body(layers.Reshape((5, 6)), layers.Conv1D(2, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_equal_dense_ones(call, dtype):
    model = new_model((30,), call)
    net, weights = graph_of(model), model.get_weights()
    X = sparse.random(50, 30, density=0.2, format="csr", dtype=dtype, random_state=1)
    found = net.logits(weights, X)
    np.testing.assert_allclose(found, net.logits(weights, X.toarray()), atol=1e-5)
    for kind in (sparse.csr_array, sparse.csr_matrix):
        np.testing.assert_array_equal(net.logits(weights, kind(X)), found)


def test_a_model_with_a_sparse_input_becomes_a_graph():
    inputs = keras.Input((30,), sparse=True)
    model = keras.Model(inputs, head(layers.Dense(4)(inputs)))
    assert isinstance(graph_of(model), GraphNet)


# --------------------------------------------------------------------------------------- properties


def test_properties_of_a_net_describe_the_model():
    net = graph_of(new_model((6,), twice_the_same))
    assert (net.input_shape, net.n_outputs, net.takes_images) == ((6,), 3, False)
    assert net.output_layer.units == 3
    assert net.unknown_layers == []
    assert net.weight_shapes() == [(6, 6), (6,), (6, 3), (3,)]
    assert hash(net) == hash(graph_from_state(net.to_state()))


@pytest.mark.parametrize("name", NETS)
def test_weight_shapes_match_keras(name):
    call, shape = NETS[name]
    model = new_model(shape, call)
    assert graph_of(model).weight_shapes() == [each.shape for each in model.get_weights()]
