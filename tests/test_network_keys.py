"""When user-defined nets share compiled programs, and when they must not."""

import keras
import numpy as np
import pytest
from own_nets import BODIES, IMAGES, TABLE, Y, dense, residual

from skclf import NetworkClassifier, _bridge, engine, nets

layers = keras.layers


def key_of(body, shape=(5,), seed=0):
    return _bridge.build(nets.OpaqueNet(shape, 1, "sigmoid", False, body), seed).key


@pytest.mark.parametrize("name", BODIES)
def test_rebuilt_body_has_same_key(name):
    body, X = BODIES[name]
    maker = None if body is None else body.build
    keys = {key_of(maker, X.shape[1:], seed) for seed in (0, 1)}
    assert len(keys) == 1
    assert None not in keys


# Pairs of layers that differ in one option: their keys must differ, and must not be None.
def relu_like(x):
    return keras.ops.relu(x)


def shifted(x):
    return keras.ops.relu(x - 1)


DIFFERENT = {
    "units": (lambda: layers.Dense(3), lambda: layers.Dense(4)),
    "activation": (lambda: layers.Dense(3, "relu"), lambda: layers.Dense(3, "tanh")),
    "function": (lambda: layers.Dense(3, relu_like), lambda: layers.Dense(3, shifted)),
    "bias": (lambda: layers.Dense(3), lambda: layers.Dense(3, use_bias=False)),
    "penalty": (
        lambda: layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1)),
        lambda: layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.2)),
    ),
    "kind of penalty": (
        lambda: layers.Dense(3, kernel_regularizer=keras.regularizers.L1(0.1)),
        lambda: layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1)),
    ),
    "constraint": (
        lambda: layers.Dense(3, kernel_constraint=keras.constraints.MaxNorm(1)),
        lambda: layers.Dense(3, kernel_constraint=keras.constraints.MaxNorm(2)),
    ),
    "trainable": (lambda: layers.Dense(3), lambda: layers.Dense(3, trainable=False)),
    "rate": (lambda: layers.Dropout(0.1), lambda: layers.Dropout(0.2)),
    "momentum": (
        lambda: layers.BatchNormalization(momentum=0.9),
        lambda: layers.BatchNormalization(momentum=0.8),
    ),
    "epsilon": (
        lambda: layers.BatchNormalization(epsilon=0.1),
        lambda: layers.BatchNormalization(epsilon=0.2),
    ),
    "lambda": (lambda: layers.Lambda(lambda x: x * 2), lambda: layers.Lambda(lambda x: x * 3)),
    "name": (lambda: layers.Dense(3, name="a"), lambda: layers.Dense(3, name="b")),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_layers_have_different_keys(name):
    one, other = (key_of(lambda inputs, make=make: make()(inputs)) for make in DIFFERENT[name])
    assert None not in (one, other)
    assert one != other


def test_key_depends_on_order_of_inputs():
    def subtracted(inputs, is_reversed):
        pair = [layers.Dense(3)(inputs), layers.Dense(3, "relu")(inputs)]
        return layers.Subtract()(pair[::-1] if is_reversed else pair)

    keys = {
        key_of(lambda inputs, t=is_reversed: subtracted(inputs, t)) for is_reversed in (False, True)
    }
    assert len(keys) == 2


def test_key_ignores_seeds_and_initializers():
    def body(inputs, initializer):
        return layers.Dense(3, kernel_initializer=initializer)(inputs)

    given = ["he_normal", "zeros", keras.initializers.RandomNormal(seed=3)]
    keys = {key_of(lambda inputs, how=how: body(inputs, how)) for how in given}
    assert len(keys) == 1


LAYERS = [
    lambda: layers.Activation("gelu"),
    lambda: layers.AlphaDropout(0.1),
    lambda: layers.ELU(0.5),
    lambda: layers.GaussianDropout(0.1),
    lambda: layers.GroupNormalization(1),
    lambda: layers.LayerNormalization(),
    lambda: layers.LeakyReLU(0.1),
    lambda: layers.Normalization(mean=0.5, variance=2.0),
    lambda: layers.PReLU(),
    lambda: layers.Rescaling(0.5),
    lambda: layers.SpectralNormalization(layers.Dense(3)),
    lambda: layers.UnitNormalization(),
]
SEQUENCE_LAYERS = [
    lambda: layers.Bidirectional(layers.GRU(2)),
    lambda: layers.Conv1D(2, 2),
    lambda: layers.ConvLSTM1D(2, 2),
    lambda: layers.LSTM(2, recurrent_dropout=0.1),
    lambda: layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)]),
    lambda: layers.SeparableConv1D(2, 2),
    lambda: layers.SimpleRNN(2, unroll=True),
    lambda: layers.TimeDistributed(layers.Dense(2)),
]
IMAGE_LAYERS = [
    lambda: layers.AveragePooling2D(2),
    lambda: layers.Conv2DTranspose(2, 2),
    lambda: layers.Cropping2D(1),
    lambda: layers.DepthwiseConv2D(2),
    lambda: layers.RandomBrightness(0.1),
    lambda: layers.RandomContrast(0.1),
    lambda: layers.RandomCrop(4, 4),
    lambda: layers.RandomRotation(0.1),
    lambda: layers.RandomZoom(0.1),
    lambda: layers.Resizing(4, 4),
    lambda: layers.SpatialDropout2D(0.1),
    lambda: layers.UpSampling2D(),
]


@pytest.mark.parametrize(
    ("shape", "make"),
    [
        *(((5,), make) for make in LAYERS),
        *(((8, 8, 2), make) for make in IMAGE_LAYERS),
        *(((6, 3), make) for make in SEQUENCE_LAYERS if make is not SEQUENCE_LAYERS[2]),
        ((4, 6, 3), SEQUENCE_LAYERS[2]),
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else value.__code__.co_names[1],
)
def test_keras_layers_have_keys(shape, make):
    def body(inputs):
        values = make()(inputs)
        return values if len(values.shape) == 2 else layers.Flatten()(values)

    keys = {key_of(body, shape, seed) for seed in (0, 1)}
    assert len(keys) == 1
    assert None not in keys


# --------------------------------------------------------------------------------- edited functions


def body_from(code):
    names = {"keras": keras}
    exec(code, names)
    return names["body"]


def test_edited_function_is_compiled_again():
    code = "def body(inputs): return keras.ops.{}(keras.layers.Dense(4)(inputs))"
    fits = []
    for name in ("sin", "cos", "sin"):
        before = engine.trace_count()
        clf = NetworkClassifier(body_from(code.format(name)), epochs=2, random_state=0)
        fits.append((clf.fit(TABLE, Y)._weights, engine.trace_count() - before))
    (sin, _), (cos, traced), (again, traced_again) = fits
    assert not np.allclose(sin[0], cos[0])
    np.testing.assert_array_equal(sin[0], again[0])
    assert (traced, traced_again) == (1, 0)


def test_edited_layer_is_compiled_again():
    code = """
class Layer(keras.layers.Layer):
    def call(self, values):
        return keras.ops.{}(values)

def body(inputs):
    return Layer()(keras.layers.Dense(4)(inputs))
"""
    one, other = (
        NetworkClassifier(body_from(code.format(name)), epochs=2, random_state=0).fit(TABLE, Y)
        for name in ("tanh", "exp")
    )
    assert not np.allclose(one._weights[0], other._weights[0])
    for clf in (one, other):
        wanted = clf.model_.predict(TABLE, verbose=0)[:, 0]
        np.testing.assert_allclose(clf.predict_proba(TABLE)[:, 1], wanted, atol=1e-6)


class Incomparable(keras.layers.Layer):
    """A layer with an attribute that can't be compared."""

    def __init__(self):
        super().__init__()
        self.iterator = iter([1])

    def call(self, values):
        return values


def test_layer_without_key_is_compiled_for_each_fit(capsys):
    def body(inputs):
        return Incomparable()(layers.Dense(3)(inputs))

    assert key_of(body) is None
    before = engine.trace_count()
    fits = [
        NetworkClassifier(body, epochs=1, random_state=0, verbose=v).fit(TABLE, Y) for v in (0, 2)
    ]
    assert engine.trace_count() == before + 2
    assert "The net is compiled again for each fit" in capsys.readouterr().out
    np.testing.assert_array_equal(*(clf.predict_proba(TABLE) for clf in fits))


def test_search_compiles_once_per_architecture():
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(
        NetworkClassifier(residual(), epochs=1, random_state=0),
        {"network__units": [7, 8], "learning_rate": [1e-3, 1e-2]},
        cv=3,
    )
    before = engine.trace_count()
    search.fit(TABLE, Y)
    assert engine.trace_count() == before + 2


def test_prediction_through_keras_compiles_once():
    body, X = BODIES["recurrent"]
    clf = NetworkClassifier(body, epochs=1, random_state=0).fit(X, Y)
    assert not clf._net.is_known
    traced = []
    make = engine.Predictor.__init__

    def recorded_init(self, model):
        traced.append(model)
        make(self, model)

    engine.Predictor.__init__ = recorded_init
    try:
        engine.clear_cache()
        for n in (1, 7, 60, 1):
            clf.predict(X[:n])
        NetworkClassifier(body, epochs=1, random_state=1).fit(X, Y).predict(X)
    finally:
        engine.Predictor.__init__ = make
    assert len(traced) == 1
    big = np.tile(X, (40, 1))
    np.testing.assert_allclose(clf.predict_proba(big)[:60], clf.predict_proba(X), atol=1e-6)


def test_key_depends_on_input_shape_and_units():
    def body(inputs):
        return layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(inputs))

    assert key_of(body, (8, 8, 2)) != key_of(body, (9, 8, 2))
    assert NetworkClassifier(body, epochs=1).fit(IMAGES, Y).score(IMAGES, Y) > 0
    assert key_of(dense().build) != key_of(dense(units=7).build)
