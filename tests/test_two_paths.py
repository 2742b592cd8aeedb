"""The compiled epoch and Keras's own fit: one meaning, whatever an earlier fit has left behind."""

import itertools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    ShapeConvClassifier,
    engine,
)
from skclf.engine import _changes, _fit, _model, _open

RNG = np.random.RandomState(0)
X = np.where(RNG.rand(60, 5) > 0.4, RNG.rand(60, 5), 0).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int)
Y3 = np.digitize(X[:, 0], [0.2, 0.6])
WEIGHTS = RNG.uniform(0.5, 2, 60)


class HearsOfBatches(keras.callbacks.Callback):
    """Makes Keras's own ``fit`` run."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class HearsOfEpochs(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        pass


BOTH = pytest.mark.parametrize("callback", [HearsOfEpochs, HearsOfBatches])


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 4, "batch_size": 16, "epochs": 3, "random_state": 0}
    return estimator_class(**defaults | parameters)


@pytest.fixture
def paths(monkeypatch):
    """Which path each fit from here on takes."""
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


def assert_same(one, other):
    for found, wanted in zip(one._weights, other._weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(one.history_, other.history_, rtol=1e-4, atol=1e-6)
    assert one.history_.index.tolist() == other.history_.index.tolist()
    assert (one.n_epochs_, one.best_epoch_) == (other.n_epochs_, other.best_epoch_)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_images_are_trained_as_keras_trains_them(activation, paths):
    # In many windows no value is above zero: there ReLU comes after the pooling.
    images = np.random.RandomState(0).normal(size=(40, 8, 6, 2)).astype(np.float32)
    y = (images.mean((1, 2, 3)) > 0).astype(int)
    settings = {"filters": (3, 4), "activation": activation, "validation_split": 0.25}
    fitted = [
        net(ShapeConvClassifier, **settings, callbacks=[callback]).fit(images, y)
        for callback in (HearsOfEpochs(), HearsOfBatches())
    ]
    assert paths == ["compiled", "Keras"]
    assert_same(*fitted)


# ---------------------------------------------------------------------------------- the matrix

ROWS = {"dense": np.asarray, "sparse": sparse.csr_array}
TARGETS = {"binary": (BinaryDenseClassifier, Y), "multiclass": (MulticlassDenseClassifier, Y3)}
MODES = {
    "plain": {},
    "split": {"validation_split": 0.25},
    "patience": {"validation_split": 0.25, "patience": 1},
    "refit": {"validation_split": 0.25, "refit_epoch": "val_loss"},
    "kept": {"keep_epochs": True},
    "warm": {"warm_start": True},
}


# Half of all combinations, in which each of three occurs.
COMBINATIONS = [
    (rows, target, class_weight, (rows == "dense") ^ (target == "binary") ^ (class_weight is None))
    for rows, target, class_weight in itertools.product(ROWS, TARGETS, [None, "balanced"])
]


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "target", "class_weight", "weighted"), COMBINATIONS)
def test_both_paths_in_every_mode(rows, target, class_weight, weighted, paths):
    estimator_class, y = TARGETS[target]
    sample_weight = WEIGHTS if weighted else None
    for mode, parameters in MODES.items():
        fast = net(estimator_class, class_weight=class_weight, **parameters)
        slow = clone(fast).set_params(callbacks=[HearsOfBatches()])
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


def test_partial_fit_on_both_paths():
    fast, slow = net(), net(callbacks=[HearsOfBatches()])
    for clf in (fast, slow):
        for rows in (slice(0, 30), slice(30, 60)):
            clf.partial_fit(X[rows], Y[rows], classes=[0, 1], sample_weight=WEIGHTS[rows])
    assert_same(fast, slow)


# ------------------------------------------------------------------------- what a fit leaves behind


@BOTH
def test_class_weights_count_after_a_fit_without_them(callback):
    settings = {"callbacks": [callback()], "hidden_layer_sizes": 3}
    weighted = net(class_weight={0: 50.0}, **settings)
    engine.clear_cache()
    alone = clone(weighted).fit(X, Y)
    engine.clear_cache()
    plain = net(**settings).fit(X, Y)
    after = clone(weighted).fit(X, Y)
    np.testing.assert_array_equal(after._weights[0], alone._weights[0])
    assert not np.allclose(plain._weights[0], alone._weights[0])


@BOTH
def test_a_warm_start_trains_its_epochs_once(callback):
    clf = net(warm_start=True, epochs=2, callbacks=[callback()]).fit(X, Y).fit(X, Y)
    assert len(clf.history_) == clf.n_epochs_ == 4
    assert_same(clf, net(epochs=4).fit(X, Y))


class Freeze(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.model.layers[1].trainable = False


class FreezeLate(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.layers[1].trainable = False


class Unfreezing(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.model.optimizer.weight_decay = 0.5


class Marks(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.mark = "mine"


class Replaces(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.compile("adam", "mse")


@pytest.mark.parametrize("change", [Freeze, FreezeLate, Unfreezing, Marks, Replaces])
@pytest.mark.parametrize("rows", ROWS)
def test_what_a_callback_changes_means_the_same_and_stays_with_its_fit(change, rows):
    rows = ROWS[rows](X)
    before = net().fit(rows, Y)
    fast = net(callbacks=[change()]).fit(rows, Y)
    slow = net(callbacks=[change(), HearsOfBatches()]).fit(rows, Y)
    assert_same(fast, slow)
    changes_training = change in (Freeze, Unfreezing)
    assert np.allclose(fast._weights[0], before._weights[0], atol=1e-6) is not changes_training
    for callbacks in (None, [HearsOfBatches()]):
        assert_same(net(callbacks=callbacks).fit(rows, Y), before)
    np.testing.assert_array_equal(net().fit(rows, Y)._weights[0], before._weights[0])


def test_a_frozen_layer_stays_as_it_was_drawn():
    start = net(learning_rate=1e-30, epochs=1).fit(X, Y)
    for rows in (X, sparse.csr_array(X)):
        frozen = net(callbacks=[Freeze()]).fit(rows, Y)
        np.testing.assert_array_equal(frozen._weights[0], start._weights[0])
        assert not np.allclose(frozen._weights[2], start._weights[2])


def test_ordinary_callbacks_cost_no_compilation():
    net(callbacks=[HearsOfEpochs()]).fit(X, Y)
    traces = engine.trace_count()
    for callbacks in (None, [HearsOfEpochs()], [HearsOfBatches()], None):
        net(callbacks=callbacks).fit(X, Y)
    assert engine.trace_count() == traces


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("further", [[], [HearsOfBatches()]])
def test_a_callback_that_compiles_the_model_is_an_error(hook, further):
    class Compiles(keras.callbacks.Callback):
        pass

    def compile_again(self, *arguments, **options):
        self.model.compile("adam", "binary_crossentropy")

    setattr(Compiles, hook, compile_again)
    clf = net(callbacks=[Compiles(), *further])
    with pytest.raises(RuntimeError, match="a callback has compiled during fit"):
        clf.fit(X, Y)
    assert_same(net().fit(X, Y), net(callbacks=[HearsOfBatches()]).fit(X, Y))


def test_changes_in_containers_are_seen():
    with engine.borrow(None, lambda: None):
        pass
    model = net().fit(X, Y).model_
    unchanged = _changes.Unchanged(model)
    assert unchanged()
    model.layers[1].mark = [1, 2]
    assert not unchanged()
    marked = _changes.Unchanged(model)
    model.layers[1].mark.append(3)
    assert not marked()


# ------------------------------------------------------------------------------ which path, and why


def test_the_slower_path_is_announced(capsys):
    net(callbacks=[HearsOfBatches()]).fit(X, Y)
    assert capsys.readouterr().out == ""
    net(callbacks=[HearsOfBatches()], verbose=2).fit(X, Y)
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
def test_keras_callbacks_of_epochs_leave_the_fast_path(tmp_path, callback, paths):
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
def test_what_needs_values_trains_without_graphs_and_says_so(metric, paths):
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


@BOTH
def test_a_metric_of_one_number_can_not_be_weighted(callback):
    clf = net(metrics=[share], callbacks=[callback()])
    clf.fit(X, Y)
    message = "the metric 'share' gives one number for all rows of a batch.*a value for each row"
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y, WEIGHTS)
    by_row = net(metrics=[share_of_each], callbacks=[callback()]).fit(X, Y, WEIGHTS)
    assert np.isfinite(by_row.history_["share_of_each"]).all()


def share(y_true, y_pred):
    return keras.ops.mean(y_pred)


def share_of_each(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


class Faulty(keras.optimizers.SGD):
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
def test_every_other_error_is_raised(error, of, paths):
    def fails(y_true, y_pred):
        raise error

    faulty = Faulty(0.1)
    faulty.error = error
    clf = net(metrics=[fails]) if of == "metric" else net(optimizer=faulty)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(type(error), match="mine"):
            clf.fit(X, Y)
    assert paths == []


# ------------------------------------------------------------------------------------ divergence


@BOTH
def test_a_fit_that_diverges_is_an_error_and_keeps_the_earlier_fit(callback):
    clf = net(optimizer="sgd", callbacks=[callback()], warm_start=True).fit(X, Y)
    before = vars(clf).copy()
    clf.set_params(learning_rate=1e30)
    with pytest.raises(ValueError, match=r"Training diverged: after epoch [45] .*Try a smaller"):
        clf.fit(X, Y)
    assert all(vars(clf)[name] is value for name, value in before.items() if name[-1] == "_")
    assert clf.n_epochs_ == 3
    with pytest.raises(ValueError, match=r"Training diverged: after epoch [45]"):
        clf.partial_fit(X, Y)
    assert clf.n_epochs_ == 3


class Breaks(keras.callbacks.Callback):
    """Makes the weights infinite in the last epoch, when no loss can show it any more."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            self.model.set_weights([np.full_like(w, np.inf) for w in self.model.get_weights()])


def test_weights_that_are_not_finite_at_the_end():
    with pytest.raises(ValueError, match="Training diverged: after epoch 3"):
        net(callbacks=[Breaks()]).fit(X, Y)


@pytest.mark.parametrize("parameters", [{"refit_epoch": "val_loss"}, {"patience": 1}])
def test_divergence_with_validation_rows(parameters):
    clf = net(optimizer="sgd", learning_rate=1e30, validation_split=0.25, **parameters)
    with pytest.raises(ValueError, match="Training diverged: after epoch"):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")


def test_a_search_passes_over_what_diverges():
    clf = net(optimizer="sgd")
    search = GridSearchCV(clf, {"learning_rate": [0.01, 1e30]}, cv=3)
    with pytest.warns(UserWarning, match="3 fits failed out of a total of 6|non-finite"):
        search.fit(X, Y)
    assert search.best_params_ == {"learning_rate": 0.01}
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    assert np.isfinite(search.predict_proba(X)).all()


def test_terminate_on_nan_ends_in_the_same_error():
    clf = net(
        optimizer="sgd", learning_rate=1e30, callbacks=[keras.callbacks.TerminateOnNaN()], epochs=9
    )
    with pytest.raises(ValueError, match="Training diverged: after epoch"):
        clf.fit(X, Y)


# -------------------------------------------------------------------------------------- averages


@BOTH
@pytest.mark.parametrize("overwrite", [None, 2])
def test_averages_of_weights_are_what_every_epoch_keeps(callback, overwrite):
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


@BOTH
def test_patience_keeps_averages_too(callback):
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    settings = {"optimizer": optimizer, "callbacks": [callback()], "validation_split": 0.25}
    kept = net(patience=9, monitor=("val_loss", "max"), **settings).fit(X, Y)
    stages = net(keep_epochs=True, **settings).fit(X, Y).staged_predict_proba(X)
    np.testing.assert_allclose(list(stages)[kept.n_epochs_ - 1], kept.predict_proba(X), atol=1e-6)


# --------------------------------------------------------------------------------- epoch numbers


class Crash(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("crash")


@pytest.mark.parametrize("further", [[], [HearsOfBatches()]])
def test_a_backup_is_restored_with_its_epoch(tmp_path, further):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    with pytest.raises(RuntimeError, match="crash"):
        net(epochs=5, callbacks=[backup(), Crash(), *further]).fit(X, Y)
    clf = net(epochs=5, validation_split=0.0, keep_epochs=True)
    resumed = clone(clf).set_params(callbacks=[backup(), *further]).fit(X, Y)
    whole = clf.fit(X, Y)
    assert (resumed.n_epochs_, resumed.best_epoch_) == (5, 5)
    assert resumed.history_.index.tolist() == [4, 5]
    np.testing.assert_allclose(resumed.history_, whole.history_[3:], rtol=1e-5)
    np.testing.assert_allclose(resumed.predict_proba(X), whole.predict_proba(X), atol=1e-6)
    # Nothing of it is left for the next fit of this kind of net.
    assert net(epochs=5).fit(X, Y).history_.index.tolist() == [1, 2, 3, 4, 5]


def test_a_restored_fit_goes_on_and_chooses_its_best_epoch(tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    settings = {"epochs": 5, "validation_split": 0.25, "warm_start": True}
    with pytest.raises(RuntimeError, match="crash"):
        net(callbacks=[backup(), Crash()], **settings).fit(X, Y)
    clf = net(callbacks=[backup()], **settings).fit(X, Y)
    assert clf.best_epoch_ == clf.history_["val_loss"].idxmin()
    clf.set_params(callbacks=None, epochs=2).fit(X, Y)
    assert clf.history_.index.tolist() == [4, 5, 6, 7]
    assert clf.n_epochs_ == 7


def test_a_backup_of_all_epochs_leaves_nothing_to_train(tmp_path):
    class CrashLate(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("crash")

    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="crash"):
        net(epochs=1, callbacks=[backup, CrashLate()]).fit(X, Y)
    with pytest.raises(ValueError, match=r"No epoch was trained, .* Increase epochs"):
        net(epochs=1, callbacks=[backup]).fit(X, Y)


@pytest.mark.parametrize("further", [[], [HearsOfBatches()]])
def test_the_best_epoch_is_the_one_that_early_stopping_restored(further):
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)
    clf = net(epochs=15, learning_rate=0.05, validation_split=0.3, callbacks=[stop, *further]).fit(
        X, Y
    )
    assert clf.n_epochs_ == clf.best_epoch_ == clf.history_["val_accuracy"].idxmax()
    assert clf.best_epoch_ != clf.history_["val_loss"].idxmin()


def test_early_stopping_that_never_starts():
    stop = keras.callbacks.EarlyStopping(
        "loss", start_from_epoch=99, restore_best_weights=True, patience=1
    )
    clf = net(callbacks=[stop]).fit(X, Y)
    assert clf.n_epochs_ == 3
    np.testing.assert_array_equal(clf.predict_proba(X), net().fit(X, Y).predict_proba(X))


# ----------------------------------------------------------------------------------- huge weights


def test_huge_weights_are_weights():
    plain = net(class_weight={0: 2.0}).fit(X, Y)
    huge = net(class_weight={0: 1e308, 1: 5e307}).fit(X, Y, np.full(60, 1e308))
    np.testing.assert_allclose(huge._weights[0], plain._weights[0], rtol=1e-5)
    np.testing.assert_allclose(huge.history_, plain.history_, rtol=1e-5)
    balanced = net(class_weight="balanced").fit(X, Y)
    huge = net(class_weight="balanced").fit(X, Y, np.full(60, 1e308))
    np.testing.assert_allclose(huge._weights[0], balanced._weights[0], rtol=1e-5)
    assert huge.evaluate(X, Y, np.full(60, 1e308)) == pytest.approx(huge.evaluate(X, Y))


@pytest.mark.parametrize(
    ("sample_weight", "class_weight"),
    [(np.full(60, 1e308), None), (None, {0: 1e308}), (np.full(60, 1e30), {0: 1e30})],
)
def test_huge_weights_that_are_used_as_they_are(sample_weight, class_weight):
    clf = net(class_weight=class_weight)
    with pytest.raises(ValueError, match=r"doesn't scale weights\. Divide them by the largest"):
        clf.partial_fit(X, Y, classes=[0, 1], sample_weight=sample_weight)


def test_the_metrics_of_made_up_rows_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        engine.clear_cache()
        names = ["auc", "precision", "recall", "mae", "binary_crossentropy"]
        net(metrics=[*names, keras.metrics.F1Score(average="macro", threshold=0.5)], epochs=1).fit(
            X, Y
        )


def test_the_reason_is_one_line():
    with pytest.warns(RuntimeWarning, match="one line") as caught:
        _model._warn_of_eager_work("Training", TypeError("one line\nand another"))
    assert "another" not in str(caught[0].message)
