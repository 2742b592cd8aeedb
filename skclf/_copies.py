"""Copy Keras objects for another net, for another estimator or for a file.

Optimizers and metrics are copied attribute by attribute. This keeps attributes that their
configuration leaves out, and doesn't require their classes to be registered with Keras. Callbacks
are copied shallowly: each fit has its own copy, which shares the objects that the callback refers
to, such as a list that it fills, a study or a logger, with the user's callback.
"""

import copy
import re
from functools import lru_cache, partial
from typing import Any

import keras
import tensorflow as tf

from skclf.engine import _compat


def copied_optimizer(template, rate):
    cls = type(template)
    made = object.__new__(cls)
    inner = getattr(template, "inner_optimizer", None)
    # If an optimizer wraps another one, only the inner one has a learning rate.
    own_rate = rate if inner is None else 0.0
    keras.Optimizer.__init__(made, learning_rate=own_rate, name=name_without_count(template))
    copies = {} if inner is None else {id(inner): copied_optimizer(inner, rate)}
    for name, value in settings_of(template).items():
        setattr(made, name, _copied(value, copies))
    return made


def rate_of(template, learning_rate):
    """Return the learning rate for an optimizer: a float, a schedule or a function."""
    if learning_rate is None:
        learning_rate = _compat.learning_rate_variable(template)
    if learning_rate is None:  # a version of Keras that keeps it elsewhere
        learning_rate = template.get_config()["learning_rate"]
        if isinstance(learning_rate, dict):
            schedule = getattr(keras.optimizers.schedules, learning_rate["class_name"])
            learning_rate = schedule.from_config(learning_rate["config"])
    if isinstance(learning_rate, keras.Variable):
        learning_rate = value_of(learning_rate)
    return learning_rate if callable(learning_rate) else float(learning_rate)


def settings_of(optimizer):
    """Return the attributes that are settings of an optimizer, without its training state."""
    plain = _plain_optimizer_attributes()
    settings = {
        name: value
        for name, value in vars(optimizer).items()
        if name not in plain or _is_plain(plain[name])
    }
    settings.pop("name", None)
    settings.pop("_exclude_from_weight_decay_cache", None)
    if settings.pop("built", False):
        known = vars(_unbuilt(optimizer))
        settings = {name: value for name, value in settings.items() if name in known}
    return settings


def _unbuilt(optimizer):
    """Return a trained optimizer as it was before training, from its configuration."""
    try:
        return type(optimizer).from_config(optimizer.get_config())
    except Exception as error:
        raise TypeError(
            f"Got an optimizer of type {type(optimizer).__name__} that has trained a model; "
            f"expected its get_config to return all arguments of its __init__ ({error}). Pass an "
            "unused optimizer, or complete get_config."
        ) from error


@lru_cache(maxsize=1)
def _plain_optimizer_attributes():
    optimizer = object.__new__(keras.Optimizer)
    keras.Optimizer.__init__(optimizer, learning_rate=0.5, name="optimizer")
    return vars(optimizer)


def _is_plain(value):
    return isinstance(value, bool | int | float | str | None)


def copied_metric(template, name):
    made = object.__new__(type(template))
    keras.metrics.Metric.__init__(made, dtype=template.dtype, name=name)
    own = set(vars(made))
    copies: dict[int, Any] = {}
    for attribute, value in vars(template).items():
        if attribute not in own:
            setattr(made, attribute, _copied(value, copies))
    return made


def _copied(value, copies):
    """Copy an attribute with variables, or a container; return other values as they are.

    Parameters
    ----------
    value : object
    copies : dict of int to object
        Earlier copies, by the id of the original.
    """
    if id(value) not in copies:
        copies[id(value)] = _copied_anew(value, copies)
    return copies[id(value)]


def _copied_anew(value, copies):
    copied = partial(_copied, copies=copies)
    if isinstance(value, keras.Variable):
        return _new_variable(value_of(value), value.dtype, value.trainable, value.name)
    if isinstance(value, keras.metrics.Metric):
        return copied_metric(value, value.name)
    if isinstance(value, keras.Optimizer):
        return copied_optimizer(value, rate_of(value, None))
    if isinstance(value, list):  # Keras's own kind of list among them
        return [copied(item) for item in value]
    if isinstance(value, set):
        return set(value)
    if type(value) is tuple:
        return tuple(copied(item) for item in value)
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, tf.Variable | keras.random.SeedGenerator):
        return copy.deepcopy(value)
    return value


# -------------------------------------------------------------------------------------- callbacks


def copied_callbacks(callbacks):
    """Copy callbacks for one fit; objects that they refer to are shared with the originals.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback

    Returns
    -------
    list of keras.callbacks.Callback
    """
    return [_copied_callback(callback) for callback in callbacks]


def _copied_callback(callback):
    copied = copy.copy(callback)
    if is_of_keras(type(callback)):
        # Keras's own callbacks store the state of a fit in containers, which must not be shared.
        for name, value in vars(callback).items():
            if type(value) in (list, dict, set):
                vars(copied)[name] = value.copy()
    return copied


# -------------------------------------------------------------------------- parameters and files


def copied_parameter(value):
    """Copy a parameter's value for another estimator, for `sklearn.base.clone`.

    scikit-learn would make a deep copy, which fails for classes that aren't registered with Keras,
    and would also copy the objects that callbacks refer to.
    """
    if type(value) in (list, tuple):
        return type(value)(map(copied_parameter, value))
    if isinstance(value, keras.Optimizer):
        return copied_optimizer(value, rate_of(value, None))
    if isinstance(value, keras.metrics.Metric):
        return copied_metric(value, value.name)
    if isinstance(value, keras.callbacks.Callback):
        return _copied_callback(value)
    return value  # a name, a number, a schedule or a function


def picklable_parameter(value):
    """Return a parameter's value in a form that pickle can save if it can import the class.

    Keras would save a configuration, which can only be loaded for registered classes.
    """
    if type(value) in (list, tuple):
        return type(value)(map(picklable_parameter, value))
    if isinstance(value, keras.Optimizer | keras.metrics.Metric | keras.Variable):
        return _Picklable(value)
    return value


class _Picklable:
    """Replaces a Keras object in a pickle; unpickling returns the object itself."""

    def __init__(self, value):
        self._value = value

    def __getstate__(self):
        # Called by skops, but not by pickle.
        raise TypeError(
            f"Got a parameter of type {type(self._value).__name__}, which skops can't save; "
            "expected the names of an optimizer and of metrics. Set the parameters to names, or "
            "save with joblib or pickle."
        )

    def __reduce__(self):
        value = self._value
        if isinstance(value, keras.Variable):
            return _new_variable, (value_of(value), value.dtype, value.trainable, value.name)
        if isinstance(value, keras.Optimizer):
            rate = _picklable_attribute(rate_of(value, None))
            settings = {k: _picklable_attribute(v) for k, v in settings_of(value).items()}
            return _optimizer_from, (type(value), value.name, rate, settings)
        own = vars(keras.metrics.Metric(name="own"))
        attributes = {k: _picklable_attribute(v) for k, v in vars(value).items() if k not in own}
        return _metric_from, (type(value), value.name, value.dtype, attributes)


def _picklable_attribute(value):
    # Keras replaces lists, sets and dicts in attributes by its own tracking subclasses.
    if isinstance(value, list):
        return [_picklable_attribute(item) for item in value]
    if isinstance(value, set):
        return set(value)
    if isinstance(value, dict):
        return {key: _picklable_attribute(item) for key, item in value.items()}
    return picklable_parameter(value)


def _optimizer_from(cls, name, rate, settings):
    made = object.__new__(cls)
    rate = 0.0 if "inner_optimizer" in settings else rate
    keras.Optimizer.__init__(made, learning_rate=rate, name=name)
    for attribute, value in settings.items():
        setattr(made, attribute, value)
    return made


def _metric_from(cls, name, dtype, attributes):
    made = object.__new__(cls)
    keras.metrics.Metric.__init__(made, dtype=dtype, name=name)
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


def _new_variable(value, dtype, trainable, name):
    return keras.Variable(value, dtype=dtype, trainable=trainable, name=name)


def value_of(variable):
    """Return a copy of a Keras variable's value as an array."""
    # Keras's own way warns with NumPy 2.
    return variable.value.numpy().copy()


def name_without_count(named):
    """Return the name of a Keras object, without the number that Keras appends."""
    automatic = automatic_name(type(named))
    return automatic if re.fullmatch(rf"{automatic}_\d+", named.name) else named.name


def automatic_name(cls):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


def is_of_keras(value):
    return (getattr(value, "__module__", None) or "").partition(".")[0] == "keras"
