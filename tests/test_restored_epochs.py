"""Epoch numbers after callbacks of Keras have restored a backup or the best weights."""

import keras
import numpy as np
import pytest
from batch_callback import BatchCallback
from sklearn.base import clone
from two_paths import X, Y, net


class Crash(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("crash")


@pytest.mark.parametrize("further", [[], [BatchCallback()]])
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
    # The next fit of the same net starts at epoch 1.
    assert net(epochs=5).fit(X, Y).history_.index.tolist() == [1, 2, 3, 4, 5]


def test_a_restored_fit_continues_and_chooses_its_best_epoch(tmp_path):
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


def test_a_backup_of_all_epochs_is_an_error(tmp_path):
    class CrashLate(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("crash")

    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="crash"):
        net(epochs=1, callbacks=[backup, CrashLate()]).fit(X, Y)
    with pytest.raises(ValueError, match=r"No epoch was trained, .* Increase epochs"):
        net(epochs=1, callbacks=[backup]).fit(X, Y)


@pytest.mark.parametrize("further", [[], [BatchCallback()]])
def test_the_best_epoch_is_the_one_that_early_stopping_restored(further):
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)
    clf = net(epochs=15, learning_rate=0.05, validation_split=0.3, callbacks=[stop, *further]).fit(
        X, Y
    )
    assert clf.n_epochs_ == clf.best_epoch_ == clf.history_["val_accuracy"].idxmax()
    assert clf.best_epoch_ != clf.history_["val_loss"].idxmin()


def test_early_stopping_that_never_starts_has_no_effect():
    stop = keras.callbacks.EarlyStopping(
        "loss", start_from_epoch=99, restore_best_weights=True, patience=1
    )
    clf = net(callbacks=[stop]).fit(X, Y)
    assert clf.n_epochs_ == 3
    np.testing.assert_array_equal(clf.predict_proba(X), net().fit(X, Y).predict_proba(X))
