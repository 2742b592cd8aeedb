"""Layers, optimizers and metrics: made afresh, with names and numbers that never drift."""

import keras
import numpy as np
import pandas as pd
import pytest

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, _networks, engine
from skclf._forward import Architecture

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


def net(**parameters):
    defaults = {"hidden_layer_sizes": 2, "epochs": 1, "random_state": 0}
    return BinaryDenseClassifier(**defaults | parameters)


# ----------------------------------------------------------------------------------------- layers

DENSE = Architecture((4,), (3, 2), 1, "tanh", dropout=0.5, l2=0.1)
CONV = Architecture((6, 5, 2), (3,), 4, "elu", filters=(2, 3), kernel_size=(2, 3), pool_size=(3, 2))


@pytest.mark.parametrize(
    ("architecture", "names"),
    [
        (DENSE, ["rows", "hidden_1", "dropout_1", "hidden_2", "dropout_2", "output"]),
        (
            CONV,
            ["images", "conv_1", "pool_1", "conv_2", "pool_2", "flatten", "hidden_1", "output"],
        ),
        (Architecture((4,), (), 3, "relu", sparse=True), ["rows", "output"]),
    ],
)
def test_layers_have_the_same_names_at_every_time(architecture, names):
    for _ in range(2):
        model = keras.Model(*_networks.build_layers(architecture))
        assert [layer.name for layer in model.layers] == names


def test_layers_are_what_the_architecture_says():
    model = keras.Model(*_networks.build_layers(CONV))
    assert model.input_shape == (None, 6, 5, 2)
    assert model.output_shape == (None, 4)
    conv, pool = model.get_layer("conv_1"), model.get_layer("pool_1")
    assert (conv.filters, conv.kernel_size, conv.padding) == (2, (2, 3), "same")
    assert (pool.pool_size, pool.padding) == ((3, 2), "same")
    assert model.get_layer("output").activation is keras.activations.softmax
    model = keras.Model(*_networks.build_layers(DENSE))
    assert model.get_layer("dropout_1").rate == 0.5
    assert float(model.get_layer("hidden_1").kernel_regularizer.l2) == pytest.approx(0.1)
    assert model.get_layer("output").activation is keras.activations.sigmoid
    plain = keras.Model(*_networks.build_layers(Architecture((4,), (3,), 1, "relu")))
    assert plain.get_layer("hidden_1").kernel_regularizer is None
    assert [type(layer).__name__ for layer in plain.layers] == ["InputLayer", "Dense", "Dense"]


def test_layers_do_not_depend_on_keras_settings():
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("mixed_float16")
        model = keras.Model(*_networks.build_layers(DENSE))
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(floatx)
    assert {layer.dtype_policy.name for layer in model.layers[1:]} == {"float32"}
    assert model.input.dtype == model.output.dtype == "float32"
    assert {np.dtype(weights.dtype) for weights in model.get_weights()} == {np.dtype("float32")}


@pytest.mark.parametrize("setting", ["mixed_float16", "float64"])
def test_a_fit_does_not_depend_on_keras_settings(setting):
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
def test_activations_that_keras_knows(name):
    assert _networks.check_activation(name) is None


@pytest.mark.parametrize("name", ["rellu", "", "get", "ReLU!"])
def test_unknown_activations_come_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"not the name of a Keras activation.*relu") as raised:
        _networks.check_activation(name)
    assert f"Got activation={name!r}" in str(raised.value)
    known = str(raised.value).partition("activation: ")[2].rstrip(".").split(", ")
    assert {"relu", "tanh", "gelu"} < set(known)


def test_the_activations_that_are_offered_work():
    # Not Keras's functions for other ends, such as get and serialize.
    with pytest.raises(ValueError, match="not the name of a Keras activation") as raised:
        _networks.check_activation("rellu")
    known = str(raised.value).partition("activation: ")[2].rstrip(".").split(", ")
    assert len(known) > 20
    for name in known:
        model = keras.Model(*_networks.build_layers(Architecture((4,), (3, 2), 1, name)))
        assert np.isfinite(model(X)).all()


@pytest.mark.parametrize("name", ["glu", "threshold"])
def test_functions_of_keras_that_can_not_be_an_activation_here(name):
    # One halves the number of values, the other needs further arguments.
    with pytest.raises(ValueError, match=f"activation='{name}'"):
        net(activation=name).fit(X, Y)


# ------------------------------------------------------------------------------------- optimizers


def test_optimizers_by_name_are_new_each_time():
    first, second = (_networks.new_optimizer("adam", None) for _ in range(2))
    assert type(first) is keras.optimizers.Adam
    assert first is not second
    assert first.get_config() == second.get_config()
    assert not first.built


def test_templates_are_left_alone():
    template = keras.optimizers.SGD(0.5, momentum=0.9)
    config = template.get_config()
    made = _networks.new_optimizer(template, 0.01)
    assert made is not template
    assert made.momentum == 0.9
    assert float(made.learning_rate) == pytest.approx(0.01)
    assert template.get_config() == config
    assert not template.built


def test_numbered_names_of_optimizers_do_not_show():
    made = [_networks.new_optimizer(keras.optimizers.RMSprop(), None).name for _ in range(3)]
    assert (
        made[0] == made[1] == made[2] == keras.optimizers.get("rmsprop").name.rstrip("_0123456789")
    )
    assert _networks.new_optimizer(keras.optimizers.RMSprop(name="mine_2"), None).name == "mine_2"


@pytest.mark.parametrize("rate", [None, 0.25])
def test_learning_rates(rate):
    made = _networks.new_optimizer(keras.optimizers.SGD(0.5), rate)
    assert float(made.learning_rate) == (0.5 if rate is None else 0.25)


def test_schedules():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    for optimizer in (
        _networks.new_optimizer("sgd", schedule),
        _networks.new_optimizer(keras.optimizers.SGD(schedule), None),
    ):
        assert float(optimizer.learning_rate) == 0.5
        assert optimizer.get_config()["learning_rate"]["config"] == schedule.get_config()


def test_unknown_optimizers_come_with_the_known_ones():
    message = "Got optimizer='addam', which is not the name of a Keras optimizer"
    with pytest.raises(ValueError, match=message) as raised:
        _networks.new_optimizer("addam", None)
    known = str(raised.value).partition("optimizer: ")[2].rstrip(".").split(", ")
    assert {"Adam", "RMSprop", "SGD"} < set(known)
    for offered in known:
        assert type(_networks.new_optimizer(offered, None)).__name__ == offered
        assert type(_networks.new_optimizer(offered.lower(), None)).__name__ == offered


def test_what_is_no_optimizer():
    with pytest.raises(TypeError, match=r"of type int; it must be .* keras\.optimizers\.Optimizer"):
        _networks.new_optimizer(5, None)


# ---------------------------------------------------------------------------------------- metrics


def names_of(metrics):
    return [metric if isinstance(metric, str) else metric.name for metric in metrics]


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (None, []),
        ((), []),
        (["accuracy"], ["accuracy"]),
        (["auc"], ["auc"]),
        (["AUC", "Precision"], ["auc", "precision"]),
        (["auc", "auc", "auc"], ["auc", "auc_1", "auc_2"]),
        ([keras.metrics.AUC(), "auc"], ["auc", "auc_1"]),
        ([keras.metrics.AUC(name="area")], ["area"]),
        ([keras.metrics.AUC(name="auc_of_2")], ["auc_of_2"]),
        ([keras.metrics.F1Score(threshold=0.5)], ["f1_score"]),
        (["binary_accuracy", "recall"], ["binary_accuracy", "recall"]),
    ],
)
def test_names_of_metrics_do_not_drift(metrics, names):
    for _ in range(3):
        assert names_of(_networks.new_metrics(metrics)) == names
        keras.metrics.AUC()  # Keras counts on


def test_metrics_given_as_instances_are_templates():
    template = keras.metrics.Precision(thresholds=0.25)
    made = _networks.new_metrics([template])[0]
    assert made is not template
    assert made.thresholds == [0.25]
    clf = net(metrics=[template]).fit(X, Y)
    assert clf.metrics == [template]
    assert float(keras.ops.sum(template.true_positives)) == 0
    assert clf.history_.columns.tolist() == ["loss", "precision"]


@pytest.mark.parametrize("metrics", [["auc"], [keras.metrics.AUC()], ["auc", "auc"]], ids=len)
def test_columns_of_the_history_do_not_drift(metrics):
    columns = [net(metrics=metrics).fit(X, Y).history_.columns.tolist() for _ in range(3)]
    assert columns[0] == columns[1] == columns[2]
    assert columns[0][:2] == ["loss", "auc"]
    clf = net(
        metrics=metrics, epochs=5, callbacks=[keras.callbacks.EarlyStopping("auc", mode="min")]
    )
    for _ in range(2):
        clf.fit(X, Y)
        assert set(clf.evaluate(X, Y)) == set(columns[0])


def test_early_stopping_on_a_metric_works_each_time():
    # Nothing is ever better by 1, so that each fit stops one epoch after the first.
    stop = keras.callbacks.EarlyStopping("val_auc", mode="max", min_delta=1, patience=1)
    clf = net(metrics=["auc"], epochs=5, callbacks=[stop])
    for _ in range(3):
        assert len(clf.fit(X, Y, X_val=X, y_val=Y).history_) == 2


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            ["acuracy"],
            "Got 'acuracy' in metrics, which is not the name of a Keras metric: accuracy",
        ),
        ([5], "of type int in metrics; each must be the name of a Keras metric or an instance"),
        ([None], "of type NoneType in metrics; each must be the name"),
        ([["accuracy"]], "of type list in metrics; each must be the name"),
        ([{"accuracy": 1}], "of type dict in metrics; each must be the name"),
        ([keras.metrics.AUC], "in metrics; each must be the name of a Keras metric or an instance"),
    ],
)
def test_what_are_no_metrics(metrics, message):
    with pytest.raises((ValueError, TypeError), match=message):
        _networks.new_metrics(metrics)
    with pytest.raises((ValueError, TypeError), match=message):
        net(metrics=metrics).fit(X, Y)


def test_metrics_of_more_than_one_number_are_refused_by_name():
    # Without an average this one has a value for each class.
    with pytest.raises((ValueError, TypeError), match="f1_score"):
        net(metrics=["f1_score"]).fit(X, Y)
    clf = net(metrics=[keras.metrics.F1Score(average="macro", threshold=0.5)]).fit(X, Y)
    assert clf.history_.columns.tolist() == ["loss", "f1_score"]


@pytest.mark.parametrize("name", ["crossentropy", "ce"])
def test_names_that_keras_does_not_take(name):
    with pytest.raises(ValueError, match=f"Got '{name}' in metrics, which is not the name of a"):
        net(metrics=[name]).fit(X, Y)


@pytest.mark.parametrize("name", ["accuracy", "acc", "auc", "sparse_categorical_accuracy"])
def test_metrics_of_many_classes(name):
    y = np.arange(30) % 3
    if name == "auc":
        clf = MulticlassDenseClassifier(
            2, epochs=1, metrics=[name], loss="categorical_crossentropy", random_state=0
        )
    else:
        clf = MulticlassDenseClassifier(2, epochs=1, metrics=[name], random_state=0)
    assert clf.fit(X, y).history_.columns.tolist() == ["loss", name]
    if name != "auc":
        np.testing.assert_allclose(clf.evaluate(X, y)[name], clf.score(X, y), rtol=1e-6)
