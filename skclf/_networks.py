"""Sizes, names and options -> Keras layers, each made afresh.

Only Keras is known here. Every layer has a name and a seed of its own, so that a net depends on
its architecture and seed alone, and neither on what the process built before nor on Keras's
global settings.
"""

import keras
import numpy as np

# In Keras's module of activations beside them: helpers, one that halves the number of values, and
# one that needs further arguments.
_NO_ACTIVATIONS = {"deserialize", "get", "serialize", "glu", "threshold"}
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
