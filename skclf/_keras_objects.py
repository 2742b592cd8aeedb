"""Check users' Keras objects, and compute what a net needs to know about them.

An optimizer, metric or callback that is passed as a parameter serves as a template: each fit trains
with a copy, and leaves the template unchanged. `skclf._copies` makes the copies; schedules only
depend on the step, so they are shared. This module computes the keys under which compiled programs
are cached (from what an object does, see `skclf._fingerprints`, and never from its name alone), the
form of targets that a metric expects, and the direction in which it improves.
"""

import difflib
import inspect
import json
from functools import lru_cache
from numbers import Real

import keras

from skclf._copies import (
    automatic_name,
    copied_metric,
    copied_optimizer,
    is_of_keras,
    name_without_count,
    rate_of,
    settings_of,
)
from skclf._fingerprints import Unknowable, fingerprint
from skclf.engine import _compat

_CATEGORICAL = ("sparse_categorical_crossentropy", "categorical_crossentropy")
# Names for which Keras chooses a metric that suits the loss.
_ACCURACY_NAMES = {"accuracy", "acc"}
_ACCURACIES = {
    "binary_crossentropy": keras.metrics.BinaryAccuracy,
    "categorical_crossentropy": keras.metrics.CategoricalAccuracy,
    "sparse_categorical_crossentropy": keras.metrics.SparseCategoricalAccuracy,
}
# Other members of keras.activations: helpers, glu (which halves the number of values) and threshold
# (which needs further arguments).
_NO_ACTIVATIONS = {"deserialize", "get", "serialize", "glu", "threshold"}
# Base classes of Keras, which say nothing about the form of targets.
_ANY_METRIC = {"Metric", "Mean", "Sum", "MeanMetricWrapper"}
# Optimizers that wrap another one, so they can't be created by name.
_WRAPPERS = {"LossScaleOptimizer", "MultiOptimizer"}
# Metrics for which Keras defines no direction.
_LOWER_IS_BETTER = {"FalseNegatives", "FalsePositives"}
_HIGHER_IS_BETTER = {"TrueNegatives", "TruePositives"}


# ------------------------------------------------------------------------------------- optimizers


def new_optimizer(optimizer, learning_rate):
    """Return a new, unbuilt optimizer.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
        An instance serves as a template.
    learning_rate : float, keras.optimizers.schedules.LearningRateSchedule or None
        None keeps the rate of the optimizer.
    """
    template = optimizer_template(optimizer)
    if learning_rate is not None:
        _check_rate(learning_rate)
    return copied_optimizer(template, rate_of(template, learning_rate))


def optimizer_key(optimizer, learning_rate):
    """Return what the programs of an optimizer depend on, and its learning rate.

    Parameters
    ----------
    optimizer, learning_rate
        As for `new_optimizer`.

    Returns
    -------
    key : hashable or None
        None if it can't be determined.
    rate : float or None
        None if the learning rate is a schedule, which is then part of the key.
    """
    template = optimizer_template(optimizer)
    schedule, rate = _schedule_and_rate(rate_of(template, learning_rate))
    try:
        key = _key_by_name(optimizer) if isinstance(optimizer, str) else _settings_key(template)
        return (key, fingerprint(schedule)), rate
    except Unknowable:
        return None, rate


def optimizer_label(optimizer, learning_rate):
    """Return a text that identifies the optimizer of a saved state."""
    template = optimizer_template(optimizer)
    config = {**template.get_config(), "name": name_without_count(template)}
    config.pop("learning_rate", None)
    schedule, _ = _schedule_and_rate(rate_of(template, learning_rate))
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        schedule = keras.saving.serialize_keras_object(schedule)
    name = f"{type(template).__module__}.{type(template).__qualname__}"
    return json.dumps([name, config, schedule], sort_keys=True, default=lambda v: type(v).__name__)


def differs_in(optimizer, optimizer_class):
    """Return the names of settings in which an optimizer differs from a new one of this class."""
    settings, plain = settings_of(optimizer), _default_settings(optimizer_class)
    return {
        name
        for name in settings.keys() | plain.keys()
        if name not in settings or name not in plain or settings[name] != plain[name]
    }


@lru_cache(maxsize=32)
def _default_settings(optimizer_class):
    return settings_of(optimizer_class())


def optimizer_template(optimizer):
    """Return the optimizer that was passed, or a new one if a name was passed."""
    if isinstance(optimizer, str):
        return _optimizer_by_name(optimizer)
    if not isinstance(optimizer, keras.Optimizer):
        raise TypeError(
            f"Got an optimizer of type {type(optimizer).__name__}; expected the name of a Keras "
            "optimizer or an instance of keras.optimizers.Optimizer."
        )
    if type(optimizer).__name__ == "MultiOptimizer":
        raise ValueError(
            "Got optimizer=MultiOptimizer; expected a single optimizer for all layers, such as "
            "keras.optimizers.Adam(), since a MultiOptimizer is tied to the layers of one model."
        )
    return optimizer


@lru_cache(maxsize=32)
def _optimizer_by_name(name):
    # keras.optimizers.get also accepts the names of registered objects of other kinds.
    by_name = {cls.__name__: cls for cls in _classes(keras.optimizers, keras.Optimizer)}
    for known, cls in by_name.items():
        if known.lower() == name.lower() and known not in _WRAPPERS:
            return cls()
    known = ", ".join(sorted(by_name.keys() - _WRAPPERS))
    raise ValueError(
        f"Got optimizer={name!r}; expected the name of a Keras optimizer: {known}."
        f"{_suggestion(name, by_name.keys() - _WRAPPERS)}"
    )


@lru_cache(maxsize=32)
def _key_by_name(name):
    return _settings_key(_optimizer_by_name(name))


def _check_rate(learning_rate):
    # Keras would accept a dict, and create any object that it names.
    if not isinstance(learning_rate, Real) and not callable(learning_rate):
        raise TypeError(
            f"Got learning_rate={learning_rate!r}; expected a number or an instance of "
            "keras.optimizers.schedules.LearningRateSchedule."
        )


def _schedule_and_rate(rate):
    return (rate, None) if callable(rate) else (None, rate)


def _settings_key(optimizer):
    inner = getattr(optimizer, "inner_optimizer", None)
    settings = settings_of(optimizer)
    if inner is not None:
        settings["inner_optimizer"] = _settings_key(inner)
    return fingerprint(type(optimizer)), name_without_count(optimizer), fingerprint(settings)


# ---------------------------------------------------------------------------------------- metrics


def new_metrics(metrics, loss):
    """Return new Keras metrics with unique names.

    Keras names a metric after the string that was passed, and otherwise after its class, with a
    number that increases during the life of a process (``auc``, ``auc_1``, ...). Here, each net
    starts to count from the beginning.

    Parameters
    ----------
    metrics : sequence of str, keras.metrics.Metric and callable, or None
        Instances serve as templates.
    loss : str
        Determines the metric that ``"accuracy"`` means.

    Returns
    -------
    list of keras.metrics.Metric
    """
    taken, made = set(), []
    for metric in metrics or ():
        template, name = _metric_template(metric, loss)
        name = next(n for n in _numbered(name) if n not in taken)
        taken.add(name)
        if template is metric:
            made.append(copied_metric(template, name))
        else:  # it was made here
            template.name = name
            made.append(template)
    return made


def metrics_key(metrics):
    """Return a hashable with all that programs of these metrics depend on, or None if unknown.

    Parameters
    ----------
    metrics : sequence of str, keras.metrics.Metric and callable, or None
    """
    try:
        return tuple(map(_metric_key, metrics or ()))
    except Unknowable:
        return None


def metric_names(metrics, loss):
    """Return the names under which Keras logs these metrics."""
    return [metric.name for metric in new_metrics(metrics, loss)]


def loss_for(loss, metrics, is_fixed=False):
    """Return the form of the categorical cross-entropy whose targets suit the metrics too.

    Both forms compute the same function, from class numbers or from one-hot rows. Keras passes the
    same targets to the metrics; one that expects the other form would be wrong or fail.

    Parameters
    ----------
    loss : str
        A cross-entropy.
    metrics : sequence of str, keras.metrics.Metric and callable, or None
    is_fixed : bool
        Whether another loss is minimized, which only accepts the targets of this one.

    Returns
    -------
    str
        ``loss``, or the other form of it.
    """
    if loss not in _CATEGORICAL:
        return loss
    wanted: dict[str | None, list[str]] = {"sparse": [], "one-hot": [], None: []}
    for metric in metrics or ():
        template, name = _metric_template(metric, loss)
        if not is_accuracy_name(metric):
            wanted[_target_form(template)].append(name)
    if is_fixed:
        wanted["sparse" if loss == _CATEGORICAL[0] else "one-hot"].insert(0, "the loss")
    if wanted["sparse"] and wanted["one-hot"]:
        raise ValueError(
            f"Got {wanted['sparse'][0]}, which needs class numbers as targets, together with "
            f"{wanted['one-hot'][0]}, which needs one-hot rows; expected a loss and metrics that "
            "need the same targets. Leave one of the two out."
        )
    return _CATEGORICAL[0] if wanted["sparse"] else _CATEGORICAL[1] if wanted["one-hot"] else loss


def lower_is_better(metrics, loss, name):
    """Whether a lower value of the metric of this name is better, as for errors and losses.

    Parameters
    ----------
    metrics : sequence of str, keras.metrics.Metric and callable, or None
    loss : str
    name : str
        The name in Keras's logs.

    Returns
    -------
    bool or None
        None if it can't be determined.
    """
    if name.endswith("loss"):
        return True
    metric = {metric.name: metric for metric in new_metrics(metrics, loss)}.get(name)
    if metric is None:
        return None
    direction = _compat.direction_of(metric)
    if direction is not None:
        return direction == "down"
    function = _compat.wrapped_function(metric)
    if function is not None and is_of_keras(function):
        return not function.__name__.endswith("accuracy")
    known = _first_keras_class(type(metric)).__name__
    if known in _LOWER_IS_BETTER | _HIGHER_IS_BETTER:
        return known in _LOWER_IS_BETTER
    return None


def weighs_rows(metrics):
    """Whether a row of weight 2 counts in these metrics as two rows, which Keras's own all do."""
    return all(map(_is_known_metric, metrics or ()))


def _is_known_metric(metric):
    if isinstance(metric, str):
        return True
    if not isinstance(metric, keras.metrics.Metric):
        return is_of_keras(metric)
    function = _compat.wrapped_function(metric)
    return is_of_keras(type(metric)) and (function is None or is_of_keras(function))


def _metric_template(metric, loss):
    """Return the metric that was passed, or else a new one, and the name that Keras gives it."""
    _check_metric(metric)
    if is_accuracy_name(metric):
        return _ACCURACIES[loss](), metric
    if isinstance(metric, str):
        template = _metric_by_name(metric)
        if not isinstance(template, keras.metrics.Metric):
            template = keras.metrics.MeanMetricWrapper(template, name=metric)
        return template, metric
    if isinstance(metric, keras.metrics.Metric):
        return metric, name_without_count(metric)
    name = getattr(metric, "__name__", None) or automatic_name(type(metric))
    return keras.metrics.MeanMetricWrapper(metric, name=name), name


def is_accuracy_name(metric):
    """Whether this is a name of the accuracy that suits the loss."""
    return isinstance(metric, str) and metric.lower() in _ACCURACY_NAMES


def _metric_key(metric):
    _check_metric(metric)
    if isinstance(metric, keras.metrics.Metric):
        return name_without_count(metric), fingerprint(metric, skip=("name",))
    return metric if isinstance(metric, str) else fingerprint(metric)


def _check_metric(metric):
    if isinstance(metric, type) or not (isinstance(metric, str) or callable(metric)):
        raise TypeError(
            f"Got {metric!r} of type {type(metric).__name__} in metrics; expected names of Keras "
            "metrics, instances of keras.metrics.Metric or functions."
        )
    if isinstance(metric, keras.metrics.Metric) and not _takes_predictions(type(metric)):
        raise ValueError(
            f"Got a {type(metric).__name__} in metrics, which doesn't compare labels with "
            "predictions; expected a metric that does. Wrap a function of both in "
            "keras.metrics.MeanMetricWrapper."
        )


def _metric_by_name(name):
    of_labels = filter(_takes_predictions, _classes(keras.metrics, keras.metrics.Metric))
    classes = ["accuracy", *sorted(cls.__name__ for cls in of_labels)]
    try:
        metric = keras.metrics.get(name)
        if isinstance(metric, keras.metrics.Metric) and not _takes_predictions(type(metric)):
            raise ValueError(f"{name} takes no labels")
        return metric
    except ValueError as error:
        raise ValueError(
            f"Got {name!r} in metrics; expected the name of a Keras metric: {', '.join(classes)}."
            f"{_suggestion(name, classes)}"
        ) from error
    except TypeError as error:
        raise ValueError(
            f"Got {name!r} in metrics, a Keras metric that can't be created from its name alone "
            f"({error}); expected an instance. Pass one with its arguments."
        ) from error


def _takes_predictions(metric_class):
    """Whether a metric compares labels with predictions; Mean and Sum, for example, don't."""
    return not is_of_keras(metric_class) or (
        "y_pred" in inspect.signature(metric_class.update_state).parameters
    )


def _suggestion(name, known):
    """Return a sentence for the end of a message, with the name that the user probably meant."""
    by_lower_case = {each.lower(): each for each in reversed(list(known))}  # the first one counts
    close = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    close += [each for each in by_lower_case if name and each.startswith(name.lower())]
    return f" Did you mean {by_lower_case[close[0]]!r}?" if close else ""


def _target_form(metric):
    """Return ``"sparse"`` or ``"one-hot"``, or None if a metric accepts both or is unknown."""
    function = _compat.wrapped_function(metric)
    keras_class = _first_keras_class(type(metric)).__name__
    if keras_class in _ANY_METRIC:
        if function is None or not is_of_keras(function):
            return None
        return "sparse" if function.__name__.startswith("sparse_") else "one-hot"
    if hasattr(metric, "sparse_y_true"):
        return "sparse" if metric.sparse_y_true else "one-hot"
    if keras_class == "Accuracy":
        return None
    return "sparse" if keras_class.startswith("Sparse") else "one-hot"


def _first_keras_class(cls):
    return next(base for base in cls.__mro__ if is_of_keras(base))


def _numbered(name):
    yield name
    yield from (f"{name}_{number}" for number in range(1, 1000))


def check_activation(name):
    """Raise a ValueError unless this is the name of a Keras activation for hidden layers."""
    known = [n for n in dir(keras.activations) if n[0] != "_" and n not in _NO_ACTIVATIONS]
    if name not in known:
        raise ValueError(
            f"Got activation={name!r}; expected the name of a Keras activation: "
            f"{', '.join(known)}.{_suggestion(name, known)}"
        )


def _classes(module, base):
    members = vars(module).values()
    return [m for m in members if isinstance(m, type) and issubclass(m, base) and m is not base]
