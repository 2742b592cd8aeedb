"""Network bodies: which are accepted, which raise an error, and no changes of global state."""

import functools
import random

import keras
import numpy as np
import pytest
from own_nets import BODIES, IDS, IMAGES, LABELS, TABLE, Y3, Y, convolutional, dense, recurrent
from scipy import sparse
from sklearn.base import clone

from skclf import Network, NetworkClassifier, network

layers = keras.layers


def fit(body, X=TABLE, y=Y, **parameters):
    return NetworkClassifier(body, epochs=1, random_state=0, **parameters).fit(X, y)


# --------------------------------------------------------------------------- functions and classes


def test_network_makes_class_of_same_name():
    @network
    def body(inputs, units=3, *, rate=0.5):
        """A body."""
        return inputs

    assert issubclass(body, Network)
    assert (body.__name__, body.__doc__, body.__module__) == ("body", "A body.", __name__)
    made = body(7, rate=0.1)
    assert made.get_params() == {"units": 7, "rate": 0.1}
    assert repr(made) == "body(rate=0.1, units=7)"
    assert clone(made).set_params(units=8).get_params() == {"units": 8, "rate": 0.1}
    assert made.build("inputs") == "inputs"
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        made.set_params(depth=1)
    with pytest.raises(TypeError, match="body: got an unexpected keyword argument 'depth'"):
        body(depth=1)


def test_missing_required_argument_raises():
    @network
    def body(inputs, units):
        return layers.Dense(units)(inputs)

    with pytest.raises(TypeError, match="body: missing a required argument: 'units'"):
        body()
    assert fit(body(3)).score(TABLE, Y) > 0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: None, "without a positional argument"),
        (lambda inputs, *sizes: None, r"with the parameter \*sizes"),
        (lambda inputs, **options: None, r"with the parameter \*\*options"),
        (lambda *, inputs: None, "without a positional argument"),
        (keras.layers.Dense, "expected a function that builds the body"),
        ("dense", "expected a function that builds the body"),
    ],
)
def test_network_of_invalid_functions(function, message):
    with pytest.raises(TypeError, match=message):
        network(function)


def test_function_without_module():
    names = {}
    exec(
        "import keras\n"
        "from skclf import network\n"
        "@network\n"
        "def body(inputs, units=3):\n"
        "    return keras.layers.Dense(units)(inputs)\n",
        names,
    )
    assert fit(names["body"]()).score(TABLE, Y) > 0


class Deep(Network):
    def __init__(self, depth=2, units=4):
        self.depth = depth
        self.units = units

    def build(self, inputs):
        x = inputs
        for _ in range(self.depth):
            x = layers.Dense(self.units, activation="relu")(x)
        return x


def dense_of_units(inputs, units):
    return layers.Dense(units)(inputs)


class CallableBody:
    def __call__(self, inputs):
        return layers.Dense(3)(inputs)


@pytest.mark.parametrize(
    "body",
    [
        Deep(depth=3),
        functools.partial(dense_of_units, units=3),
        lambda inputs: layers.Dense(3)(inputs),
        CallableBody(),
        None,
    ],
    ids=["Network", "partial", "lambda", "callable object", "None"],
)
def test_valid_bodies(body):
    clf = clone(NetworkClassifier(body, epochs=2, random_state=0))
    assert clf.fit(TABLE, Y).predict_proba(TABLE).shape == (60, 2)


def test_depth_is_a_parameter():
    clf = NetworkClassifier(Deep(), epochs=1)
    assert len(clf.set_params(network__depth=3).fit(TABLE, Y)._weights) == 8
    assert len(clf.set_params(network__depth=0).fit(TABLE, Y)._weights) == 2


def test_fitted_net_keeps_its_body():
    body = recurrent()
    clf = fit(body, IDS)
    before = clf.predict_proba(IDS)
    body.set_params(units=9)
    clf.set_params(network__units=8)
    np.testing.assert_array_equal(clf.predict_proba(IDS), before)
    assert clf.model_.count_params() == sum(weight.size for weight in clf._weights)


# ------------------------------------------------------------------------------------------- errors

MODEL = keras.Sequential([keras.Input((5,)), layers.Dense(3)])


def required(inputs, units):
    return layers.Dense(units)(inputs)


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (dense, TypeError, r"network=dense, a class; .* such as dense\(\)"),
        (MODEL, TypeError, "network=Sequential, a Keras object; .* def body"),
        (layers.Dense(3), TypeError, "network=Dense, a Keras object"),
        ("dense", TypeError, "network='dense'; expected a function"),
        (required, TypeError, "network=required, which can't be called .*units.*functools.partial"),
        (
            Network(),
            NotImplementedError,
            r"Network without a method build; expected .*build\(inputs\)",
        ),
        (lambda i: None, TypeError, "Got None from .*; expected the keras.KerasTensor"),
        (lambda i: 3, TypeError, "Got an object of type int from .*; expected"),
        (lambda i: [i, i], TypeError, "Got 2 tensors from .*; expected one.*Concatenate"),
        (
            lambda i: keras.Model(i, layers.Dense(3)(i)),
            TypeError,
            "Got a keras.Model from .*; expected",
        ),
        (
            lambda i: layers.Dense(3)(keras.Input((5,))),
            ValueError,
            "doesn't depend on its inputs alone",
        ),
        (
            lambda i: layers.Add()([i, keras.Input((5,))]),
            ValueError,
            "doesn't depend on its inputs alone",
        ),
        (
            lambda i: layers.Reshape((5, 1))(i),
            ValueError,
            r"shape \(n_rows, 5, 1\) from .*; expected.*Flatten",
        ),
        (lambda i: MODEL(i), ValueError, "created outside the network .*clone_model"),
        (
            lambda i: layers.Dense(3, dtype="mixed_float16")(i),
            ValueError,
            "Got a float16 tensor from .*; expected float32",
        ),
        (
            lambda i: layers.Dense(3)(layers.Dense(3, dtype="float64")(i)),
            ValueError,
            "compute_dtype='float64'; expected 'float32'",
        ),
        (lambda i: layers.Dense(3, name="output")(i), ValueError, "same name.*Rename the layers"),
        (lambda i: 1 / 0, ZeroDivisionError, "division by zero"),
    ],
)
def test_invalid_bodies(body, error, message):
    clf = fit(dense())
    before = vars(clf).copy()
    with pytest.raises(error, match=message):
        clf.set_params(network=body).fit(TABLE, Y)
    del before["network"]
    assert {name: vars(clf)[name] for name in before} == before


def test_outside_layer_without_variables_raises():
    layer = layers.Dense(3)
    with pytest.raises(ValueError, match="created outside the network"):
        fit(lambda inputs: layer(inputs))


def test_half_precision_policy_raises():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(ValueError, match=r"set_dtype_policy\('float32'\)"):
            fit(dense())
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("parameters", "y", "error", "message"),
    [
        ({"loss": "binary_crossentropy"}, Y3, ValueError, "and 3 classes in y; expected 2 classes"),
        ({"loss": "hinged"}, Y, ValueError, "Got loss='hinged'; expected 'auto', 'binary_cross"),
        (
            {"loss": keras.losses.BinaryCrossentropy(from_logits=True)},
            Y,
            ValueError,
            "probabilities",
        ),
        ({"loss": keras.losses.CTC()}, Y, ValueError, "loss=CTC; expected a loss that is computed"),
        ({"loss": keras.losses.Huber(reduction=None)}, Y, ValueError, "reduction to one number"),
        ({"loss": keras.losses.Huber}, Y, ValueError, "expected the name of a loss or an instance"),
        ({"threshold": 0.3}, Y, ValueError, "FixedThresholdClassifier"),
        ({"multilabel": True, "threshold": [0.3, 0.4]}, LABELS, ValueError, "or 3 of them"),
        (
            {"multilabel": True, "loss": "kld"},
            LABELS,
            ValueError,
            "since a row can have several labels",
        ),
        (
            {"multilabel": True, "loss": "dice", "class_weight": "balanced"},
            LABELS,
            ValueError,
            "a mean over the labels",
        ),
        (
            {"loss": "mse", "metrics": ["sparse_categorical_accuracy"]},
            Y3,
            ValueError,
            "sparse_categorical_accuracy, .* together with the loss",
        ),
    ],
)
def test_invalid_losses_and_thresholds(parameters, y, error, message):
    with pytest.raises(error, match=message):
        fit(dense(), TABLE, y, **parameters)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (IDS * 2**24, r"integers up to \d+ in X; .* 2\*\*24"),
        (-(IDS + 2**24), "2\\*\\*24"),
        ((IDS * 2**24).tolist(), "2\\*\\*24"),
        (IDS + 20, "Got 49 in X; expected ids from 0 to 29, which is what the network's"),
        (-IDS, "Got -29 in X"),
        (IDS * 0.5, "not whole in X"),
        (sparse.csr_array(IDS), "Got sparse rows"),
    ],
)
def test_invalid_ids(X, message):
    with pytest.raises(ValueError, match=message):
        fit(recurrent(), X)


def test_invalid_ids_in_prediction():
    clf = fit(recurrent(), IDS)
    with pytest.raises(ValueError, match=r"Got 49 in X; expected ids .* network's Embedding"):
        clf.predict(IDS + 20)
    with pytest.raises(ValueError, match="2\\*\\*24"):
        clf.predict(IDS * 2**24)
    with pytest.raises(ValueError, match=r"has 7 features|expecting 7 features"):
        clf.predict(IDS[:, :5])


def test_ids_are_exact_up_to_limit():
    largest = 2**24

    def body(inputs):
        return layers.Rescaling(1 / largest)(inputs)

    X = np.array([[largest - 1], [largest]] * 10)
    clf = fit(body, X, np.arange(20) % 2)
    assert len(np.unique(clf.decision_function(X))) == 2


def test_input_shapes():
    clf = fit(convolutional(), IMAGES)
    assert (clf.input_shape_, clf.n_features_in_) == ((8, 8, 2), 128)
    with pytest.raises(ValueError, match=r"Pass X.reshape\(-1, 8, 8, 2\)"):
        clf.predict(IMAGES.reshape(60, -1))
    with pytest.raises(ValueError, match=r"X\[np.newaxis\]"):
        clf.predict(IMAGES[0])
    with pytest.raises(ValueError, match=r"Got rows of shape \(4, 8, 2\)"):
        clf.predict(IMAGES[:, :4])
    video = np.repeat(IMAGES[:, None], 3, axis=1)
    body = lambda inputs: layers.Flatten()(layers.Conv3D(2, 2)(inputs))  # noqa: E731
    assert fit(body, video).predict(video[:5]).shape == (5,)
    with pytest.raises(ValueError, match="Got a tensor of shape"):
        fit(None, IMAGES)


# ------------------------------------------------------------------------------------- global state


def test_fit_changes_no_global_state():
    keras.random.normal((1,))  # makes Keras's global generator
    name_before = keras.layers.Dense(3).name
    python, numpy = random.getstate(), state_of_numpy()
    policy = keras.config.dtype_policy()
    for name in ("augmented", "custom", "recurrent"):
        body, X = BODIES[name]
        fit(body, X).predict(X)
    assert random.getstate() == python
    assert state_of_numpy() == numpy
    assert keras.config.dtype_policy() is policy
    # Keras's counter for the names of layers is unchanged, too.
    assert number_of(keras.layers.Dense(3).name) == number_of(name_before) + 1


def state_of_numpy():
    return np.random.get_state()[1].tolist()  # noqa: NPY002


def number_of(name):
    return int(name.rpartition("_")[2]) if "_" in name else 0


# ---------------------------------------------------------------- a second output layer, by mistake


def ending_with(*last):
    def body(inputs):
        x = layers.Dense(4, activation="relu")(inputs)
        for layer in last:
            x = layer()(x)
        return x

    return body


@pytest.mark.parametrize(
    ("y", "last", "units"),
    [
        (Y, [lambda: layers.Dense(1, activation="sigmoid")], "1 sigmoid unit"),
        (Y, [lambda: layers.Dense(1), lambda: layers.Activation("sigmoid")], "1 sigmoid unit"),
        (Y, [lambda: layers.Dense(2, activation="softmax")], "2 softmax units"),
        (Y3, [lambda: layers.Dense(3, activation="softmax")], "3 softmax units"),
        (Y3, [lambda: layers.Dense(3), layers.Softmax], "3 softmax units"),
        (LABELS, [lambda: layers.Dense(LABELS.shape[1], activation="sigmoid")], "sigmoid units"),
        (
            Y,
            [lambda: keras.Sequential([layers.Dense(2), layers.Dense(1, activation="sigmoid")])],
            "1 sigmoid unit",
        ),
    ],
)
def test_second_output_layer_warns(y, last, units):
    with pytest.warns(UserWarning, match=f"body ends with .*{units}, like an output layer") as got:
        fit(ending_with(*last), y=y, multilabel=y is LABELS)
    assert len(got) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid", "softmax"])
def test_hidden_layer_does_not_warn(units, activation):
    if (units, activation) not in {(1, "sigmoid"), (1, "softmax")}:
        fit(ending_with(lambda: layers.Dense(units, activation=activation)))


def test_convolution_of_images_without_channels_raises():
    def body(inputs):
        return layers.Flatten()(layers.Conv2D(2, 3)(inputs))

    with pytest.raises(ValueError, match=r"Got images without channels.*X\[\.\.\., np\.newaxis\]"):
        fit(body, X=np.zeros((len(Y), 8, 8)))


def test_parameters_of_plain_function_cannot_be_set():
    clf = NetworkClassifier(ending_with())
    with pytest.raises(ValueError, match=r"Got network__units with a function .*@skclf\.network"):
        clf.set_params(network__units=3)
    assert clf.set_params(network__units=3, network=dense()).network.units == 3
    with pytest.raises(ValueError, match="Got network__units with None as network"):
        NetworkClassifier().set_params(network__units=3)
