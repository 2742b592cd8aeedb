"""Fingerprints of users' objects, which decide whether a compiled program is reused."""

import re

import keras
import numpy as np
import pandas as pd
import pytest
from own_keras_objects import Above, NeedsFactor, X, Y, net, share
from sklearn.model_selection import GridSearchCV

from skclf import _fingerprints, engine

# ----------------------------------------------------------------------------------------- programs


def weights_with_redefined_optimizer(factor):
    """Like a notebook cell that is edited and run again."""

    class Mine(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(factor * gradient, variable, learning_rate)

    return net(hidden_layer_sizes=(), optimizer=Mine(0.05), epochs=2).fit(X, Y)._weights[0]


def test_an_edited_optimizer_class_is_compiled_anew():
    first, second = weights_with_redefined_optimizer(1.0), weights_with_redefined_optimizer(20.0)
    engine.clear_cache()
    np.testing.assert_array_equal(weights_with_redefined_optimizer(20.0), second)
    assert not np.allclose(first, second)


def test_a_class_named_like_keras_own_is_distinguished_from_it():
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
    """A schedule whose config omits its rate."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate

    def get_config(self):
        return {}


def test_schedules_with_equal_configs_are_distinguished():
    first, second, again = (
        net(optimizer="sgd", learning_rate=Half(rate), epochs=2).fit(X, Y)._weights[0]
        for rate in (0.01, 0.5, 0.01)
    )
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, again)


FACTOR = 1.0


def reads_a_global(y_true, y_pred):
    return FACTOR * keras.ops.ones_like(y_pred[:, 0])


def test_a_changed_global_of_a_metric_is_compiled_anew(monkeypatch):
    found = []
    for factor in (1.0, 2.0, 1.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        traces = engine.trace_count()
        found += net(metrics=[reads_a_global]).fit(X, Y).history_["reads_a_global"].tolist()
    assert found == [1.0, 2.0, 1.0]
    assert engine.trace_count() == traces  # the first program is reused


def test_a_search_with_custom_objects_compiles_once():
    clf = net(metrics=[share, Above(0.25)], optimizer=NeedsFactor(2), epochs=1)
    clf.fit(X, Y)
    traces = engine.trace_count()
    GridSearchCV(clf, {"learning_rate": [0.1, 0.2], "epochs": [1, 2]}, cv=2).fit(X, Y)
    assert engine.trace_count() == traces


def test_metrics_without_a_fingerprint_are_compiled_in_each_fit():
    log = iter(range(9))  # has no fingerprint

    def counts(y_true, y_pred):
        next(log)
        return keras.ops.mean(y_pred)

    clf = net(metrics=[counts])
    traces = engine.trace_count()
    clf.fit(X, Y).fit(X, Y)
    assert engine.trace_count() == traces + 2
    assert pd.notna(clf.history_["counts"]).all()


# ------------------------------------------------------------------------------------- fingerprints


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
def test_fingerprints_are_equal_for_equal_values_only(make, one, other):
    is_class = isinstance(make(one), type)
    first, again, second = (_fingerprints.fingerprint(make(v)) for v in (one, one, other))
    assert first != second
    assert hash(first) is not None
    assert (first == again) is not is_class  # each call makes a new class, with another fingerprint


def test_some_values_have_no_fingerprint():
    for value in ((i for i in range(3)), object(), np.random.default_rng(0)):
        with pytest.raises(_fingerprints.Unknowable):
            _fingerprints.fingerprint(value)


def test_cyclic_references_have_fingerprints():
    first, second = Holder(None), Holder(None)
    first.value, second.value = second, first
    other = Holder(Holder(3))
    assert _fingerprints.fingerprint(first) == _fingerprints.fingerprint(second)
    assert _fingerprints.fingerprint(first) != _fingerprints.fingerprint(other)
