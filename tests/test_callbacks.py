"""The parameters `callbacks` and `verbose`."""

import copy
import io
import queue
import re
import sys
import types

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier, _epochs

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


def net(estimator_class=BinaryDenseClassifier, **parameters):
    defaults = {"hidden_layer_sizes": 3, "batch_size": 10, "random_state": 0, "epochs": 3}
    return estimator_class(**defaults | parameters)


@pytest.fixture(scope="module")
def plain():
    return net().fit(X, Y)


class Recorder(keras.callbacks.Callback):
    """Records the calls of its hooks in a list that its copies share."""

    def __init__(self, notes):
        super().__init__()
        self.notes = notes

    def __deepcopy__(self, memo):
        return type(self)(self.notes)

    def note(self, hook, epoch=None, logs=None):
        self.notes.append((hook, epoch, sorted(logs or {})))


class EpochRecorder(Recorder):
    def on_train_begin(self, logs=None):
        self.note("train begins")

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch begins", epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch ends", epoch, logs)

    def on_train_end(self, logs=None):
        self.note("train ends")


class BatchRecorder(Recorder):
    def on_train_batch_end(self, batch, logs=None):
        self.note("batch ends", batch, logs)


# -------------------------------------------------------------------------------------------- hooks


def test_epoch_hooks_are_called():
    notes = []
    net(epochs=2, callbacks=[EpochRecorder(notes)]).fit(X, Y, X_val=X, y_val=Y)
    names = ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert notes == [
        ("train begins", None, []),
        ("epoch begins", 0, []),
        ("epoch ends", 0, names),
        ("epoch begins", 1, []),
        ("epoch ends", 1, names),
        ("train ends", None, []),
    ]


def test_batch_hooks_are_called():
    notes = []
    net(epochs=2, callbacks=[BatchRecorder(notes)]).fit(X, Y)
    assert notes == [("batch ends", batch, ["accuracy", "loss"]) for batch in [0, 1, 2] * 2]


def test_epoch_numbers_continue_across_fits():
    notes = []
    clf = net(warm_start=True, epochs=2, callbacks=[EpochRecorder(notes)]).fit(X, Y)
    clf.fit(X, Y).partial_fit(X, Y)
    epochs = [epoch for hook, epoch, _ in notes if hook == "epoch begins"]
    assert epochs == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("recorder", [EpochRecorder, BatchRecorder])
def test_callbacks_do_not_change_result(plain, recorder):
    clf = net(callbacks=[recorder([])]).fit(X, Y)
    # Batch hooks require Keras's own fit, which sums in a different order.
    equal = {"atol": 1e-6} if recorder is BatchRecorder else {"rtol": 0, "atol": 0}
    np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(X), **equal)
    np.testing.assert_allclose(clf.history_, plain.history_, rtol=1e-5)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "sparse_categorical_crossentropy", "dropout": 0.3, "l2": 0.01},
        {"loss": "categorical_crossentropy", "class_weight": "balanced", "metrics": ["auc"]},
        {"hidden_layer_sizes": (), "class_weight": {0: 3}, "optimizer": "adam"},
        {"activation": "sparsemax", "hidden_layer_sizes": (3, 2), "optimizer": "nadam"},
    ],
    ids=lambda parameters: parameters.get("loss", parameters.get("optimizer")),
)
def test_compiled_epochs_equal_keras_fit(as_rows, parameters):
    # A callback with batch hooks is trained with Keras's own fit.
    y, weights = np.arange(30) % 3, np.arange(30) % 4 + 1
    rows, arguments = as_rows(X), {"X_val": as_rows(X), "y_val": np.arange(30) % 3}
    fast, keras_own = (
        net(MulticlassDenseClassifier, callbacks=callbacks, **parameters).fit(
            rows, y, weights, **arguments, sample_weight_val=weights
        )
        for callbacks in (None, [BatchRecorder([])])
    )
    np.testing.assert_allclose(fast.predict_proba(X), keras_own.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(fast.history_, keras_own.history_, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "form", [list, tuple, lambda callbacks: callbacks[0]], ids=["list", "tuple", "single"]
)
def test_callbacks_as_list_tuple_or_single(form):
    notes = []
    net(epochs=1, callbacks=form([EpochRecorder(notes)])).fit(X, Y)
    assert len(notes) == 4


def test_callbacks_get_compiled_model_and_can_set_weights(plain):
    seen = []

    class Reset(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.start = [weights.copy() for weights in self.model.get_weights()]

        def on_epoch_end(self, epoch, logs=None):
            seen.append(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
            self.model.set_weights(self.start)

    clf = net(callbacks=[Reset()]).fit(X, Y)
    assert [int(count) for count in seen] == [3, 6, 9]
    start = net(epochs=1, learning_rate=1e-30).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X), start.predict_proba(X), atol=1e-6)


# ------------------------------------------------------------------------------------------- copies


def test_callbacks_are_copied_for_each_fit():
    stop = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=10)
    before = vars(stop).copy()
    clf = net(epochs=5, callbacks=[stop])
    for _ in range(2):
        assert len(clf.fit(X, Y).history_) == 2
    assert vars(stop) == before
    assert stop.model is None
    assert clf.callbacks == [stop]
    assert clone(clf).callbacks[0].model is None


def test_history_callback_stays_empty():
    history = keras.callbacks.History()
    net(epochs=1, callbacks=[history]).fit(X, Y)
    assert vars(history) == vars(keras.callbacks.History())


class CallbackWithResources(keras.callbacks.Callback):
    """Has attributes that can't be copied, and a list that the user reads."""

    def __init__(self):
        super().__init__()
        self.file = io.StringIO()
        self.queue = queue.SimpleQueue()
        self.generator = (i for i in range(30))
        self.losses = []
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.file.write(f"{next(self.generator)} ")
        self.queue.put(epoch)
        self.losses.append(logs["loss"])
        self.epochs += 1


def test_attributes_of_callbacks_are_not_copied():
    callback = CallbackWithResources()
    clf = net(callbacks=[callback]).fit(X, Y)
    assert callback.file.getvalue() == "0 1 2 "
    assert callback.queue.qsize() == 3
    assert callback.losses == clf.history_["loss"].tolist()
    # The callback itself is unchanged, so that the next fit starts from the same state.
    assert callback.epochs == 0
    assert callback.model is None


def test_attributes_of_callbacks_are_shared_by_clones_and_folds():
    callback = CallbackWithResources()
    cross_val_score(net(callbacks=[callback]), X, Y, cv=2)
    assert len(callback.losses) == callback.queue.qsize() == 6
    cloned = clone(net(callbacks=callback))
    assert cloned.callbacks is not callback
    assert cloned.callbacks.losses is callback.losses


def test_fits_do_not_share_callback_state():
    stop = keras.callbacks.EarlyStopping("val_loss", patience=1)
    wrong = net(epochs=6, callbacks=[stop], learning_rate=0.05).fit(X, Y, X_val=X, y_val=1 - Y)
    right = net(epochs=6, callbacks=[stop], learning_rate=0.05).fit(X, Y, X_val=X, y_val=Y)
    assert len(wrong.history_) < len(right.history_) == 6


# ------------------------------------------------------------------------------- callbacks of Keras


def test_early_stopping():
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2)
    clf = net(epochs=10, learning_rate=0.05, callbacks=[stop]).fit(X, Y, X_val=X, y_val=1 - Y)
    assert len(clf.history_) == clf.n_epochs_ == 3
    assert clf.best_epoch_ == 1
    expected = net(epochs=3, learning_rate=0.05).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))


def test_early_stopping_restores_best_weights():
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    clf = net(epochs=10, learning_rate=0.05, callbacks=[stop]).fit(X, Y, X_val=X, y_val=1 - Y)
    expected = net(epochs=1, learning_rate=0.05).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    assert len(clf.history_) == 3
    assert clf.best_epoch_ == clf.n_epochs_ == 1


def test_learning_rate_scheduler(plain):
    # Plain SGD has no state, so warm starts with half the rate each time give the same result.
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 * 0.5**epoch)
    parameters = {"optimizer": "sgd", "batch_size": 30, "learning_rate": 0.1}
    clf = net(callbacks=[halve], **parameters).fit(X, Y)
    by_hand = net(warm_start=True, epochs=1, **parameters).fit(X, Y)
    for rate in (0.05, 0.025):
        by_hand.set_params(learning_rate=rate).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X), by_hand.predict_proba(X), atol=1e-6)
    assert "learning_rate" not in net(epochs=1).fit(X, Y).history_


def test_learning_rate_set_by_callback_lasts_until_end_of_fit():
    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.optimizer.learning_rate = 1e-30

    parameters = {"optimizer": "sgd", "learning_rate": 0.1}
    frozen = net(callbacks=[Freeze()], **parameters).fit(X, Y)
    expected = net(epochs=1, **parameters).fit(X, Y)
    np.testing.assert_allclose(frozen.predict_proba(X), expected.predict_proba(X), atol=1e-7)
    # A later fit of the same kind of net uses its own learning rate again.
    again, plain = net(**parameters).fit(X, Y), net(callbacks=[], **parameters).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), plain.predict_proba(X))
    assert not np.allclose(again.predict_proba(X), frozen.predict_proba(X))


def test_reduce_learning_rate_on_plateau():
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=10)
    clf = net(callbacks=[reduce], learning_rate=0.1, optimizer="sgd", batch_size=30).fit(X, Y)
    rates = clf.history_["learning_rate"]
    # The loss never improves by 10, so the patience runs out after the second epoch.
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.01], rtol=1e-5)


def test_csv_logger(tmp_path):
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    clf = net(callbacks=[logger]).fit(X, Y, X_val=X, y_val=Y)
    written = pd.read_csv(tmp_path / "log.csv")
    assert written["epoch"].tolist() == [0, 1, 2]
    for name in clf.history_:
        np.testing.assert_allclose(written[name], clf.history_[name], rtol=1e-6)


def test_lambda_callback():
    losses = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: losses.append(logs["loss"])
    )
    clf = net(callbacks=[watch]).fit(X, Y)
    np.testing.assert_allclose(losses, clf.history_["loss"], rtol=1e-6)


def test_model_checkpoint(tmp_path):
    path = tmp_path / "best.keras"
    save = keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)
    clf = net(callbacks=[save], learning_rate=0.05).fit(X, Y, X_val=X, y_val=1 - Y)
    assert clf.best_epoch_ == 1
    expected = net(epochs=1, learning_rate=0.05).fit(X, Y)
    loaded = keras.saving.load_model(path, compile=False)
    np.testing.assert_allclose(
        loaded.predict(X, verbose=0)[:, 0], expected.predict_proba(X)[:, 1], atol=1e-6
    )


def test_weights_checkpoint(tmp_path):
    path = tmp_path / "last.weights.h5"
    save = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    clf = net(callbacks=[save]).fit(X, Y)
    model = net(epochs=1, random_state=1).fit(X, Y).model_
    model.load_weights(path)
    np.testing.assert_allclose(
        model.predict(X, verbose=0)[:, 0], clf.predict_proba(X)[:, 1], atol=1e-6
    )


def test_tensor_board(tmp_path, plain, monkeypatch):
    # TensorFlow writes scalars through the tensorboard package, which this module replaces.
    written = []

    def scalar(name, data, step=None, description=None):
        written.append((name, float(data)))

    stand_in = types.ModuleType("tensorboard")
    stand_in.scalar = scalar
    for name in ("tensorboard", "tensorboard.summary", "tensorboard.summary.v2"):
        monkeypatch.setitem(sys.modules, name, stand_in)
    board = keras.callbacks.TensorBoard(tmp_path)
    clf = net(callbacks=[board]).fit(X, Y, X_val=X, y_val=Y)
    losses = [value for name, value in written if name == "epoch_loss"]
    trained, validated = losses[::2], losses[1::2]
    np.testing.assert_allclose(trained, clf.history_["loss"], rtol=1e-6)
    np.testing.assert_allclose(validated, clf.history_["val_loss"], rtol=1e-6)
    assert list(tmp_path.rglob("events.out.*"))
    np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_terminate_on_nan(plain):
    clf = net(callbacks=[keras.callbacks.TerminateOnNaN()]).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_stop_training_keeps_trained_epochs():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    clf = net(epochs=9, callbacks=[Stop()], warm_start=True).fit(X, Y)
    assert clf.n_epochs_ == clf.best_epoch_ == len(clf.history_) == 2
    expected = net(epochs=2).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    # stop_training of one fit must not stop the next one.
    assert len(clf.set_params(callbacks=None, epochs=3).fit(X, Y).history_) == 5


def test_callbacks_with_conv_net():
    images, notes = X.reshape(-1, 2, 2), []
    clf = net(ShapeConvClassifier, filters=1, epochs=1, callbacks=[EpochRecorder(notes)])
    clf.fit(images, Y)
    assert len(notes) == 4


# --------------------------------------------------------------------------------------- verbose

LINE = r"epoch {}/3  loss \d\.\d{{4}}  accuracy \d\.\d{{4}}"


def test_verbose_0_prints_nothing(capsys):
    clf = net().fit(X, Y)
    clf.predict_proba(X)
    clf.evaluate(X, Y)
    clf.partial_fit(X, Y)
    assert clf.model_ is not None
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "loss" not in captured.err


@pytest.mark.parametrize("verbose", [1, True])
def test_verbose_1_prints_one_line_if_not_a_terminal(capsys, verbose):
    net(verbose=verbose).fit(X, Y)
    out = capsys.readouterr().out
    assert re.fullmatch(LINE.format(3) + r"  took \S+ s\n", out)
    assert "\r" not in out


def test_verbose_1_rewrites_one_line_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr(_epochs, "_SECONDS_BETWEEN_LINES", 0.0)
    net(verbose=1).fit(X, Y)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.endswith("\n")
    lines = out.rstrip("\n").split("\r")
    assert lines[0] == ""
    for line, epoch in zip(lines[1:4], (1, 2, 3), strict=True):
        assert re.fullmatch(LINE.format(epoch) + r"  \S+ s left *", line)
    assert re.fullmatch(LINE.format(3) + r"  took \S+ s *", lines[4])
    assert len(lines) == 5


def test_verbose_2_prints_one_line_per_epoch(capsys):
    net(verbose=2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines, 1):
        assert re.fullmatch(LINE.format(epoch) + r"  \S+ s per epoch", line)


def test_verbose_shows_validation_and_continues_epoch_numbers(capsys):
    clf = net(verbose=2, warm_start=True, epochs=1).fit(X, Y, X_val=X, y_val=Y)
    line = capsys.readouterr().out
    assert re.match(r"epoch 1/1  loss \S+  accuracy \S+  val_loss \S+  val_accuracy \S+  ", line)
    clf.fit(X, Y)
    assert capsys.readouterr().out.startswith("epoch 2/2  loss ")


def test_printed_values_equal_history(capsys):
    clf = net(verbose=2).fit(X, Y)
    for line, (_, values) in zip(
        capsys.readouterr().out.splitlines(), clf.history_.iterrows(), strict=True
    ):
        assert f"loss {values['loss']:.4f}  accuracy {values['accuracy']:.4f}" in line


def test_failed_fit_ends_progress_line(capsys):
    class Fail(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("spam")

    with pytest.raises(RuntimeError, match="spam"):
        net(verbose=1, callbacks=[Fail()]).fit(X, Y)
    assert capsys.readouterr().out.endswith("\n")


def test_verbose_does_not_change_result(plain, capsys):
    for verbose in (1, 2):
        clf = copy.deepcopy(plain).set_params(verbose=verbose).fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))
    assert capsys.readouterr().out
