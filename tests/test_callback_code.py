"""Which callbacks get a Keras model, and which are trained with as if there were none."""

import functools

import keras
import numpy as np
import pytest

from skclf import BinaryDenseClassifier, engine

Callback = keras.callbacks.Callback
X = np.random.RandomState(0).rand(60, 5).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


class Counts(Callback):
    """The usual kind: it reads the logs and keeps what it finds."""

    def __init__(self, into):
        super().__init__()
        self.into = into
        self.epochs = 0

    @property
    def twice(self):
        return 2 * self.epochs

    @staticmethod
    def rounded(value):
        return round(float(value), 3)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        names = [name for name in logs if len(name) > self.epochs - self.twice]
        self.into.append((epoch, {name: self.rounded(logs[name]) for name in names}))


class CountsMore(Counts):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.into.append("more")


def helper(callback):
    return callback.model


class ReadsIt(Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(self.model, keras.Model)


class ReadsItInside(Callback):
    def on_epoch_end(self, epoch, logs=None):
        def inside():
            return self.model

        assert isinstance(inside(), keras.Model)


class ReadsItByName(Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(getattr(self, "mod" + "el"), keras.Model)


class HandsItselfOn(Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(helper(self), keras.Model)


class KeepsItself(Callback):
    def on_train_begin(self, logs=None):
        kept = [self]
        self.get = lambda: helper(kept[0])

    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(self.get(), keras.Model)


class TakesIt(Callback):
    def set_model(self, model):
        self.taken = model
        assert isinstance(model, keras.Model)


class ReadsItInAProperty(Callback):
    @property
    def layers(self):
        return self.model.layers

    def on_epoch_end(self, epoch, logs=None):
        assert len(self.layers) == 3


class IsPartial(Callback):
    on_epoch_begin = functools.partialmethod(lambda of, epoch, logs=None: helper(of).layers)


class InheritsIt(ReadsIt):
    def on_train_begin(self, logs=None):
        self.epochs = 0


class HearsOfBatches(Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


scope = {"Callback": Callback, "keras": keras}
exec(
    "class HasNoSource(Callback):\n    def on_epoch_end(self, epoch, logs=None): self.n = 1", scope
)
HasNoSource = scope["HasNoSource"]


def sees_model(callback):
    from skclf._callback_code import sees_model

    return sees_model(callback)


@pytest.mark.parametrize(
    "make",
    [
        lambda into: Counts(into),
        lambda into: CountsMore(into),
        lambda into: keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: into.append(logs)
        ),
    ],
)
def test_callbacks_that_leave_the_model_alone(make):
    into = []

    def fit(sizes, callbacks):
        before = engine.trace_count()
        clf = BinaryDenseClassifier(
            sizes, epochs=3, batch_size=16, callbacks=callbacks, random_state=0
        ).fit(X, Y)
        return clf, engine.trace_count() - before

    fit((4,), None)
    found, n_compiled = fit((6,), [make(into)])
    assert n_compiled == 0
    assert len(into) >= 3
    of_keras, _ = fit((6,), [ReadsIt()])
    assert found.history_.equals(of_keras.history_)
    for one, other in zip(found._weights, of_keras._weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "kind",
    [
        ReadsIt,
        ReadsItInside,
        ReadsItByName,
        HandsItselfOn,
        KeepsItself,
        TakesIt,
        ReadsItInAProperty,
        IsPartial,
        InheritsIt,
        HearsOfBatches,
        HasNoSource,
        keras.callbacks.ReduceLROnPlateau,
        keras.callbacks.EarlyStopping,
        keras.callbacks.TerminateOnNaN,
    ],
)
def test_callbacks_that_may_see_the_model_get_it(kind):
    assert sees_model(kind())
    BinaryDenseClassifier((4,), epochs=2, callbacks=[Counts([]), kind()]).fit(X, Y)


def test_kerass_own_callbacks(tmp_path):
    assert sees_model(keras.callbacks.LearningRateScheduler(lambda epoch: 0.1))
    assert sees_model(keras.callbacks.ModelCheckpoint(tmp_path / "net.keras"))
