"""The table of activations: one entry each, with its formula in NumPy and its ONNX nodes.

Names and formulas are those of Keras (https://keras.io/api/layers/activations/). A net with an
activation that is not in the table can be trained too; Keras then predicts with it.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from skclf.nets._products import in_long_runs


class Activation(NamedTuple):
    """An activation in NumPy and ONNX.

    Attributes
    ----------
    compute : callable
        Takes an ndarray and returns one of the same shape. It may overwrite its argument.
    add_to : callable
        Adds its nodes to an ONNX graph, after the last value. Features or channels are axis 1
        there.
    rises : bool
        Whether the activation is monotonic: a larger argument never gives a smaller result.
    """

    compute: Callable[..., np.ndarray]
    add_to: Callable[[Any], Any]
    rises: bool = False


def _relu(z):
    return in_long_runs(np.maximum, z, np.zeros(1, z.dtype))


def _softplus(z):
    return np.logaddexp(0, z)


def _elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _hard_sigmoid(z):
    return np.clip(z / 6 + 0.5, 0, 1)


def _selu(z):
    return 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))


def _node(operator, **attributes):
    """The nodes of an activation that is a single ONNX operator."""
    return lambda graph: graph.add(operator, **attributes)


def _clip(low, high):
    return lambda graph: graph.add("Clip", graph.last, _number(low), _number(high))


def _times(gate):
    """The nodes of an activation that is the product of its argument and another activation."""
    return lambda graph: graph.add("Mul", graph.last, gate(graph))


def _number(value):
    return np.array(value, dtype=np.float32)


def _normal_probability(graph):
    graph.add("Mul", graph.last, _number(sqrt(0.5)))
    graph.add("Add", graph.add("Erf"), _number(1))
    return graph.add("Mul", graph.last, _number(0.5))


def _tanh_of_softplus(graph):
    graph.add("Softplus")
    return graph.add("Tanh")


def _log_sigmoid(graph):
    graph.add("Neg")
    graph.add("Softplus")
    graph.add("Neg")


def _squareplus(graph):
    values = graph.last
    graph.add("Add", graph.add("Mul", values, values), _number(4))
    graph.add("Add", values, graph.add("Sqrt"))
    graph.add("Mul", graph.last, _number(0.5))


_CELU = Activation(_elu, _node("Elu", alpha=1.0), rises=True)
_HARD_SILU = Activation(lambda z: z * _hard_sigmoid(z), _node("HardSwish"))
_SILU = Activation(lambda z: z * special.expit(z), _times(_node("Sigmoid")))

ACTIVATIONS = {
    "celu": _CELU,
    "elu": _CELU,
    "exponential": Activation(np.exp, _node("Exp"), rises=True),
    "gelu": Activation(lambda z: z * special.ndtr(z), _times(_normal_probability)),
    "hard_shrink": Activation(
        lambda z: np.where(np.abs(z) > 0.5, z, 0), _node("Shrink", lambd=0.5)
    ),
    "hard_sigmoid": Activation(
        _hard_sigmoid, _node("HardSigmoid", alpha=1 / 6, beta=0.5), rises=True
    ),
    "hard_silu": _HARD_SILU,
    "hard_swish": _HARD_SILU,
    "hard_tanh": Activation(lambda z: np.clip(z, -1, 1), _clip(-1, 1), rises=True),
    "leaky_relu": Activation(
        lambda z: np.where(z > 0, z, 0.2 * z), _node("LeakyRelu", alpha=0.2), rises=True
    ),
    "linear": Activation(lambda z: z, lambda graph: None, rises=True),
    "log_sigmoid": Activation(special.log_expit, _log_sigmoid),
    "log_softmax": Activation(
        lambda z: special.log_softmax(z, axis=-1), _node("LogSoftmax", axis=1)
    ),
    "mish": Activation(lambda z: z * np.tanh(_softplus(z)), _times(_tanh_of_softplus)),
    "relu": Activation(_relu, _node("Relu"), rises=True),
    "relu6": Activation(lambda z: np.clip(z, 0, 6, out=z), _clip(0, 6), rises=True),
    "selu": Activation(_selu, _node("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805)),
    "sigmoid": Activation(special.expit, _node("Sigmoid"), rises=True),
    "silu": _SILU,
    "soft_shrink": Activation(
        lambda z: np.sign(z) * np.maximum(np.abs(z) - 0.5, 0),
        _node("Shrink", lambd=0.5, bias=0.5),
    ),
    "softmax": Activation(lambda z: special.softmax(z, axis=-1), _node("Softmax", axis=1)),
    "softplus": Activation(_softplus, _node("Softplus"), rises=True),
    "softsign": Activation(lambda z: z / (1 + np.abs(z)), _node("Softsign"), rises=True),
    "squareplus": Activation(lambda z: (z + np.hypot(z, 2)) / 2, _squareplus),
    "swish": _SILU,
    "tanh": Activation(np.tanh, _node("Tanh"), rises=True),
    "tanh_shrink": Activation(
        lambda z: z - np.tanh(z), lambda graph: graph.add("Sub", graph.last, graph.add("Tanh"))
    ),
}
