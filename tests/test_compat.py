"""Private names of Keras and TensorFlow: if one is missing, fit still works, and warns once."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

import skclf
from skclf import BinaryDenseClassifier, NetworkClassifier, engine
from skclf.engine import _compat
from skclf.engine._open_optimizer import OPEN_OPTIMIZERS, can_be_open

RNG = np.random.RandomState(0)
X = RNG.rand(40, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


def net(**parameters):
    defaults = {"hidden_layer_sizes": 10, "batch_size": 16, "epochs": 2, "random_state": 0}
    return BinaryDenseClassifier(**defaults | parameters)


def positive_rate(y_true, y_pred):
    return keras.ops.mean(keras.ops.cast(y_pred > 0.5, "float32"))


@pytest.fixture
def hide(monkeypatch):
    """Hide names from ``hasattr`` and ``getattr`` in the compatibility module."""

    def hide(*names):
        def has(value, name):
            return name not in names and hasattr(value, name)

        def get(value, name, *default):
            if name in names:
                if default:
                    return default[0]
                raise AttributeError(name)
            return getattr(value, name, *default)

        monkeypatch.setattr(_compat, "hasattr", has, raising=False)
        monkeypatch.setattr(_compat, "getattr", get, raising=False)
        monkeypatch.setattr(_compat, "_warned_of", set())
        engine.clear_cache()

    yield hide
    engine.clear_cache()


@pytest.mark.parametrize(
    ("name", "parameters", "consequence"),
    [
        ("_velocities", {"optimizer": "rmsprop"}, "RMSprop._velocities, .* updates are not fused"),
        ("_momentums", {"optimizer": "adam"}, "Adam._momentums, .* updates are not fused"),
        ("_get_variable_index", {"optimizer": "adam"}, "Adam._get_variable_index"),
        ("_all_reduce_sum_gradients", {"optimizer": "nadam"}, "takes up memory permanently"),
        ("_learning_rate", {"optimizer": keras.optimizers.Adam(0.01)}, "created again from its"),
        (
            "_learning_rate",
            {
                "optimizer": keras.optimizers.SGD(
                    keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
                )
            },
            "created again from its configuration",
        ),
        ("_fn", {"metrics": [positive_rate]}, "metric functions are updated batch by batch"),
        ("_symbolic_build", {"metrics": [positive_rate]}, "metrics are built with an update"),
        ("momentums", {"optimizer": "sgd"}, "SGD.momentums, .* updates are not fused"),
        ("ResourceApplyGradientDescent", {"optimizer": "sgd"}, "updates of the optimizer are not"),
        ("ResourceApplyRMSProp", {"optimizer": "rmsprop"}, "updates of the optimizer are not"),
        ("ResourceApplyAdagradV2", {"optimizer": "adam"}, "updates of the optimizer are not"),
        ("StatefulPartitionedCall", {}, "compiled epochs start more slowly"),
        ("structured_outputs", {}, "compiled epochs start more slowly"),
    ],
)
def test_missing_name_warns_once_and_fit_is_the_same(hide, name, parameters, consequence):
    expected = net(**parameters).fit(X, Y)
    hide(name)
    with pytest.warns(RuntimeWarning, match=consequence) as caught:
        found = net(**parameters).fit(X, Y)
    ours = [w for w in caught if "which skclf relies on" in str(w.message)]
    assert len(ours) == 1
    for one, other in zip(found._weights, expected._weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.history_, expected.history_, rtol=1e-5)


def test_missing_kernel_falls_back_to_keras_batch_normalization(hide):
    clf = NetworkClassifier(
        lambda inputs: keras.layers.BatchNormalization()(inputs), epochs=2, random_state=0
    )
    expected = clone(clf).fit(X, Y)
    hide("FusedBatchNormV3")
    with pytest.warns(RuntimeWarning, match="batch normalization is not fused"):
        clf.fit(X, Y)
    for one, other in zip(clf._weights, expected._weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_missing_metric_direction_must_be_given(hide):
    hide("_direction")
    clf = net(validation_split=0.3, metrics=["auc"], monitor="val_auc")
    with pytest.raises(ValueError, match="it isn't known whether lower or higher is better"):
        clf.fit(X, Y)
    clf.set_params(monitor=("val_auc", "max")).fit(X, Y)
    assert clf.best_epoch_ == clf.history_["val_auc"].argmax() + 1


def test_missing_initial_epoch_does_not_change_fit(hide):
    expected = net().fit(X, Y)
    hide("_initial_epoch")
    np.testing.assert_array_equal(net().fit(X, Y)._weights[0], expected._weights[0])


def test_warm_start_without_learning_rate_variable(hide):
    expected = net(optimizer="sgd", warm_start=True).fit(X, Y).fit(X, Y)
    hide("_learning_rate")
    with pytest.warns(RuntimeWarning, match="_learning_rate"):
        found = net(optimizer="sgd", warm_start=True).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(found._weights[0], expected._weights[0], rtol=1e-5)


def test_only_compat_reads_private_names():
    private = {
        *("_velocities", "_momentums", "_get_variable_index", "_all_reduce_sum_gradients"),
        *("_learning_rate", "_direction", "_fn", "_initial_epoch", "_symbolic_build"),
        *("_compile_metrics", "_iterations", "_variables", "_tracker", "_trainable_variables"),
        "StatefulPartitionedCall",
    }
    root = Path(skclf.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "_compat.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in private, f"{path.name} reads {node.attr}"


def test_installed_versions_have_all_private_names():
    # Fails first when a new version of Keras or TensorFlow drops a private name.
    optimizer = keras.optimizers.Adam()
    optimizer.build([keras.Variable([1.0])])
    assert _compat.optimizer_slots(optimizer, "_momentums", "_velocities") is not None
    assert _compat.learning_rate_variable(optimizer) is not None
    assert all(map(can_be_open, OPEN_OPTIMIZERS))
    assert _compat.raw_operations("FusedBatchNormV3")
    assert _compat.sparse_tools() is not None
    assert hasattr(tf.raw_ops, "StatefulPartitionedCall")
    assert _compat.direction_of(keras.metrics.AUC()) == "up"
    assert _compat._warned_of == set()
