"""Sizes, names and options -> Keras layers, optimizers and metrics, each made afresh.

Only Keras is known here. Every layer has a name and a seed of its own, so that a net depends on
its architecture and seed alone, and neither on what the process built before nor on Keras's
global settings.
"""

import re

import keras
import numpy as np

# Keras picks the metric behind these names by the loss, and keeps the name in its logs.
_NAMES_THAT_KERAS_RESOLVES = {"accuracy", "acc", "crossentropy", "ce"}


def build_layers(architecture, seed):
    """Input and output tensors of a new net with freshly drawn weights.

    Parameters
    ----------
    architecture : skclf._forward.Architecture
    seed : int
        Seeds the kernels' initial values and the dropout.

    Returns
    -------
    inputs, outputs : keras.KerasTensor
    """
    draw = np.random.RandomState(seed).randint
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
            **_kernel_options(architecture, architecture.activation, draw(2**31 - 1)),
        )(x)
        x = keras.layers.MaxPooling2D(
            architecture.pool_size, padding="same", dtype="float32", name=f"pool_{block}"
        )(x)
    if architecture.filters:
        x = keras.layers.Flatten(dtype="float32", name="flatten")(x)
    for layer, units in enumerate(architecture.hidden_layer_sizes, 1):
        options = _kernel_options(architecture, architecture.activation, draw(2**31 - 1))
        x = keras.layers.Dense(units, name=f"hidden_{layer}", **options)(x)
        if architecture.dropout:
            x = keras.layers.Dropout(
                architecture.dropout,
                seed=draw(2**31 - 1),
                dtype="float32",
                name=f"dropout_{layer}",
            )(x)
    head = "sigmoid" if architecture.n_outputs == 1 else "softmax"
    options = _kernel_options(architecture, head, draw(2**31 - 1))
    return inputs, keras.layers.Dense(architecture.n_outputs, name="output", **options)(x)


def _kernel_options(architecture, activation, seed):
    return {
        "activation": activation,
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
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
    if isinstance(optimizer, str):
        try:
            optimizer = keras.optimizers.get(optimizer)
        except ValueError as error:
            known = ", ".join(sorted(_names_of_classes(keras.optimizers, keras.Optimizer)))
            raise ValueError(
                f"Got optimizer={optimizer!r}, which is not the name of a Keras optimizer: {known}."
            ) from error
    elif not isinstance(optimizer, keras.Optimizer):
        raise TypeError(
            f"Got an optimizer of type {type(optimizer).__name__}; it must be a Keras optimizer's "
            "name or an instance of keras.optimizers.Optimizer."
        )
    config = optimizer.get_config()
    config["name"] = _name_without_count(optimizer)
    if learning_rate is not None:
        config["learning_rate"] = learning_rate
    return type(optimizer).from_config(config)


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


def _metric_by_name(name):
    try:
        return keras.metrics.get(name)
    except ValueError as error:
        known = ", ".join(sorted(_names_of_classes(keras.metrics, keras.metrics.Metric)))
        raise ValueError(
            f"Got {name!r} in metrics, which is not the name of a Keras metric: accuracy, {known}."
        ) from error


def _names_of_classes(module, base):
    members = vars(module).items()
    return (n for n, m in members if isinstance(m, type) and issubclass(m, base) and m is not base)


def _name_without_count(named):
    """Name of a Keras object, less the count that Keras appends to automatic names."""
    automatic = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(named).__name__
    )
    automatic = automatic.lower()
    return automatic if re.fullmatch(rf"{automatic}_\d+", named.name) else named.name
