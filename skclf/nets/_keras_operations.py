"""Operations of `keras.ops` that users write between layers, such as ``x + y`` or ``x / 255``.

Each is turned into a layer of `_body/` that computes the same.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

from skclf.nets._body import (
    ELU,
    OPERATIONS,
    Activation,
    Arithmetic,
    BodyLayer,
    Concatenate,
    GlobalPooling,
    Merging,
    Rectifier,
    Rescaling,
    Reshape,
)
from skclf.nets._layer import Shape

if TYPE_CHECKING:
    import keras

# Class name of an operation without options -> name of the activation.
_ACTIVATIONS = {
    "Exp": "exponential",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh",
    "LogSigmoid": "log_sigmoid",
    "Relu": "relu",
    "Relu6": "relu6",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "TanhShrink": "tanh_shrink",
}


def layer_of_operation(
    name: str, operation: Any, args: tuple[Any, ...]
) -> tuple[BodyLayer, list[keras.KerasTensor]] | None:
    """Find a layer that computes an operation, and its inputs; None if there is none.

    Parameters
    ----------
    name : str
        Name of the operation's class.
    operation : keras.Operation
    args : tuple
        All arguments of the call.
    """
    import keras

    if len(args) == 2 and name.replace("TrueDivide", "Divide") in OPERATIONS:
        return _of_two(name.replace("TrueDivide", "Divide"), *args)
    if len(args) != 1:
        return None
    tensors = list(args[0]) if isinstance(args[0], list | tuple) else [args[0]]
    if not tensors or not all(isinstance(tensor, keras.KerasTensor) for tensor in tensors):
        return None
    layer = _of_one(name, operation, tuple(tensors[0].shape[1:]))
    return None if layer is None else (layer, tensors)


def _of_two(name: str, first: Any, second: Any) -> tuple[BodyLayer, list[Any]] | None:
    import keras

    tensors = [value for value in (first, second) if isinstance(value, keras.KerasTensor)]
    numbers = [value for value in (first, second) if isinstance(value, Real)]
    if len(tensors) == 2:
        return Merging(name), tensors
    if len(tensors) == len(numbers) == 1:
        layer = Arithmetic(name, float(numbers[0]), number_first=numbers[0] is first)
        return None if layer.faults() else (layer, tensors)
    return None


def _of_one(name: str, operation: Any, shape: Shape) -> BodyLayer | None:
    if name in _ACTIVATIONS:
        return Activation(_ACTIVATIONS[name])
    if name == "Negative":
        return Rescaling(-1.0)
    if name == "Gelu":
        # The table of activations has only the exact form.
        return None if operation.approximate else Activation("gelu")
    if name in ("Softmax", "LogSoftmax"):
        activation = Activation("softmax" if name == "Softmax" else "log_softmax")
        return activation if operation.axis in (-1, len(shape)) else None
    if name == "Elu":
        return ELU.from_keras(operation, [shape])
    if name in ("LeakyRelu", "ReLU"):
        return Rectifier.from_keras(operation, [shape])
    if name == "Concatenate":
        return Concatenate.from_keras(operation, [shape])
    if name in ("Mean", "Max"):
        return _pooling(name, operation, shape)
    if name == "Reshape":
        return _reshape(operation.newshape)
    return None


def _reshape(new_shape: Any) -> BodyLayer | None:
    """The layer of a reshape that keeps rows apart: only the first length may be -1."""
    if not isinstance(new_shape, tuple) or new_shape[:1] != (-1,):
        return None
    layer = Reshape(new_shape[1:])
    return None if layer.faults() else layer


def _pooling(name: str, operation: Any, shape: Shape) -> BodyLayer | None:
    """The layer of a mean or maximum along all axes between the rows and the channels."""
    axes = operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]
    inner = list(range(1, len(shape)))
    if list(axes) != inner or getattr(operation, "initial", None) is not None:
        return None
    mode = "max" if name == "Max" else "average"
    layer = GlobalPooling(mode, len(inner), bool(operation.keepdims))
    return None if layer.faults() else layer
