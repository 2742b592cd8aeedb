"""Keras objects of the user's: copies that keep everything, keys that tell them apart."""

import pickle
import re

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    _copies,
    _fingerprints,
    _keras_objects,
    engine,
)

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)
Y3 = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [0.3, 0.6])]
BINARY = "binary_crossentropy"


def net(**parameters):
    defaults = {"hidden_layer_sizes": 2, "epochs": 1, "random_state": 0}
    return BinaryDenseClassifier(**defaults | parameters)


class HearsOfBatches(keras.callbacks.Callback):
    """Makes Keras's own ``fit`` run."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class Above(keras.metrics.Mean):
    """Share of the predictions above a threshold, which ``get_config`` leaves out."""

    def __init__(self, threshold=0.5, name="above", **options):
        super().__init__(name=name, **options)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(keras.ops.cast(y_pred > self.threshold, "float32"))


class NeedsFactor(keras.optimizers.SGD):
    """An optimizer that can't be made from its configuration."""

    def __init__(self, factor, **options):
        super().__init__(learning_rate=0.1, **options)
        self.factor = factor

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(self.factor * gradient, variable, learning_rate)


def share(y_true, y_pred):
    return keras.ops.mean(keras.ops.cast(y_pred > 0.5, "float32"))


def f1(y_true, y_pred):
    both = keras.ops.sum(y_true * y_pred)
    return 2 * both / keras.ops.sum(y_true + y_pred)


# ------------------------------------------------------------------------------------- optimizers


def test_optimizers_by_name_are_new_each_time():
    first, second = (_keras_objects.new_optimizer("adam", None) for _ in range(2))
    assert type(first) is keras.optimizers.Adam
    assert first is not second
    assert first.get_config() == second.get_config()
    assert not first.built


def test_templates_are_left_alone():
    template = keras.optimizers.SGD(0.5, momentum=0.9)
    config = template.get_config()
    made = _keras_objects.new_optimizer(template, 0.01)
    assert made is not template
    assert made.momentum == 0.9
    assert float(made.learning_rate) == pytest.approx(0.01)
    assert template.get_config() == config
    assert not template.built


def test_numbered_names_of_optimizers_do_not_show():
    made = [_keras_objects.new_optimizer(keras.optimizers.RMSprop(), None).name for _ in range(3)]
    assert (
        made[0] == made[1] == made[2] == keras.optimizers.get("rmsprop").name.rstrip("_0123456789")
    )
    assert (
        _keras_objects.new_optimizer(keras.optimizers.RMSprop(name="mine_2"), None).name == "mine_2"
    )


@pytest.mark.parametrize("rate", [None, 0.25])
def test_learning_rates(rate):
    made = _keras_objects.new_optimizer(keras.optimizers.SGD(0.5), rate)
    assert float(made.learning_rate) == (0.5 if rate is None else 0.25)


def test_schedules():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    for optimizer in (
        _keras_objects.new_optimizer("sgd", schedule),
        _keras_objects.new_optimizer(keras.optimizers.SGD(schedule), None),
    ):
        assert float(optimizer.learning_rate) == 0.5
        assert optimizer.get_config()["learning_rate"]["config"] == schedule.get_config()


def test_unknown_optimizers_come_with_the_known_ones():
    message = "Got optimizer='addam'; expected the name of a Keras optimizer"
    with pytest.raises(ValueError, match=message) as raised:
        _keras_objects.new_optimizer("addam", None)
    known = str(raised.value).partition("optimizer: ")[2].rstrip(".").split(", ")
    assert {"Adam", "RMSprop", "SGD"} < set(known)
    for offered in known:
        assert type(_keras_objects.new_optimizer(offered, None)).__name__ == offered
        assert type(_keras_objects.new_optimizer(offered.lower(), None)).__name__ == offered


def test_what_is_no_optimizer():
    with pytest.raises(TypeError, match=r"of type int; expected .* keras\.optimizers\.Optimizer"):
        _keras_objects.new_optimizer(5, None)


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
        (["AUC", "mae"], ["AUC", "mae"]),
        (["accuracy", keras.metrics.AUC(name="accuracy")], ["accuracy", "accuracy_1"]),
        ([keras.metrics.AUC(name="accuracy"), "accuracy"], ["accuracy", "accuracy_1"]),
        ([share, share], ["share", "share_1"]),
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
        assert names_of(_keras_objects.new_metrics(metrics, BINARY)) == names
        keras.metrics.AUC()  # Keras counts on


def test_metrics_given_as_instances_are_templates():
    template = keras.metrics.Precision(thresholds=0.25)
    made = _keras_objects.new_metrics([template], BINARY)[0]
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
            "Got 'acuracy' in metrics; expected the name of a Keras metric: accuracy",
        ),
        ([5], "of type int in metrics; expected names of Keras metrics, instances"),
        ([None], "of type NoneType in metrics; expected names"),
        ([["accuracy"]], "of type list in metrics; expected names"),
        ([{"accuracy": 1}], "of type dict in metrics; expected names"),
        ([keras.metrics.AUC], "in metrics; expected names of Keras metrics, instances"),
    ],
)
def test_what_are_no_metrics(metrics, message):
    with pytest.raises((ValueError, TypeError), match=message):
        _keras_objects.new_metrics(metrics, BINARY)
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
    with pytest.raises(ValueError, match=f"Got '{name}' in metrics; expected the name of a"):
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


class CategoricalAgain(keras.metrics.CategoricalAccuracy):
    pass


class SparseAgain(keras.metrics.SparseCategoricalAccuracy):
    pass


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize(
    "metric",
    [
        "categorical_accuracy",
        "sparse_categorical_accuracy",
        keras.metrics.categorical_accuracy,
        keras.metrics.sparse_categorical_accuracy,
        CategoricalAgain(name="accuracy"),
        SparseAgain(name="accuracy"),
        keras.metrics.MeanMetricWrapper(keras.metrics.categorical_accuracy, name="accuracy"),
    ],
    ids=lambda metric: getattr(metric, "__name__", str(metric)),
)
def test_each_metric_gets_the_targets_that_it_reads(metric, loss):
    clf = MulticlassDenseClassifier(4, metrics=[metric], loss=loss, epochs=2, random_state=0)
    clf.fit(X, Y3)
    (found,) = (value for name, value in clf.evaluate(X, Y3).items() if name != "loss")
    assert found == pytest.approx(clf.score(X, Y3))


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.metrics.MeanIoU(3, sparse_y_pred=False),
        lambda: keras.metrics.OneHotMeanIoU(3),
        lambda: keras.metrics.OneHotIoU(3, target_class_ids=[0, 1, 2]),
    ],
)
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_intersection_over_union(make, loss):
    clf = MulticlassDenseClassifier(4, metrics=[make()], loss=loss, epochs=2, random_state=0)
    predicted = clf.fit(X, Y3).predict(X)
    by_hand = np.mean(
        [((predicted == c) & (c == Y3)).sum() / ((predicted == c) | (c == Y3)).sum() for c in "abc"]
    )
    (found,) = (value for name, value in clf.evaluate(X, Y3).items() if name != "loss")
    assert found == pytest.approx(by_hand)


@pytest.mark.parametrize(
    "metric",
    [
        keras.metrics.PrecisionAtRecall(0.5),
        keras.metrics.RecallAtPrecision(0.5),
        keras.metrics.SensitivityAtSpecificity(0.5),
        keras.metrics.SpecificityAtSensitivity(0.5),
        keras.metrics.MeanMetricWrapper(f1, name="f1"),
        Above(0.25),
        f1,
    ],
    ids=lambda metric: getattr(metric, "__name__", str(metric)),
)
@pytest.mark.parametrize("callbacks", [None, [HearsOfBatches()]])
def test_metrics_that_need_arguments_or_are_the_users_own(metric, callbacks):
    clf = net(metrics=[metric], batch_size=30, epochs=2, callbacks=callbacks).fit(X, Y)
    after_one = clf.evaluate(X, Y)
    (name,) = set(after_one) - {"loss"}
    again = clf.fit(X, Y, X_val=X, y_val=Y)
    assert again.history_[f"val_{name}"].iloc[-1] == pytest.approx(after_one[name], abs=1e-6)


def test_a_metrics_own_settings_are_kept():
    assert net(metrics=[Above(threshold=0.0)], epochs=3).fit(X, Y).history_["above"].tolist() == [
        1.0,
        1.0,
        1.0,
    ]
    assert net(metrics=[Above(threshold=1.0)]).fit(X, Y).history_["above"].tolist() == [0.0]


def test_strings_that_need_arguments_name_the_fix():
    with pytest.raises(
        ValueError, match=r"can't be created from its name alone.*expected an instance"
    ):
        net(metrics=["MeanIoU"]).fit(X, Y)


def test_a_metric_that_counts_rows_sees_each_of_them():
    rows, y = np.repeat([[0.0, 1], [1, 0]], [25, 3], axis=0), np.repeat([0, 1], [25, 3])
    seen = []

    class Rows(keras.metrics.Sum):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append(sample_weight)
            super().update_state(keras.ops.ones_like(y_pred))

    clf = net(metrics=[Rows(name="rows"), share], batch_size=28).fit(rows, y)
    assert clf.history_["rows"].tolist() == [28.0]
    assert clf.evaluate(rows, y)["rows"] == 28
    assert set(seen) == {None}


# -------------------------------------------------------------------------------------- direction


@pytest.mark.parametrize(
    ("metric", "lower"),
    [
        (keras.metrics.FalseNegatives(name="m"), True),
        (keras.metrics.FalsePositives(name="m"), True),
        (keras.metrics.TruePositives(name="m"), False),
        (keras.metrics.TrueNegatives(name="m"), False),
        (keras.metrics.MeanSquaredError(name="m"), True),
        (keras.metrics.MeanMetricWrapper(keras.metrics.mean_absolute_error, name="m"), True),
        (keras.metrics.MeanMetricWrapper(keras.metrics.binary_accuracy, name="m"), False),
        (keras.metrics.PrecisionAtRecall(0.5, name="m"), False),
        (keras.metrics.MeanIoU(2, name="m"), False),
        (keras.metrics.KLDivergence(name="m"), True),
        (keras.metrics.AUC(name="m"), False),
        (CategoricalAgain(name="m"), False),
        (Above(name="m"), None),
        (keras.metrics.MeanMetricWrapper(share, name="m"), None),
        (keras.metrics.Mean(name="m"), None),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_the_direction_of_a_metric(metric, lower):
    assert _keras_objects.lower_is_better([metric], BINARY, "m") is lower


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (keras.metrics.FalseNegatives(), "val_false_negatives"),
        (keras.metrics.mean_absolute_error, "val_mean_absolute_error"),
    ],
)
def test_monitor_keeps_the_lowest_of_what_is_better_low(metric, name):
    rng = np.random.RandomState(0)
    rows = rng.rand(200, 4)
    y = (rows.mean(axis=1) + rng.normal(0, 0.2, 200) > 0.5).astype(int)
    clf = BinaryDenseClassifier(
        32,
        optimizer="adam",
        learning_rate=0.01,
        epochs=15,
        validation_split=0.25,
        patience=15,
        metrics=[metric],
        monitor=name,
        random_state=0,
    ).fit(rows, y)
    assert clf.history_[name][clf.best_epoch_] == clf.history_[name].min()
    assert clf.history_[name].nunique() > 1


@pytest.mark.parametrize("parameter", ["monitor", "refit_epoch"])
def test_a_direction_that_is_not_known_is_asked_for(parameter):
    fitted = {}
    for mode in ("min", "max"):
        clf = net(metrics=[share], epochs=4, validation_split=0.3, learning_rate=0.1)
        clf.set_params(**{parameter: ("val_share", mode)}).fit(X, Y)
        values = clf.history_["val_share"]
        fitted[mode] = values[clf.best_epoch_]
        assert fitted[mode] == getattr(values, mode)()
    assert fitted["min"] < fitted["max"]
    message = rf"Got {parameter}='val_share'.*{parameter}=\('val_share', 'min'\)"
    with pytest.raises(ValueError, match=message):
        net(metrics=[share], validation_split=0.3, **{parameter: "val_share"}).fit(X, Y)
    with pytest.raises(ValueError, match=rf"Got {parameter}=\('val_loss', 'up'\); expected"):
        net(validation_split=0.3, **{parameter: ("val_loss", "up")}).fit(X, Y)


@pytest.mark.parametrize("asked", ["val_acc", "val_accuracy"])
@pytest.mark.parametrize("name", ["acc", "accuracy"])
@pytest.mark.parametrize("parameter", ["monitor", "refit_epoch"])
def test_accuracy_under_both_of_its_names(asked, name, parameter):
    settings = {"metrics": [name], "validation_split": 0.3, "epochs": 3, "learning_rate": 0.1}
    clf = net(**settings, **{parameter: asked}).fit(X, Y)
    assert clf.best_epoch_ == clf.history_[f"val_{name}"].argmax() + 1


def test_refit_epoch_takes_any_metric():
    clf = net(metrics=["auc"], validation_split=0.3, epochs=4, refit_epoch="val_auc").fit(X, Y)
    assert clf.n_epochs_ == clf.best_epoch_ == clf.history_["val_auc"].argmax() + 1


# ------------------------------------------------------------------------- optimizers: all settings


def test_settings_made_by_methods_are_kept():
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


def decaying_kernels_alone():
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
    "weight decay with exclusions": decaying_kernels_alone,
    "weight decay of RMSprop": lambda: keras.optimizers.RMSprop(0.05, weight_decay=0.5),
    "apply_gradients": lambda: ScalesGradients(0.025),
    "update_step": lambda: NeedsFactor(3),
    "scale_loss": lambda: ScalesTheLoss(0.5),
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)
    ),
    "function": lambda: keras.optimizers.SGD(lambda: 0.25),
}


def by_hand(make, epochs, batch_size, l2=0.0):
    """Weights after Keras's own training, batch by batch, with nothing of skclf but the order."""
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
@pytest.mark.parametrize("callbacks", [None, [HearsOfBatches()]], ids=["compiled", "Keras"])
def test_every_setting_means_the_same_on_both_paths(settings, callbacks):
    make = SETTINGS[settings]
    clf = net(optimizer=make(), l2=0.01, epochs=3, batch_size=8, callbacks=callbacks).fit(X, Y)
    expected = by_hand(make, epochs=3, batch_size=8, l2=0.01)
    for found, wanted in zip(clf._weights, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_learning_rate_for_an_optimizer_around_another():
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    settings = {"epochs": 3, "batch_size": 8}
    for rate in (None, 0.1):
        clf = net(optimizer=wrapped, learning_rate=rate, **settings).fit(X, Y)
        plain = net(optimizer="sgd", learning_rate=rate or 0.5, **settings).fit(X, Y)
        np.testing.assert_allclose(clf._weights[0], plain._weights[0], rtol=1e-5)
    assert not wrapped.built
    assert not wrapped.inner_optimizer.built


def test_optimizers_of_several_layers_are_refused():
    optimizer = keras.optimizers.SGD()
    several = getattr(keras.optimizers, "MultiOptimizer", None)
    if several is None:
        pytest.skip("this version of Keras has no MultiOptimizer")
    several = several(keras.optimizers.OptimizerMap(optimizer))
    with pytest.raises(ValueError, match="Got optimizer=MultiOptimizer; expected a single"):
        net(optimizer=several).fit(X, Y)


def test_an_optimizer_that_was_used_starts_anew():
    used = keras.optimizers.Adam(0.1)
    model = net().fit(X, Y).model_
    model.compile(used, BINARY)
    model.train_on_batch(X, Y[:, None].astype(np.float32))
    assert used.built
    clf = net(optimizer=used, epochs=3).fit(X, Y)
    fresh = net(optimizer=keras.optimizers.Adam(0.1), epochs=3).fit(X, Y)
    np.testing.assert_array_equal(clf._weights[0], fresh._weights[0])
    assert int(used.iterations.numpy()) == 1


def test_a_used_optimizer_that_can_not_be_made_anew():
    used = NeedsFactor(3)
    model = net().fit(X, Y).model_
    model.compile(used, BINARY)
    model.train_on_batch(X, Y[:, None].astype(np.float32))
    expected = "expected its get_config to return all arguments of its __init__"
    with pytest.raises(TypeError, match=expected):
        net(optimizer=used).fit(X, Y)


# ------------------------------------------------------------------------------------------- files


def test_objects_of_unregistered_classes_are_cloned_searched_and_saved(tmp_path):
    clf = net(metrics=[Above(0.25)], optimizer=NeedsFactor(3), epochs=2).fit(X, Y)
    joblib.dump(clf, tmp_path / "clf.joblib")
    for loaded in (
        pickle.loads(pickle.dumps(clf)),
        joblib.load(tmp_path / "clf.joblib"),
        clone(clf).fit(X, Y),
    ):
        assert loaded.metrics[0].threshold == 0.25
        assert loaded.metrics[0] is not clf.metrics[0]
        assert loaded.optimizer.factor == 3
        np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
        np.testing.assert_array_equal(loaded.fit(X, Y).history_, clf.history_)
    assert np.isfinite(cross_val_score(clf, X, Y, cv=2)).all()
    assert GridSearchCV(clf, {"epochs": [1, 2]}, cv=2).fit(X, Y).best_score_ > 0


@pytest.mark.parametrize("optimizer", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_survives_pickling(optimizer):
    if optimizer is SETTINGS["function"]:
        pytest.skip("pickle saves no lambda")
    clf = net(optimizer=optimizer(), epochs=2, warm_start=True).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.fit(X, Y)._weights[0], clf.fit(X, Y)._weights[0])


def test_skops_says_what_it_can_not_save():
    skops = pytest.importorskip("skops.io")
    clf = net(optimizer=keras.optimizers.Adam()).fit(X, Y)
    with pytest.raises(TypeError, match="of type Adam, which skops can't save; expected the names"):
        skops.dumps(clf)


# ------------------------------------------------------------------------------------------ copies


def test_metrics_with_metrics_inside():
    class Pair(keras.metrics.Metric):
        def __init__(self, inner, name="pair"):
            super().__init__(name=name)
            self.inner = inner
            self.seen = self.add_variable((), "zeros", name="seen")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.inner.update_state(y_true, y_pred)
            self.seen.assign_add(1.0)

        def result(self):
            return self.inner.result() * 1.0

    template = Pair(keras.metrics.BinaryAccuracy())
    clf = net(metrics=["accuracy", template], batch_size=8, epochs=2).fit(X, Y)
    np.testing.assert_allclose(clf.history_["pair"], clf.history_["accuracy"])
    assert float(template.seen.value.numpy()) == 0
    copied = _copies.copied_metric(template, "copy")
    assert copied.inner is not template.inner
    assert copied.seen is not template.seen
    assert len(copied.variables) == len(template.variables)


# ------------------------------------------------------------------------------------ fingerprints


def run_again(factor):
    """A cell of a notebook, edited and run again."""

    class Mine(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(factor * gradient, variable, learning_rate)

    return net(hidden_layer_sizes=(), optimizer=Mine(0.05), epochs=2).fit(X, Y)._weights[0]


def test_an_edited_optimizer_is_another_one():
    first, second = run_again(1.0), run_again(20.0)
    engine.clear_cache()
    np.testing.assert_array_equal(run_again(20.0), second)
    assert not np.allclose(first, second)


def test_a_class_under_the_name_of_keras_own_is_another_one():
    class RMSprop(keras.optimizers.RMSprop):
        def update_step(self, gradient, variable, learning_rate):
            pass

    RMSprop.__module__ = keras.optimizers.RMSprop.__module__ + ".mine"
    own = net(optimizer="rmsprop", epochs=2).fit(X, Y)
    still = net(optimizer=RMSprop(), epochs=2).fit(X, Y)
    start = net(optimizer="sgd", learning_rate=1e-30).fit(X, Y)
    np.testing.assert_array_equal(still._weights[0], start._weights[0])
    assert not np.allclose(own._weights[0], start._weights[0])


class Half(keras.optimizers.schedules.LearningRateSchedule):
    """Leaves its rate out of its configuration."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate

    def get_config(self):
        return {}


def test_schedules_are_told_apart_by_what_they_do():
    first, second, again = (
        net(optimizer="sgd", learning_rate=Half(rate), epochs=2).fit(X, Y)._weights[0]
        for rate in (0.01, 0.5, 0.01)
    )
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, again)


FACTOR = 1.0


def reads_a_global(y_true, y_pred):
    return FACTOR * keras.ops.ones_like(y_pred[:, 0])


def test_a_global_that_a_metric_reads(monkeypatch):
    found = []
    for factor in (1.0, 2.0, 1.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        traces = engine.trace_count()
        found += net(metrics=[reads_a_global]).fit(X, Y).history_["reads_a_global"].tolist()
    assert found == [1.0, 2.0, 1.0]
    assert engine.trace_count() == traces  # the first program is found again


def test_a_search_with_objects_of_the_users_own_compiles_once():
    clf = net(metrics=[share, Above(0.25)], optimizer=NeedsFactor(2), epochs=1)
    clf.fit(X, Y)
    traces = engine.trace_count()
    GridSearchCV(clf, {"learning_rate": [0.1, 0.2], "epochs": [1, 2]}, cv=2).fit(X, Y)
    assert engine.trace_count() == traces


class Holder:
    def __init__(self, value):
        self.value = value

    def method(self):
        return self.value


def closure(value):
    return lambda: value


def default(value):
    def function(given=value):
        return given

    return function


class Base:
    def work(self):
        return 1


@pytest.mark.parametrize(
    ("make", "one", "other"),
    [
        (lambda v: v, 1, 2),
        (lambda v: v, 1, 1.0),
        (lambda v: v, "a", b"a"),
        (lambda v: [v], 1, 2),
        (lambda v: {"key": v}, 1, 2),
        (lambda v: {v}, 1, 2),
        (np.array, [1.0, 2.0], [1.0, 3.0]),
        (Holder, 1, 2),
        (lambda v: Holder(v).method, 1, 2),
        (closure, 1, 2),
        (default, 1, 2),
        (lambda v: property(closure(v)), 1, 2),
        (lambda v: type("Sub", (Base,), {"work": closure(v)}), 1, 2),
        (lambda v: re.compile(v), "a", "b"),
    ],
)
def test_fingerprints_tell_apart_and_recognize(make, one, other):
    is_class = isinstance(make(one), type)
    first, again, second = (_fingerprints.fingerprint(make(v)) for v in (one, one, other))
    assert first != second
    assert hash(first) is not None
    assert (first == again) is not is_class  # a class that is made anew is another one


def test_what_has_no_fingerprint():
    for value in (open, (i for i in range(3)), object(), np.random.default_rng(0)):
        if value is open:
            continue
        with pytest.raises(_fingerprints.Unknowable):
            _fingerprints.fingerprint(value)


def test_objects_in_circles():
    first, second = Holder(None), Holder(None)
    first.value, second.value = second, first
    other = Holder(Holder(3))
    assert _fingerprints.fingerprint(first) == _fingerprints.fingerprint(second)
    assert _fingerprints.fingerprint(first) != _fingerprints.fingerprint(other)


def test_what_can_not_be_keyed_is_not_cached():
    log = iter(range(9))  # nothing says what it will give

    def counts(y_true, y_pred):
        next(log)
        return keras.ops.mean(y_pred)

    clf = net(metrics=[counts])
    traces = engine.trace_count()
    clf.fit(X, Y).fit(X, Y)
    assert engine.trace_count() == traces + 2
    assert pd.notna(clf.history_["counts"]).all()
