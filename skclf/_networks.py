"""Sizes, names and options -> Keras layers, optimizers and metrics, each made afresh.

Only Keras is known here. Every layer has a name and a seed of its own, so that a net depends on
its architecture and seed alone, and neither on what the process built before nor on Keras's
global settings.
"""

import json
import re
from functools import lru_cache

import keras
import numpy as np

# Keras picks the metric behind these names by the loss, and keeps the name in its logs.
_NAMES_THAT_KERAS_RESOLVES = {"accuracy", "acc", "crossentropy", "ce"}
# Optimizers that need another one to work on.
_WRAPPERS = {"LossScaleOptimizer", "MultiOptimizer"}
_LARGEST_SEED = 2**31 - 1


def build_layers(architecture):
    """Input and output tensors of a new net; `draw_weights` gives it its own initial weights.

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
            name=f"conv_{block}",
            **_kernel_options(architecture, architecture.activation),
        )(x)
        x = keras.layers.MaxPooling2D(
            architecture.pool_size, padding="same", dtype="float32", name=f"pool_{block}"
        )(x)
    if architecture.filters:
        x = keras.layers.Flatten(dtype="float32", name="flatten")(x)
    for layer, units in enumerate(architecture.hidden_layer_sizes, 1):
        options = _kernel_options(architecture, architecture.activation)
        x = keras.layers.Dense(units, name=f"hidden_{layer}", **options)(x)
        if architecture.dropout:
            name = f"dropout_{layer}"
            x = keras.layers.Dropout(architecture.dropout, seed=0, dtype="float32", name=name)(x)
    head = "sigmoid" if architecture.n_outputs == 1 else "softmax"
    options = _kernel_options(architecture, head)
    return inputs, keras.layers.Dense(architecture.n_outputs, name="output", **options)(x)


def draw_weights(model, weights_seed, dropout_seed):
    """Draw a model's initial weights anew, and seed its dropout.

    Parameters
    ----------
    model : keras.Model
        Of layers that `build_layers` made.
    weights_seed, dropout_seed : int
    """
    draw = np.random.RandomState(weights_seed).randint
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            initializer = keras.initializers.GlorotUniform(seed=draw(_LARGEST_SEED))
            layer.kernel.assign(initializer(layer.kernel.shape, dtype="float32"))
            layer.bias.assign(np.zeros(layer.bias.shape, dtype="float32"))
    draw = np.random.RandomState(dropout_seed).randint
    for state in dropout_seeds(model):
        state.assign(np.array([draw(_LARGEST_SEED), 0], dtype="uint32"))


def dropout_seeds(model):
    """The variables that hold the states of a model's dropout."""
    layers = (layer for layer in model.layers if hasattr(layer, "seed_generator"))
    return [layer.seed_generator.state for layer in layers]


def _kernel_options(architecture, activation):
    return {
        "activation": activation,
        # A seed of its own, or Keras would draw one from Python's global generator.
        "kernel_initializer": keras.initializers.GlorotUniform(seed=0),
        "kernel_regularizer": keras.regularizers.L2(architecture.l2) if architecture.l2 else None,
        "dtype": "float32",
    }


def check_activation(name):
    """Raise a ValueError unless Keras has an activation of this name."""
    try:
        keras.activations.get(name)
    except ValueError as error:
        known = ", ".join(sorted(n for n in dir(keras.activations) if n.islower() and n[0] != "_"))
        raise ValueError(
            f"Got activation={name!r}, which is not the name of a Keras activation: {known}."
        ) from error


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
    rate = config.pop("learning_rate")
    rate = rate if learning_rate is None else learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = keras.saving.serialize_keras_object(rate)
    schedule, rate = (rate, None) if isinstance(rate, dict) else (None, float(rate))
    name = f"{type(template).__module__}.{type(template).__qualname__}"
    try:
        return json.dumps([name, config, schedule], sort_keys=True), rate
    except TypeError:
        return None, rate


def _template(optimizer):
    """An optimizer to copy, and its configuration."""
    if isinstance(optimizer, str):
        optimizer = _optimizer_by_name(optimizer)
    elif not isinstance(optimizer, keras.Optimizer):
        raise TypeError(
            f"Got an optimizer of type {type(optimizer).__name__}; it must be a Keras optimizer's "
            "name or an instance of keras.optimizers.Optimizer."
        )
    return optimizer, {**optimizer.get_config(), "name": _name_without_count(optimizer)}


@lru_cache(maxsize=32)
def _optimizer_by_name(name):
    try:
        return keras.optimizers.get(name)
    except ValueError as error:
        # Keras's own look-up by name knows some of its optimizers only as classes.
        by_name = {cls.__name__: cls for cls in _classes(keras.optimizers, keras.Optimizer)}
        for known, cls in by_name.items():
            if known.lower() == name.lower() and known not in _WRAPPERS:
                return cls()
        known = ", ".join(sorted(by_name.keys() - _WRAPPERS))
        raise ValueError(
            f"Got optimizer={name!r}, which is not the name of a Keras optimizer: {known}."
        ) from error


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
        if isinstance(metric, str) and metric in _NAMES_THAT_KERAS_RESOLVES:
            made.append(metric)
            continue
        metric = _metric_by_name(metric) if isinstance(metric, str) else metric
        if isinstance(metric, keras.metrics.Metric):
            base = _name_without_count(metric)
            name = next(n for n in (base, *(f"{base}_{i}" for i in range(1, 99))) if n not in taken)
            taken.add(name)
            metric = type(metric).from_config({**metric.get_config(), "name": name})
        elif not callable(metric):
            raise TypeError(
                f"Got a metric of type {type(metric).__name__} in metrics; each must be the name "
                "of a Keras metric or an instance of keras.metrics.Metric."
            )
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
        if not isinstance(metric, keras.metrics.Metric):
            kinds.append(metric)
            continue
        try:
            kinds.append((type(metric), json.dumps(metric.get_config(), sort_keys=True)))
        except TypeError:
            return None
    return tuple(kinds)


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
