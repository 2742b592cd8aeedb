"""Copies of users' Keras objects: in clones, searches and saved files."""

import pickle

import joblib
import keras
import numpy as np
import pytest
from own_keras_objects import Above, NeedsFactor, X, Y, net
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from skclf import _copies


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


def test_skops_error_names_the_parameter_it_cannot_save():
    skops = pytest.importorskip("skops.io")
    clf = net(optimizer=keras.optimizers.Adam()).fit(X, Y)
    with pytest.raises(TypeError, match="of type Adam, which skops can't save; expected the names"):
        skops.dumps(clf)


def test_nested_metrics_are_copied():
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
