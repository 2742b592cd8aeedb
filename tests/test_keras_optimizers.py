"""Keras's optimizers as parameters: names, instances as templates, and all their settings."""

import pickle

import keras
import numpy as np
import pytest
from batch_callback import BatchCallback
from own_keras_objects import BINARY, NeedsFactor, X, Y, net

from skclf import _keras_objects, engine

# ------------------------------------------------------------------------------ names and instances


def test_optimizers_by_name_are_created_anew():
    first, second = (_keras_objects.new_optimizer("adam", None) for _ in range(2))
    assert type(first) is keras.optimizers.Adam
    assert first is not second
    assert first.get_config() == second.get_config()
    assert not first.built


def test_optimizer_instances_are_templates_and_stay_unchanged():
    template = keras.optimizers.SGD(0.5, momentum=0.9)
    config = template.get_config()
    made = _keras_objects.new_optimizer(template, 0.01)
    assert made is not template
    assert made.momentum == 0.9
    assert float(made.learning_rate) == pytest.approx(0.01)
    assert template.get_config() == config
    assert not template.built


def test_optimizer_names_have_no_running_number():
    made = [_keras_objects.new_optimizer(keras.optimizers.RMSprop(), None).name for _ in range(3)]
    assert (
        made[0] == made[1] == made[2] == keras.optimizers.get("rmsprop").name.rstrip("_0123456789")
    )
    assert (
        _keras_objects.new_optimizer(keras.optimizers.RMSprop(name="mine_2"), None).name == "mine_2"
    )


@pytest.mark.parametrize("rate", [None, 0.25])
def test_learning_rate_overrides_that_of_the_optimizer(rate):
    made = _keras_objects.new_optimizer(keras.optimizers.SGD(0.5), rate)
    assert float(made.learning_rate) == (0.5 if rate is None else 0.25)


def test_learning_rate_schedules_are_kept():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    for optimizer in (
        _keras_objects.new_optimizer("sgd", schedule),
        _keras_objects.new_optimizer(keras.optimizers.SGD(schedule), None),
    ):
        assert float(optimizer.learning_rate) == 0.5
        assert optimizer.get_config()["learning_rate"]["config"] == schedule.get_config()


def test_error_for_an_unknown_optimizer_lists_the_known_ones():
    message = "Got optimizer='addam'; expected the name of a Keras optimizer"
    with pytest.raises(ValueError, match=message) as raised:
        _keras_objects.new_optimizer("addam", None)
    known = str(raised.value).partition("optimizer: ")[2].partition(".")[0].split(", ")
    assert {"Adam", "RMSprop", "SGD"} < set(known)
    assert str(raised.value).endswith(". Did you mean 'Adam'?")
    for offered in known:
        assert type(_keras_objects.new_optimizer(offered, None)).__name__ == offered
        assert type(_keras_objects.new_optimizer(offered.lower(), None)).__name__ == offered


def test_an_optimizer_of_another_type_is_an_error():
    with pytest.raises(TypeError, match=r"of type int; expected .* keras\.optimizers\.Optimizer"):
        _keras_objects.new_optimizer(5, None)


def test_a_used_optimizer_starts_from_its_initial_state():
    used = keras.optimizers.Adam(0.1)
    model = net().fit(X, Y).model_
    model.compile(used, BINARY)
    model.train_on_batch(X, Y[:, None].astype(np.float32))
    assert used.built
    clf = net(optimizer=used, epochs=3).fit(X, Y)
    fresh = net(optimizer=keras.optimizers.Adam(0.1), epochs=3).fit(X, Y)
    np.testing.assert_array_equal(clf._weights[0], fresh._weights[0])
    assert int(used.iterations.numpy()) == 1


def test_a_used_optimizer_with_an_incomplete_config_is_an_error():
    used = NeedsFactor(3)
    model = net().fit(X, Y).model_
    model.compile(used, BINARY)
    model.train_on_batch(X, Y[:, None].astype(np.float32))
    expected = "expected its get_config to return all arguments of its __init__"
    with pytest.raises(TypeError, match=expected):
        net(optimizer=used).fit(X, Y)


def test_multi_optimizers_are_an_error():
    optimizer = keras.optimizers.SGD()
    several = getattr(keras.optimizers, "MultiOptimizer", None)
    if several is None:
        pytest.skip("this version of Keras has no MultiOptimizer")
    several = several(keras.optimizers.OptimizerMap(optimizer))
    with pytest.raises(ValueError, match="Got optimizer=MultiOptimizer; expected a single"):
        net(optimizer=several).fit(X, Y)


# ----------------------------------------------------------------------------------------- settings


def test_exclusions_from_weight_decay_are_kept():
    optimizer = keras.optimizers.AdamW(1e-12, weight_decay=1e10)
    optimizer.exclude_from_weight_decay(var_names=["kernel"])
    clf = net(hidden_layer_sizes=(), optimizer=optimizer, epochs=2).fit(X, Y)
    start = net(hidden_layer_sizes=(), learning_rate=1e-30).fit(X, Y)
    np.testing.assert_array_equal(clf._weights[0], start._weights[0])
    everything = keras.optimizers.AdamW(1e-12, weight_decay=1e10)
    decayed = net(hidden_layer_sizes=(), optimizer=everything, epochs=2).fit(X, Y)
    assert not np.allclose(decayed._weights[0], start._weights[0])


class ScalesGradients(keras.optimizers.SGD):
    def apply_gradients(self, grads_and_vars):
        return super().apply_gradients([(20 * g, v) for g, v in grads_and_vars])


class ScalesTheLoss(keras.optimizers.SGD):
    def scale_loss(self, loss):
        return loss**2

    def get_config(self):
        return super().get_config() | {"mine": object()}


def decaying_only_kernels():
    optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


SETTINGS = {
    "plain": lambda: keras.optimizers.SGD(0.5),
    "momentum": lambda: keras.optimizers.SGD(0.5, momentum=0.9, nesterov=True),
    "loss scale": lambda: keras.optimizers.Adam(0.05, loss_scale_factor=1024.0),
    "dynamic loss scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5)),
    "clipvalue": lambda: keras.optimizers.SGD(0.5, clipvalue=0.01),
    "clipnorm": lambda: keras.optimizers.Adam(0.05, clipnorm=0.01),
    "global_clipnorm": lambda: keras.optimizers.SGD(0.5, global_clipnorm=0.01),
    "accumulation": lambda: keras.optimizers.RMSprop(0.05, gradient_accumulation_steps=2),
    "averages": lambda: keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.8),
    "overwriting averages": lambda: keras.optimizers.SGD(
        0.5, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2
    ),
    "weight decay": lambda: keras.optimizers.AdamW(0.05, weight_decay=0.5),
    "weight decay with exclusions": decaying_only_kernels,
    "weight decay of RMSprop": lambda: keras.optimizers.RMSprop(0.05, weight_decay=0.5),
    "apply_gradients": lambda: ScalesGradients(0.025),
    "update_step": lambda: NeedsFactor(3),
    "scale_loss": lambda: ScalesTheLoss(0.5),
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)
    ),
    "function": lambda: keras.optimizers.SGD(lambda: 0.25),
}


def weights_by_keras(make, epochs, batch_size, l2=0.0):
    """Weights that Keras trains batch by batch, on rows in skclf's order."""
    clf = net(l2=l2, learning_rate=1e-30, epochs=1).fit(X, Y)
    model = clf.model_
    model.compile(make(), BINARY)
    targets = Y[:, None].astype(np.float32)
    for epoch in range(epochs):
        order = engine.batch_order(len(X), clf._seeds["order"], epoch)
        for start in range(0, len(X), batch_size):
            batch = order[start : start + batch_size]
            model.train_on_batch(X[batch], targets[batch])
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return model.get_weights()


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("callbacks", [None, [BatchCallback()]], ids=["compiled", "Keras"])
def test_every_setting_gives_keras_weights_on_both_paths(settings, callbacks):
    make = SETTINGS[settings]
    clf = net(optimizer=make(), l2=0.01, epochs=3, batch_size=8, callbacks=callbacks).fit(X, Y)
    expected = weights_by_keras(make, epochs=3, batch_size=8, l2=0.01)
    for found, wanted in zip(clf._weights, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_learning_rate_is_passed_to_the_inner_optimizer():
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    settings = {"epochs": 3, "batch_size": 8}
    for rate in (None, 0.1):
        clf = net(optimizer=wrapped, learning_rate=rate, **settings).fit(X, Y)
        plain = net(optimizer="sgd", learning_rate=rate or 0.5, **settings).fit(X, Y)
        np.testing.assert_allclose(clf._weights[0], plain._weights[0], rtol=1e-5)
    assert not wrapped.built
    assert not wrapped.inner_optimizer.built


@pytest.mark.parametrize("optimizer", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_survives_pickling(optimizer):
    if optimizer is SETTINGS["function"]:
        pytest.skip("pickle cannot save lambdas")
    clf = net(optimizer=optimizer(), epochs=2, warm_start=True).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.fit(X, Y)._weights[0], clf.fit(X, Y)._weights[0])
