"""Names and dicts that Keras would turn into objects are an error, also in saved files."""

import keras
import numpy as np
import pytest

from skclf import MulticlassDenseClassifier, _saved
from skclf._versions import with_versions

X = np.random.RandomState(0).rand(30, 4).astype(np.float32)
Y = np.arange(30) % 3
CALLED = []


@keras.saving.register_keras_serializable(package="spam")
class Registered(keras.layers.Layer):
    """Records that it was created."""

    def __init__(self, *arguments, **options):
        CALLED.append(arguments)
        super().__init__()


@keras.saving.register_keras_serializable(package="spam")
def registered(values):
    CALLED.append(values)
    return values


NAMES = ["os.system", "builtins>eval", "builtins.eval", "spam>registered", "spam>Registered"]
NAMES += ["lambda x: x", "__lambda__", "function", "Lambda", "deserialize", "get", "Registered"]
NAMES += ["keras.layers>Lambda", "../relu", '{"class_name": "Lambda"}', ""]
CONFIGS = [
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
    {"module": "builtins", "class_name": "eval", "config": {}, "registered_name": None},
    {
        "module": None,
        "class_name": "Registered",
        "config": {},
        "registered_name": "spam>Registered",
    },
    {"class_name": "Lambda", "config": {"function": "lambda x: x"}},
    keras.saving.serialize_keras_object(registered),
]
FIELDS = ["activation", "optimizer", "learning_rate", "loss", "metrics", "monitor"]


@pytest.mark.parametrize("field", FIELDS)
def test_parameters_must_be_known_names_or_instances(field):
    CALLED.clear()
    for odd in [*NAMES, *CONFIGS]:
        given = [odd] if field == "metrics" else odd
        clf = MulticlassDenseClassifier(3, epochs=1, validation_split=0.2, **{field: given})
        clf.set_params(patience=1)
        with pytest.raises((ValueError, TypeError), match=rf"(?i){field}|expected the name of a"):
            clf.fit(X, Y)
    assert CALLED == []


@pytest.fixture(scope="module")
def state():
    return MulticlassDenseClassifier(3, epochs=1, random_state=0).fit(X, Y).__getstate__()


def loaded(state):
    clf = MulticlassDenseClassifier.__new__(MulticlassDenseClassifier)
    clf.__setstate__(with_versions(state, _saved.CHECKED))
    return clf


@pytest.mark.parametrize("odd", [*NAMES, *CONFIGS], ids=str)
def test_a_saved_activation_must_be_a_known_name(state, odd):
    CALLED.clear()
    hidden, output = state["_net"]["layers"]
    layers = [hidden | {"activation": odd}, output]
    altered = state | {"_net": state["_net"] | {"layers": layers}}
    with pytest.raises(ValueError, match=r"activation="):
        loaded(altered).predict(X)
    assert CALLED == []


USES = {
    "model": lambda clf: clf.model_,
    "evaluate": lambda clf: clf.evaluate(X, Y),
    "fit": lambda clf: clf.fit(X, Y),
}


@pytest.mark.parametrize("field", ["optimizer", "learning_rate", "loss", "metrics"])
@pytest.mark.parametrize("use", USES)
def test_saved_parameters_must_be_known_names(state, field, use):
    CALLED.clear()
    for odd in [*NAMES, *CONFIGS]:
        altered = state | {field: [odd] if field == "metrics" else odd}
        with pytest.raises((ValueError, TypeError), match=r"Got |parameter of|Can't load"):
            USES[use](loaded(altered))
    assert CALLED == []


def test_skops_files_cannot_name_keras_objects(state):
    skops_io = pytest.importorskip("skops.io", reason="skops is not installed")
    clf = loaded(state)
    clf.loss = CONFIGS[0]
    name = f"{type(clf).__module__}.{type(clf).__name__}"
    with pytest.raises(ValueError, match="loss="):
        skops_io.loads(skops_io.dumps(clf), trusted=[name]).model_  # noqa: B018
