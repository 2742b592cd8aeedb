"""The compiled epoch and Keras's own fit give the same net; which of them is used, and why."""

import itertools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from batch_callback import BatchCallback
from sklearn.base import clone
from two_paths import BOTH_PATHS, ROWS, WEIGHTS, Y3, EpochCallback, X, Y, assert_same, net

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, engine
from skclf.engine import _fit, _model, _open


@pytest.fixture
def paths(monkeypatch):
    """The path that each fit in the test takes."""
    taken = []
    by_epochs, by_keras = _fit.fit_by_epochs, keras.Model.fit

    def fit_by_epochs(*arguments):
        taken.append("compiled")
        return by_epochs(*arguments)

    def fit(self, *arguments, **options):
        taken.append("Keras")
        return by_keras(self, *arguments, **options)

    for module in (_model, _open):
        monkeypatch.setattr(module, "fit_by_epochs", fit_by_epochs)
    monkeypatch.setattr(keras.Model, "fit", fit)
    return taken


# ------------------------------------------------------------------------------------ equal results


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_images_are_trained_as_in_keras(activation, paths):
    # Many windows have no value above zero. The compiled epoch applies ReLU after the pooling.
    images = np.random.RandomState(0).normal(size=(40, 8, 6, 2)).astype(np.float32)
    y = (images.mean((1, 2, 3)) > 0).astype(int)
    settings = {"filters": (3, 4), "activation": activation, "validation_split": 0.25}
    fitted = [
        net(ShapeConvClassifier, **settings, callbacks=[callback]).fit(images, y)
        for callback in (EpochCallback(), BatchCallback())
    ]
    assert paths == ["compiled", "Keras"]
    assert_same(*fitted)


TARGETS = {"binary": (BinaryDenseClassifier, Y), "multiclass": (MulticlassDenseClassifier, Y3)}
MODES = {
    "plain": {},
    "split": {"validation_split": 0.25},
    "patience": {"validation_split": 0.25, "patience": 1},
    "refit": {"validation_split": 0.25, "refit_epoch": "val_loss"},
    "kept": {"keep_epochs": True},
    "warm": {"warm_start": True},
}

# Half of all combinations of four settings, with all combinations of any three.
COMBINATIONS = [
    (rows, target, class_weight, (rows == "dense") ^ (target == "binary") ^ (class_weight is None))
    for rows, target, class_weight in itertools.product(ROWS, TARGETS, [None, "balanced"])
]


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "target", "class_weight", "weighted"), COMBINATIONS)
def test_both_paths_agree_in_every_mode(rows, target, class_weight, weighted, paths):
    estimator_class, y = TARGETS[target]
    sample_weight = WEIGHTS if weighted else None
    for mode, parameters in MODES.items():
        fast = net(estimator_class, class_weight=class_weight, **parameters)
        slow = clone(fast).set_params(callbacks=[BatchCallback()])
        for clf in (fast, slow):
            clf.fit(ROWS[rows](X), y, sample_weight)
            if mode == "warm":
                clf.fit(ROWS[rows](X), y, sample_weight)
        assert_same(fast, slow)
        if mode == "warm":
            assert len(slow.history_) == slow.n_epochs_ == 6
        if mode == "kept":
            for one, other in zip(
                fast.staged_predict_proba(X), slow.staged_predict_proba(X), strict=True
            ):
                np.testing.assert_allclose(one, other, atol=1e-5)
    assert set(paths) == {"compiled", "Keras"}
    assert paths.count("compiled") == paths.count("Keras")


def test_both_paths_agree_in_partial_fit():
    fast, slow = net(), net(callbacks=[BatchCallback()])
    for clf in (fast, slow):
        for rows in (slice(0, 30), slice(30, 60)):
            clf.partial_fit(X[rows], Y[rows], classes=[0, 1], sample_weight=WEIGHTS[rows])
    assert_same(fast, slow)


@BOTH_PATHS
def test_a_warm_start_trains_its_epochs_once(callback):
    clf = net(warm_start=True, epochs=2, callbacks=[callback()]).fit(X, Y).fit(X, Y)
    assert len(clf.history_) == clf.n_epochs_ == 4
    assert_same(clf, net(epochs=4).fit(X, Y))


@BOTH_PATHS
@pytest.mark.parametrize("overwrite", [None, 2])
def test_kept_epochs_hold_averages_of_weights(callback, overwrite):
    optimizer = keras.optimizers.SGD(
        0.5, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=overwrite
    )
    settings = {"optimizer": optimizer, "callbacks": [callback()]}
    clf = net(keep_epochs=True, **settings).fit(X, Y)
    stages = list(clf.staged_predict_proba(X))
    np.testing.assert_array_equal(stages[-1], clf.predict_proba(X))
    for epochs, stage in enumerate(stages, 1):
        alone = net(epochs=epochs, **settings).fit(X, Y)
        np.testing.assert_allclose(stage, alone.predict_proba(X), atol=1e-6)


@BOTH_PATHS
def test_patience_restores_averages_of_weights(callback):
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    settings = {"optimizer": optimizer, "callbacks": [callback()], "validation_split": 0.25}
    kept = net(patience=9, monitor=("val_loss", "max"), **settings).fit(X, Y)
    stages = net(keep_epochs=True, **settings).fit(X, Y).staged_predict_proba(X)
    np.testing.assert_allclose(list(stages)[kept.n_epochs_ - 1], kept.predict_proba(X), atol=1e-6)


# ------------------------------------------------------------------------------- choice of the path


def test_verbose_2_says_why_keras_own_fit_is_used(capsys):
    net(callbacks=[BatchCallback()]).fit(X, Y)
    assert capsys.readouterr().out == ""
    net(callbacks=[BatchCallback()], verbose=2).fit(X, Y)
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "Training with Keras's own fit, which is slower: a callback is called at each batch."
    )


@pytest.mark.parametrize(
    "callback",
    [
        lambda folder: keras.callbacks.BackupAndRestore(folder / "backup"),
        lambda folder: keras.callbacks.ModelCheckpoint(folder / "all.keras"),
        lambda folder: keras.callbacks.CSVLogger(folder / "log.csv"),
    ],
)
def test_keras_callbacks_for_epochs_use_the_compiled_path(tmp_path, callback, paths):
    clf = net(callbacks=[callback(tmp_path)]).fit(X, Y)
    assert paths == ["compiled"]
    assert_same(clf, net().fit(X, Y))


def with_numpy(y_true, y_pred):
    return np.mean(y_true)


def with_values(y_true, y_pred):
    return y_true.numpy().mean()


def with_float(y_true, y_pred):
    return keras.ops.convert_to_tensor(float(keras.ops.mean(y_true)))


def with_if(y_true, y_pred):
    mean = keras.ops.mean(y_true)
    return mean if mean >= 0 else -mean


@pytest.mark.parametrize("metric", [with_numpy, with_values, with_float, with_if])
def test_metrics_that_need_values_train_without_graphs_and_warn(metric, paths):
    clf = net(metrics=[metric], epochs=2)
    message = "(?s)Training without compiled graphs, .* needs the values of tensors"
    with pytest.warns(RuntimeWarning, match=message):
        clf.fit(X, Y)
    assert paths == ["Keras"]
    plain = net(epochs=2).fit(X, Y)
    np.testing.assert_allclose(clf._weights[0], plain._weights[0], atol=1e-6)
    with pytest.warns(RuntimeWarning, match="(?s)Evaluating without compiled graphs"):
        found = clf.evaluate(X, Y)
    assert found["loss"] == pytest.approx(plain.evaluate(X, Y)["loss"])
    assert np.isfinite(found[metric.__name__])


@BOTH_PATHS
def test_weights_with_a_metric_of_one_value_per_batch_are_an_error(callback):
    clf = net(metrics=[share], callbacks=[callback()])
    clf.fit(X, Y)
    message = "the metric 'share' returns one number for all rows of a batch.*a value for each row"
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y, WEIGHTS)
    by_row = net(metrics=[mean_of_row], callbacks=[callback()]).fit(X, Y, WEIGHTS)
    assert np.isfinite(by_row.history_["mean_of_row"]).all()


def share(y_true, y_pred):
    return keras.ops.mean(y_pred)


def mean_of_row(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


class FailingOptimizer(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("mine"),
        TypeError("mine"),
        RuntimeError("mine"),
        NotImplementedError("mine"),
        tf.errors.ResourceExhaustedError(None, None, "mine"),
        tf.errors.InvalidArgumentError(None, None, "mine"),
        MemoryError("mine"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("of", ["optimizer", "metric"])
def test_other_errors_in_users_code_are_raised(error, of, paths):
    def fails(y_true, y_pred):
        raise error

    faulty = FailingOptimizer(0.1)
    faulty.error = error
    clf = net(metrics=[fails]) if of == "metric" else net(optimizer=faulty)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(type(error), match="mine"):
            clf.fit(X, Y)
    assert paths == []


def test_compiling_metrics_emits_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        engine.clear_cache()
        names = ["auc", "precision", "recall", "mae", "binary_crossentropy"]
        net(metrics=[*names, keras.metrics.F1Score(average="macro", threshold=0.5)], epochs=1).fit(
            X, Y
        )


def test_warning_for_eager_work_has_a_reason_of_one_line():
    with pytest.warns(RuntimeWarning, match="one line") as caught:
        _model._warn_of_eager_work("Training", TypeError("one line\nand another"))
    assert "another" not in str(caught[0].message)
