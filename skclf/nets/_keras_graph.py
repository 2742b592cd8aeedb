"""What a functional Keras model calls, in order: the one file that reads Keras's private graph."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# The modules of Keras that define operations.
_OPERATIONS = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.activations.activations")


@dataclass(frozen=True)
class Call:
    """One call of a layer, of an operation of `keras.ops` or of a model inside a model.

    Attributes
    ----------
    operation : object
    args, kwargs : tuple, dict
        As they were passed, with `keras.KerasTensor` objects for values.
    output : keras.KerasTensor
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: keras.KerasTensor


def calls_of(model: keras.Model) -> list[Call] | None:
    """Calls between the input and the output of a model, each after those that it needs.

    None stands for a model that isn't simply functional, with one input and one output, or whose
    graph is kept in another way by the installed version of Keras.
    """
    if not _is_functional(model):
        return None
    try:
        return _walk(model.inputs, model.outputs[0])
    except (AttributeError, IndexError, TypeError):
        return None


def is_model(operation: object) -> bool:
    """Whether what is called is a model."""
    import keras

    return isinstance(operation, keras.Model)


def operation_name(operation: object) -> str | None:
    """Name of one of the operations of `keras.ops`, or None for a layer or something else."""
    name, module = type(operation).__name__, type(operation).__module__
    if module not in _OPERATIONS:
        return None
    return name if getattr(sys.modules[module], name, None) is type(operation) else None


def _is_functional(model: keras.Model) -> bool:
    """Whether a model computes what its graph says; a subclass may do something else."""
    places = {"keras.src.models.functional", "keras.src.models.sequential"}
    if type(model).__module__ not in places or "call" in vars(model):
        return False
    try:
        has_two_ends = len(model.inputs) == len(model.outputs) == 1
        return has_two_ends and model.dtype_policy.name == "float32"
    except (AttributeError, TypeError, ValueError):  # a Sequential that is not built
        return False


def _walk(inputs: list[Any], output: Any) -> list[Call]:
    """Depth first; a shared value is read once."""
    calls: list[Call] = []
    done, waiting = {id(tensor) for tensor in inputs}, [output]
    while waiting:
        tensor = waiting[-1]
        operation, node_index, _ = tensor._keras_history
        node = operation._inbound_nodes[node_index]
        needed = [other for other in node.input_tensors if id(other) not in done]
        if id(tensor) not in done and not needed:
            calls.append(Call(operation, node.arguments.args, node.arguments.kwargs, tensor))
            done.add(id(tensor))
        if id(tensor) in done:
            waiting.pop()
        waiting += needed
    return calls
