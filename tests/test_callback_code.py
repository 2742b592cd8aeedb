"""Detection of callbacks that may use their model; without any, no Keras model is built."""

import functools

import keras
import numpy as np
import pytest

from skclf import BinaryDenseClassifier, engine

Callback = keras.callbacks.Callback
X = np.random.RandomState(0).rand(60, 5).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


class LogRecorder(Callback):
    """The usual kind of callback, which reads the logs and records values."""

    def __init__(self, recorded):
        super().__init__()
        self.recorded = recorded
        self.epochs = 0

    @property
    def doubled(self):
        return 2 * self.epochs

    @staticmethod
    def rounded(value):
        return round(float(value), 3)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        names = [name for name in logs if len(name) > self.epochs - self.doubled]
        self.recorded.append((epoch, {name: self.rounded(logs[name]) for name in names}))


class LogRecorderSubclass(LogRecorder):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.recorded.append("more")


def helper(callback):
    return callback.model


class ReadsModel(Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(self.model, keras.Model)


class ReadsModelInClosure(Callback):
    def on_epoch_end(self, epoch, logs=None):
        def inside():
            return self.model

        assert isinstance(inside(), keras.Model)


class ReadsModelByGetattr(Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(getattr(self, "mod" + "el"), keras.Model)


class PassesSelfToFunction(Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(helper(self), keras.Model)


class StoresSelfInClosure(Callback):
    def on_train_begin(self, logs=None):
        kept = [self]
        self.get = lambda: helper(kept[0])

    def on_epoch_end(self, epoch, logs=None):
        assert isinstance(self.get(), keras.Model)


class OverridesSetModel(Callback):
    def set_model(self, model):
        self.taken = model
        assert isinstance(model, keras.Model)


class ReadsModelInProperty(Callback):
    @property
    def layers(self):
        return self.model.layers

    def on_epoch_end(self, epoch, logs=None):
        assert len(self.layers) == 3


class ReadsModelInPartialMethod(Callback):
    on_epoch_begin = functools.partialmethod(
        lambda callback, epoch, logs=None: helper(callback).layers
    )


class InheritsModelAccess(ReadsModel):
    def on_train_begin(self, logs=None):
        self.epochs = 0


class BatchCallback(Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


scope = {"Callback": Callback, "keras": keras}
exec(
    "class HasNoSourceCode(Callback):\n    def on_epoch_end(self, epoch, logs=None): self.n = 1",
    scope,
)
HasNoSourceCode = scope["HasNoSourceCode"]


def sees_model(callback):
    from skclf._callback_code import sees_model

    return sees_model(callback)


@pytest.mark.parametrize(
    "make",
    [
        lambda recorded: LogRecorder(recorded),
        lambda recorded: LogRecorderSubclass(recorded),
        lambda recorded: keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: recorded.append(logs)
        ),
    ],
    ids=["recorder", "subclass", "LambdaCallback"],
)
def test_callbacks_without_model_access_compile_nothing(make):
    recorded = []

    def fit(sizes, callbacks):
        before = engine.trace_count()
        clf = BinaryDenseClassifier(
            sizes, epochs=3, batch_size=16, callbacks=callbacks, random_state=0
        ).fit(X, Y)
        return clf, engine.trace_count() - before

    fit((4,), None)
    without_model, n_compiled = fit((6,), [make(recorded)])
    assert n_compiled == 0
    assert len(recorded) >= 3
    with_model, _ = fit((6,), [ReadsModel()])
    assert without_model.history_.equals(with_model.history_)
    for one, other in zip(without_model._weights, with_model._weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "kind",
    [
        ReadsModel,
        ReadsModelInClosure,
        ReadsModelByGetattr,
        PassesSelfToFunction,
        StoresSelfInClosure,
        OverridesSetModel,
        ReadsModelInProperty,
        ReadsModelInPartialMethod,
        InheritsModelAccess,
        BatchCallback,
        HasNoSourceCode,
        keras.callbacks.ReduceLROnPlateau,
        keras.callbacks.EarlyStopping,
        keras.callbacks.TerminateOnNaN,
    ],
)
def test_callbacks_that_may_access_the_model_get_it(kind):
    assert sees_model(kind())
    BinaryDenseClassifier((4,), epochs=2, callbacks=[LogRecorder([]), kind()]).fit(X, Y)


def test_keras_callbacks_access_the_model(tmp_path):
    assert sees_model(keras.callbacks.LearningRateScheduler(lambda epoch: 0.1))
    assert sees_model(keras.callbacks.ModelCheckpoint(tmp_path / "net.keras"))
