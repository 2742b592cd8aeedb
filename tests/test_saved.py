"""The saved state of a fitted classifier, and the errors about invalid states."""

import copy
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from small_nets import layered_net

import skclf
from skclf._saved import CHECKED, from_state, to_state
from skclf._targets import Binary, Multiclass
from skclf._versions import with_versions

PARAMETERS = ("epochs",)
CLASSES = np.array(["ant", "bee"])


def zeros(net):
    return [np.zeros(shape, dtype=np.float32) for shape in net.weight_shapes()]


def attributes(**changes):
    """The attributes of a classifier that was fitted on two features."""
    net = layered_net((2,), (3,), 1, "relu", dropout=0.2)
    made = {
        "epochs": 2,
        "classes_": CLASSES,
        "n_features_in_": 2,
        "feature_names_in_": np.array(["a", "b"], dtype=object),
        "_seeds": {"weights": 1, "dropout": 0, "order": 2, "split": 2**32 - 1},
        "_net": net,
        "_target": Binary(CLASSES),
        "_history": {"loss": [0.5, 0.25], "accuracy": [0.5, float("nan")]},
        "_weights": zeros(net),
        "_state": {
            "optimizer": "a name",
            "learning_rate": 0.1,
            "variables": [np.int64(3), np.zeros(3)],
            "dropout_states": [np.array([1, 0], dtype=np.uint32)],
        },
        "_first_epoch": 0,
        "_epoch_weights": {1: zeros(net), 2: zeros(net)},
        "n_epochs_": 2,
        "best_epoch_": 1,
    }
    return made | changes


def conv_attributes():
    net = layered_net((5, 4, 1), (3,), 2, "relu", filters=(2,))
    changes = {"_net": net, "_weights": zeros(net), "n_features_in_": 20, "_epoch_weights": {}}
    changes |= {"_target": Multiclass(CLASSES), "image_shape_": (5, 4, 1)}
    made = attributes(_state=None, **changes)
    del made["feature_names_in_"]
    return made


def load(state):
    return from_state(state, "Some", PARAMETERS)


@pytest.mark.parametrize(
    "complete",
    [attributes(), attributes(_state=None), conv_attributes()],
    ids=["dense", "without training state", "conv"],
)
def test_state_round_trip(complete):
    state = to_state(complete)
    assert state["_skclf_version"] == skclf.__version__
    assert state["_sklearn_version"] == sklearn.__version__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load(state)
    np.testing.assert_equal(loaded, complete)
    assert loaded["_net"] == complete["_net"]
    assert all(type(value) is float for value in loaded["_history"]["loss"])


@pytest.mark.parametrize(
    "unfitted",
    [{"epochs": 3}, {"epochs": None, "classes_": "half way"}],
    ids=["parameters", "unfinished fit"],
)
def test_unfitted_state_round_trip(unfitted):
    assert load(to_state(unfitted)) == unfitted


def test_loading_does_not_change_input():
    complete = attributes()
    state = to_state(complete)
    before = copy.deepcopy((complete, state))
    load(state)
    np.testing.assert_equal((complete, state), before)


def test_state_has_only_plain_types():
    def types_in(value):
        yield type(value)
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list | tuple):
            for each in inner:
                yield from types_in(each)

    plain = {dict, list, tuple, str, int, float, bool, type(None), np.ndarray, np.int64}
    assert set(types_in(to_state(attributes()))) <= plain


def with_new_checksum(state):
    """An altered state with an updated checksum."""
    return with_versions(state, CHECKED)


def changed(path, value):
    state = to_state(copy.deepcopy(attributes()))
    *above, last = path
    holder = state
    for key in above:
        holder = holder[key]
    holder[last] = value
    return state


CHANGES = [
    (("classes_",), np.array(["ant", "bef"])),
    (("n_features_in_",), 3),
    (("feature_names_in_", 1), "c"),
    (("_seeds", "order"), 3),
    (("_net", "layers", 1, "rate"), 0.25),
    (("_net", "layers", 0, "activation"), "selu"),
    (("_history", "accuracy"), np.array([0.5, np.inf])),
    (("_first_epoch",), 1),
    (("_weights", 1), np.array([0, 0, 1e-45], dtype=np.float32)),
    (("_weights", 1), np.array([0, 0, -0.0], dtype=np.float32)),
    (("_state", "learning_rate"), 0.2),
    (("_state", "variables"), [np.int64(2), np.zeros(3)]),
    (("_state", "dropout_states"), [np.array([1, 1], dtype=np.uint32)]),
    (("_epoch_weights",), {}),
    (("n_epochs_",), 1),
    (("best_epoch_",), 2),
]


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=lambda each: str(each)[:40])
def test_changed_attribute_fails_checksum(path, value):
    message = "^Can't load this Some: its arrays are not those that were saved: the checksum differ"
    with pytest.raises(ValueError, match=message):
        load(changed(path, value))


@pytest.mark.parametrize("key", [key for key in attributes() if key != "epochs"])
def test_removed_attribute_fails_checksum(key):
    state = to_state(attributes())
    del state[key]
    with pytest.raises(ValueError, match="the checksum differs"):
        load(state)


FAULTS = [
    (("_net",), None, "its net is of type NoneType, not dict"),
    (("_net", "depth"), 3, "has missing or unknown parts: 'depth'"),
    (("_net", "input_shape"), (2, 2), r"its net has input_shape=\(2, 2\)"),
    (("_net", "input_shape"), [2], r"its net has input_shape=\[2\]"),
    (("_net", "sparse"), 1, "its net has sparse=1"),
    (("_net", "layers"), [], "its net has no layers"),
    (("_net", "layers"), ({},), "its net has layers of type tuple"),
    (("_net", "layers", 0), "dense", "has a layer that is not a dict with a kind"),
    (("_net", "layers", 0, "kind"), "lstm", "a layer of kind 'lstm' with the options 'units'"),
    (("_net", "layers", 0, "kind"), ["dense"], "has a layer that is not a dict with a kind"),
    (("_net", "layers", 0, "rate"), 3, "a layer of kind 'dense' with the options"),
    (("_net", "layers", 0, "activation"), 3, "a dense layer with activation=3"),
    (("_net", "layers", 0, "penalties"), 0.1, "a dense layer with penalties=0.1"),
    (("_net", "layers", 0, "penalties"), (("l2", np.inf),), r"with penalties=\(\('l2', inf\),\)"),
    (("_net", "layers", 0, "penalties"), (("l7", 0.1),), r"with penalties=\(\('l7', 0.1\),\)"),
    (("_net", "layers", 0, "penalties"), (("l2", 0),), r"with penalties=\(\('l2', 0\),\)"),
    (("_net", "layers", 0, "penalties"), (0.1,), r"with penalties=\(0.1,\)"),
    (("_net", "layers", 0, "units"), -1, "a dense layer with units=-1"),
    (("_net", "layers", 0, "units"), 4, r"_weights\[0\] is an array of shape \(2, 3\)"),
    (("_net", "layers", 1, "rate"), 1.0, "a dropout layer with rate=1.0"),
    (("_net", "layers", 1), {"kind": "flatten"}, "a flatten layer on rows of 1 dimensions"),
    (
        ("_net", "layers", 2),
        {"kind": "dropout", "rate": 0.1},
        "the last layer .* is of kind 'dropout'",
    ),
    (("_net", "layers", 2, "units"), 3, "it has 2 classes_ and an output layer for 3"),
    (("_first_epoch",), -1, "_first_epoch is -1"),
    (("classes_",), ["ant", "bee"], "classes_ is not a 1-D array of labels but a list"),
    (("classes_",), np.array(["bee", "ant"]), "classes_ is not sorted and distinct"),
    (("classes_",), np.array(["ant", None], dtype=object), "classes_ is not sorted and distinct"),
    (("classes_",), np.array([0, np.inf]), "classes_ is not finite"),
    (("classes_",), np.arange(3), "it has 3 classes_ and an output layer for 2"),
    (("n_features_in_",), 3, "n_features_in_ is 3, but the net's input has 2 values"),
    (
        ("feature_names_in_",),
        np.array(["a"]),
        r"not an array of 2 strings but an array of shape \(1,\)",
    ),
    (("feature_names_in_",), np.array(["a", 1], dtype=object), "is not an array of 2 strings but"),
    (("feature_names_in_",), [["a"], "b"], "is not an array of 2 strings but a list"),
    (("image_shape_",), (np.arange(2),), r"image_shape_ is \(array\(\[0, 1\]\),\), but the net's"),
    (("image_shape_",), (1, 2, 1), r"image_shape_ is \(1, 2, 1\), but the net's input is of shape"),
    (("_weights",), (), "_weights is a tuple, not a list of arrays"),
    (("_weights",), [np.zeros(2)], "_weights has 1 arrays, but the net needs 4"),
    (("_weights", 1), np.zeros(3), r"_weights\[1\] is an array of shape \(3,\) and type float64"),
    (("_weights", 2), None, r"_weights\[2\] is a NoneType, not a float32 array of shape \(3,"),
    (("_history",), {}, "its history is not a dict with the loss of each epoch"),
    (("_history", 1), np.zeros(2), "the names in its history are not all strings"),
    (("_history", "loss"), [0.5, 0.5], "its history of 'loss' is a list, not a 1-D array"),
    (("_history", "accuracy"), np.zeros(1), "have different lengths: {'loss': 2, 'accuracy': 1}"),
    (("n_epochs_",), 3, "n_epochs_ is 3, with a history of 2 epochs"),
    (("best_epoch_",), 0, "best_epoch_ is 0, with a history of 2 epochs"),
    (("_epoch_weights", 3), [], "its _epoch_weights are not a dict with numbers of epochs"),
    (("_epoch_weights", 2), [], r"_epoch_weights\[2\] has 0 arrays, but the net needs 4"),
    (("_seeds", "weights"), -1, "its seeds are not a dict of .* with integers from 0"),
    (
        ("_seeds",),
        {"weights": 1},
        "its seeds are not a dict of dropout, order, split, weights with",
    ),
    (("_state",), {}, "its training state is not a dict of optimizer, learning_rate"),
    (
        ("_state", "optimizer"),
        3,
        "the optimizer in its training state should be a name, but is a int",
    ),
    (
        ("_state", "learning_rate"),
        "x",
        "the learning rate in its training state should be a number, but is a str",
    ),
    (
        ("_state", "variables"),
        [None],
        "the variables in its training state are not a list of arrays",
    ),
    (("_state", "dropout_states"), [], "the states of 0 dropout layers, but its net has 1"),
    (
        ("_state", "dropout_states"),
        [np.array([1, 0], dtype=np.uint32)] * 2,
        "the states of 2 dropout layers, but its net has 1",
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), FAULTS)
def test_faulty_attribute_raises(path, value, message):
    with pytest.raises(ValueError, match=rf"^Can't load this Some: .*{message}.*save the estim"):
        load(with_new_checksum(changed(path, value)))


@pytest.mark.parametrize("key", [key for key in attributes() if key != "feature_names_in_"])
def test_missing_attribute_raises(key):
    state = to_state(attributes())
    del state[key]
    with pytest.raises(ValueError, match=f"it lacks {key}. The file is damaged"):
        load(with_new_checksum(state))


def test_missing_image_shape_raises():
    state = to_state(conv_attributes())
    del state["image_shape_"]
    with pytest.raises(ValueError, match=r"image_shape_ is None, but .* of shape \(5, 4, 1\)"):
        load(with_new_checksum(state))


def paths_in(value, above=()):
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield (*above, key)
        if isinstance(each, dict | list):
            yield from paths_in(each, (*above, key))


JUNK = [None, 0, -1, 10**30, 0.5, float("nan"), True, "x", b"x", [], [1], (), (0,), (1, 2), {}, {1}]
JUNK += [{"a": 1}, {1: 2}, object(), len, np.zeros(0), np.zeros((2, 2)), np.array(["x", "y"])]
JUNK += [np.array([None, 1], dtype=object), np.array(3), np.float32(1)]


def message_about(state):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        try:
            load(state)
        except ValueError as error:
            return str(error)


@pytest.mark.parametrize(
    "junk", JUNK, ids=[f"{type(junk).__name__}-{n}" for n, junk in enumerate(JUNK)]
)
def test_junk_raises_no_other_error(junk):
    paths = list(paths_in(to_state(attributes())))
    for states in ([changed(path, junk) for path in paths], states_of_format_1(paths, junk)):
        messages = [message_about(state) for state in [*states, *map(with_new_checksum, states)]]
        errors = [message for message in messages if message is not None]
        assert len(errors) > 40
        assert all(message.startswith("Can't load this Some: ") for message in errors)


def states_of_format_1(paths, junk):
    states = [changed(path, junk) for path in paths]
    for state in states:
        for key in ("_skclf_format", "_skclf_checksum"):
            state.pop(key)
    return states
