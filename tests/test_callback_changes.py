"""Changes that callbacks make in the model affect their own fit and no later one."""

import keras
import numpy as np
import pytest
from batch_callback import BatchCallback
from scipy import sparse
from sklearn.base import clone
from two_paths import BOTH_PATHS, ROWS, EpochCallback, X, Y, assert_same, net

from skclf import engine
from skclf.engine import _changes


@BOTH_PATHS
def test_class_weights_apply_after_a_fit_without_them(callback):
    settings = {"callbacks": [callback()], "hidden_layer_sizes": 3}
    weighted = net(class_weight={0: 50.0}, **settings)
    engine.clear_cache()
    alone = clone(weighted).fit(X, Y)
    engine.clear_cache()
    plain = net(**settings).fit(X, Y)
    after = clone(weighted).fit(X, Y)
    np.testing.assert_array_equal(after._weights[0], alone._weights[0])
    assert not np.allclose(plain._weights[0], alone._weights[0])


class Freeze(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.model.layers[1].trainable = False


class FreezeLate(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.layers[1].trainable = False


class SetWeightDecay(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.model.optimizer.weight_decay = 0.5


class SetAttribute(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.mark = "mine"


class CompileAgain(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.compile("adam", "mse")


@pytest.mark.parametrize("change", [Freeze, FreezeLate, SetWeightDecay, SetAttribute, CompileAgain])
@pytest.mark.parametrize("rows", ROWS)
def test_changes_by_a_callback_agree_on_both_paths_and_are_undone(change, rows):
    rows = ROWS[rows](X)
    before = net().fit(rows, Y)
    fast = net(callbacks=[change()]).fit(rows, Y)
    slow = net(callbacks=[change(), BatchCallback()]).fit(rows, Y)
    assert_same(fast, slow)
    changes_training = change in (Freeze, SetWeightDecay)
    assert np.allclose(fast._weights[0], before._weights[0], atol=1e-6) is not changes_training
    for callbacks in (None, [BatchCallback()]):
        assert_same(net(callbacks=callbacks).fit(rows, Y), before)
    np.testing.assert_array_equal(net().fit(rows, Y)._weights[0], before._weights[0])


def test_a_frozen_layer_keeps_its_initial_weights():
    start = net(learning_rate=1e-30, epochs=1).fit(X, Y)
    for rows in (X, sparse.csr_array(X)):
        frozen = net(callbacks=[Freeze()]).fit(rows, Y)
        np.testing.assert_array_equal(frozen._weights[0], start._weights[0])
        assert not np.allclose(frozen._weights[2], start._weights[2])


def test_callbacks_that_change_nothing_need_no_compilation():
    net(callbacks=[EpochCallback()]).fit(X, Y)
    traces = engine.trace_count()
    for callbacks in (None, [EpochCallback()], [BatchCallback()], None):
        net(callbacks=callbacks).fit(X, Y)
    assert engine.trace_count() == traces


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("further", [[], [BatchCallback()]])
def test_a_callback_that_compiles_the_model_is_an_error(hook, further):
    class Compiles(keras.callbacks.Callback):
        pass

    def compile_again(self, *arguments, **options):
        self.model.compile("adam", "binary_crossentropy")

    setattr(Compiles, hook, compile_again)
    clf = net(callbacks=[Compiles(), *further])
    with pytest.raises(RuntimeError, match="a callback has compiled during fit"):
        clf.fit(X, Y)
    assert_same(net().fit(X, Y), net(callbacks=[BatchCallback()]).fit(X, Y))


def test_changes_in_lists_of_a_model_are_detected():
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
