"""Clones, copies and pickles of a classifier whose parameters may hold Keras objects.

`skclf._saved` defines the state of a pickle, and `skclf._copies` copies the Keras objects. Keras is
loaded only if a parameter holds such an object.
"""

from __future__ import annotations

from copy import copy
from numbers import Real

from sklearn.base import BaseEstimator

from skclf import _saved
from skclf._parameters import NetParameters

# Parameters that may hold Keras objects.
_OF_KERAS = ("optimizer", "learning_rate", "loss", "metrics", "callbacks")


class Persistence(NetParameters):
    """Base class with the methods that clone, copy, save and load a classifier."""

    def __sklearn_clone__(self):
        plain = copy(self)
        held = _parameters_with_objects(self)
        vars(plain).update(dict.fromkeys(held))
        cloned = BaseEstimator.__sklearn_clone__(plain)
        if held:
            from skclf import _bridge

            vars(cloned).update({k: _bridge.copied_parameter(v) for k, v in held.items()})
        return cloned

    def __getstate__(self):
        state, held = super().__getstate__(), _parameters_with_objects(self)
        if held:
            from skclf import _bridge

            state = state | {k: _bridge.picklable_parameter(v) for k, v in held.items()}
        return _saved.to_state(state)

    def __setstate__(self, state):
        name, parameters = type(self).__name__, self._parameter_constraints
        super().__setstate__(_saved.from_state(state, name, parameters))

    def __copy__(self):
        # Without the checks of __setstate__, which are for files. scikit-learn's callbacks copy
        # estimators during a fit, when the classes may be new and the weights still old.
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied


def _parameters_with_objects(estimator):
    """The parameters of an estimator that hold Keras objects or functions."""
    values = {name: getattr(estimator, name) for name in _OF_KERAS}
    return {name: value for name, value in values.items() if not _is_plain(value)}


def _is_plain(value):
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | Real)
