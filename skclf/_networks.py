"""Sizes, names and options -> Keras layers, optimizers and metrics, each made afresh.

Only Keras is known here. Every layer has a name and a seed of its own, so that a net depends on
its architecture and seed alone, and neither on what the process built before nor on Keras's
global settings.
"""

import json
import re
from functools import lru_cache
from numbers import Real

import keras
import numpy as np

# Keras picks the metric behind these names by the loss, and keeps the name in its logs.
_NAMES_THAT_KERAS_RESOLVES = {"accuracy", "acc"}
# In Keras's module of activations beside them: helpers, one that halves the number of values, and
# one that needs further arguments.
_NO_ACTIVATIONS = {"deserialize", "get", "serialize", "glu", "threshold"}
_CATEGORICAL = ("sparse_categorical_crossentropy", "categorical_crossentropy")
_LOSSES = ("binary_crossentropy", *_CATEGORICAL)
# Metrics that compare class numbers, of their own accord or by an option.
_OF_CLASS_NUMBERS = {"Accuracy", "IoU", "MeanIoU"}
# Optimizers that need another one to work on.
_WRAPPERS = {"LossScaleOptimizer", "MultiOptimizer"}
_LARGEST_SEED = 2**31 - 1


def build_layers(architecture):
    """Input and output tensors of a new net; `initial_weights` gives it weights of its own.

    Parameters
    ----------
    architecture : skclf._forward.Architecture

    Returns
    -------
    inputs, outputs : keras.KerasTensor
    """
    inputs = x = keras.Input(
        shape=architecture.input_shape,
        dtype="float32",
        sparse=architecture.sparse,
        name="images" if architecture.filters else "rows",
    )
    for block, filters in enumerate(architecture.filters, 1):
        x = keras.layers.Conv2D(
            filters,
            architecture.kernel_size,
            padding="same",
            data_format="channels_last",
            name=f"conv_{block}",
            **_kernel_options(architecture, architecture.activation),
        )(x)
        x = keras.layers.MaxPooling2D(
            architecture.pool_size,
            padding="same",
            data_format="channels_last",
            dtype="float32",
            name=f"pool_{block}",
        )(x)
    if architecture.filters:
        x = keras.layers.Flatten("channels_last", dtype="float32", name="flatten")(x)
    for layer, units in enumerate(architecture.hidden_layer_sizes, 1):
        options = _kernel_options(architecture, architecture.activation)
        x = keras.layers.Dense(units, name=f"hidden_{layer}", **options)(x)
        if architecture.dropout:
            name = f"dropout_{layer}"
            x = keras.layers.Dropout(architecture.dropout, seed=0, dtype="float32", name=name)(x)
    head = "sigmoid" if architecture.n_outputs == 1 else "softmax"
    options = _kernel_options(architecture, head)
    return inputs, keras.layers.Dense(architecture.n_outputs, name="output", **options)(x)


def initial_weights(shapes, seed):
    """Kernels drawn from Glorot's uniform distribution, and biases of 0.

    The distribution is that of `keras.initializers.GlorotUniform` [1]_; NumPy draws from it in a
    hundredth of the time, and the same numbers with each version of Keras.

    Parameters
    ----------
    shapes : sequence of tuple
        Of kernels and biases, ``(..., fan in, fan out)`` and ``(units,)``.
    seed : int

    Returns
    -------
    list of ndarray, dtype float32

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010, formula 16.
    """
    uniform = np.random.RandomState(seed).uniform
    weights = []
    for shape in shapes:
        if len(shape) == 1:
            weights.append(np.zeros(shape, dtype=np.float32))
            continue
        fans = np.prod(shape[:-2]) * (shape[-2] + shape[-1])
        limit = np.sqrt(6 / fans)
        weights.append(uniform(-limit, limit, size=shape).astype(np.float32))
    return weights


def initial_dropout_states(count, seed):
    """States of as many dropout layers' random generators, as Keras makes them from a seed."""
    drawn = np.random.RandomState(seed).randint(_LARGEST_SEED, size=count)
    return [np.array([start, 0], dtype=np.uint32) for start in drawn]


def _kernel_options(architecture, activation):
    return {
        "activation": activation,
        # A seed of its own, or Keras would draw one from Python's global generator.
        "kernel_initializer": keras.initializers.GlorotUniform(seed=0),
        "kernel_regularizer": keras.regularizers.L2(architecture.l2) if architecture.l2 else None,
        "dtype": "float32",
    }


def check_activation(name):
    """Raise a ValueError unless this is the name of a Keras activation for hidden layers."""
    known = [n for n in dir(keras.activations) if n[0] != "_" and n not in _NO_ACTIVATIONS]
    if name not in known:
        raise ValueError(
            f"Got activation={name!r}, which is not the name of a Keras activation: "
            f"{', '.join(known)}."
        )


def new_optimizer(optimizer, learning_rate):
    """A new, unbuilt optimizer; one that is passed in serves as a template and is left alone.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
    learning_rate : float, keras.optimizers.schedules.LearningRateSchedule or None
        None keeps the optimizer's own.
    """
    template, config = _template(optimizer)
    if learning_rate is not None:
        _check_rate(learning_rate)
        config["learning_rate"] = learning_rate
    return type(template).from_config(config)


def optimizer_kind(optimizer, learning_rate):
    """What the programs of an optimizer depend on, and its learning rate apart from it.

    Parameters
    ----------
    optimizer, learning_rate
        As for `new_optimizer`.

    Returns
    -------
    kind : str or None
        JSON; None where the optimizer's configuration can't be written as JSON.
    rate : float or None
        None where a schedule, which then is part of the kind, gives the learning rate.
    """
    template, config = _template(optimizer)
    rate = config.pop("learning_rate") if learning_rate is None else learning_rate
    config.pop("learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = keras.saving.serialize_keras_object(rate)
    schedule, rate = (rate, None) if isinstance(rate, dict) else (None, float(rate))
    name = f"{type(template).__module__}.{type(template).__qualname__}"
    try:
        return json.dumps([name, config, schedule], sort_keys=True), rate
    except TypeError:
        return None, rate


def _check_rate(learning_rate):
    # Of a dict Keras would make whatever object it names.
    if not isinstance(learning_rate, Real) and not callable(learning_rate):
        raise TypeError(
            f"Got learning_rate={learning_rate!r}; it must be a number or an instance of "
            "keras.optimizers.schedules.LearningRateSchedule."
        )


def _template(optimizer):
    """An optimizer to copy, and its configuration."""
    if isinstance(optimizer, str):
        optimizer, config = _optimizer_by_name(optimizer)
        return optimizer, dict(config)
    if not isinstance(optimizer, keras.Optimizer):
        raise TypeError(
            f"Got an optimizer of type {type(optimizer).__name__}; it must be a Keras optimizer's "
            "name or an instance of keras.optimizers.Optimizer."
        )
    return optimizer, _config_of(optimizer)


def _config_of(optimizer):
    return {**optimizer.get_config(), "name": _name_without_count(optimizer)}


@lru_cache(maxsize=32)
def _optimizer_by_name(name):
    optimizer = _find_optimizer(name)
    return optimizer, _config_of(optimizer)


def _find_optimizer(name):
    # Keras's own look-up also takes the names of whatever was registered with it.
    by_name = {cls.__name__: cls for cls in _classes(keras.optimizers, keras.Optimizer)}
    for known, cls in by_name.items():
        if known.lower() == name.lower() and known not in _WRAPPERS:
            return cls()
    known = ", ".join(sorted(by_name.keys() - _WRAPPERS))
    raise ValueError(
        f"Got optimizer={name!r}, which is not the name of a Keras optimizer: {known}."
    )


def new_metrics(metrics):
    """New Keras metrics with names that don't depend on what the process made before.

    Keras numbers its automatic names (``auc``, ``auc_1``, ...) through the life of a process;
    here the count starts anew for each net.

    Parameters
    ----------
    metrics : sequence of str and keras.metrics.Metric, or None
    """
    taken, made = set(), []
    for metric in metrics or ():
        _check_metric(metric)
        if isinstance(metric, str) and metric in _NAMES_THAT_KERAS_RESOLVES:
            made.append(metric)
            continue
        metric = _metric_by_name(metric) if isinstance(metric, str) else metric
        if isinstance(metric, keras.metrics.Metric):
            base = _name_without_count(metric)
            name = next(n for n in (base, *(f"{base}_{i}" for i in range(1, 99))) if n not in taken)
            taken.add(name)
            metric = type(metric).from_config({**metric.get_config(), "name": name})
        made.append(metric)
    return made


def metrics_kind(metrics):
    """What the programs of these metrics depend on: a hashable, or None where that isn't known.

    Parameters
    ----------
    metrics : sequence of str and keras.metrics.Metric, or None
    """
    kinds = []
    for metric in metrics or ():
        _check_metric(metric)
        if not isinstance(metric, keras.metrics.Metric):
            kinds.append(metric)
            continue
        try:
            kinds.append((type(metric), json.dumps(metric.get_config(), sort_keys=True)))
        except TypeError:
            return None
    return tuple(kinds)


def loss_for(loss, metrics):
    """The form of the categorical cross-entropy whose targets suit the metrics too.

    Both forms are one function, of class numbers and of one-hot rows. Keras hands the same targets
    to the metrics, and one that expects the other form gives a wrong number or fails.

    Parameters
    ----------
    loss : str
    metrics : sequence of str and keras.metrics.Metric, or None

    Returns
    -------
    str
        ``loss``, or the other form of it.
    """
    if loss not in _LOSSES:
        raise ValueError(f"Got loss={loss!r}; it must be one of {', '.join(_LOSSES)}.")
    if loss not in _CATEGORICAL:
        return loss
    kinds = [type(m) for m in new_metrics(metrics) if isinstance(m, keras.metrics.Metric)]
    names = [kind.__name__ for kind in kinds if kind.__module__.startswith("keras.")]
    sparse = [name for name in names if name.startswith("Sparse")]
    one_hot = [name for name in names if name not in (*sparse, *_OF_CLASS_NUMBERS)]
    if sparse and one_hot:
        raise ValueError(
            f"Got {sparse[0]} and {one_hot[0]} in metrics; the first needs class numbers and the "
            "second one-hot rows, and a net has one kind of targets. Leave one of them out."
        )
    return _CATEGORICAL[0] if sparse else _CATEGORICAL[1] if one_hot else loss


def lower_is_better(metrics, name):
    """Whether the metric of this name is better when it is lower, as errors and losses are.

    Parameters
    ----------
    metrics : sequence of str and keras.metrics.Metric, or None
    name : str
        As Keras has it in its logs; of a metric that is not among them nothing is known.
    """
    by_name = {getattr(m, "name", getattr(m, "__name__", m)): m for m in new_metrics(metrics)}
    # What Keras's own early stopping goes by.
    return name.endswith("loss") or getattr(by_name.get(name), "_direction", "up") == "down"


def _check_metric(metric):
    if isinstance(metric, type) or not (isinstance(metric, str) or callable(metric)):
        raise TypeError(
            f"Got {metric!r} of type {type(metric).__name__} in metrics; each must be the name of "
            "a Keras metric or an instance of keras.metrics.Metric."
        )


def _metric_by_name(name):
    try:
        return keras.metrics.get(name)
    except ValueError as error:
        classes = _classes(keras.metrics, keras.metrics.Metric)
        known = ", ".join(sorted(cls.__name__ for cls in classes))
        raise ValueError(
            f"Got {name!r} in metrics, which is not the name of a Keras metric: accuracy, {known}."
        ) from error


def _classes(module, base):
    members = vars(module).values()
    return [m for m in members if isinstance(m, type) and issubclass(m, base) and m is not base]


def _name_without_count(named):
    """Name of a Keras object, less the count that Keras appends to automatic names."""
    automatic = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(named).__name__
    )
    automatic = automatic.lower()
    return automatic if re.fullmatch(rf"{automatic}_\d+", named.name) else named.name
