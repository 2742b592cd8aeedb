"""Reads the calls of a functional Keras model, in order.

This is the only file of ``nets/`` that reads private attributes of Keras. What a call computes is
decided in `_graph_of_keras`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# Private modules of Keras that define operations. An operation is recognized by its class, which
# has no public name.
_OPERATIONS = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.activations.activations")


@dataclass(frozen=True)
class Call:
    """A call of a layer, of an operation of `keras.ops` or of a model inside a model.

    Attributes
    ----------
    operation : object
    args, kwargs : tuple, dict
        As they were passed, with `keras.KerasTensor` objects in place of values.
    output : keras.KerasTensor
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: keras.KerasTensor


def calls_of(model: keras.Model) -> list[Call] | None:
    """The calls between the input and the output of a model, in topological order.

    Returns
    -------
    list of Call or None
        None if the model isn't a plain functional model with one input and one output, or if the
        installed version of Keras stores the graph in another way.
    """
    if not _is_functional(model):
        return None
    try:
        return _walk(model.inputs, model.outputs[0])
    except (AttributeError, IndexError, TypeError):
        return None


def is_model(operation: object) -> bool:
    """Whether an operation is a model."""
    import keras

    return isinstance(operation, keras.Model)


def operation_name(operation: object) -> str | None:
    """The class name of an operation of `keras.ops`, or None for anything else."""
    name, module = type(operation).__name__, type(operation).__module__
    if module not in _OPERATIONS:
        return None
    return name if getattr(sys.modules[module], name, None) is type(operation) else None


def _is_functional(model: keras.Model) -> bool:
    """Whether a model computes what its graph says, which a subclass needn't do."""
    places = {"keras.src.models.functional", "keras.src.models.sequential"}
    if type(model).__module__ not in places or "call" in vars(model):
        return False
    try:
        has_two_ends = len(model.inputs) == len(model.outputs) == 1
        return has_two_ends and model.dtype_policy.name == "float32"
    except (AttributeError, TypeError, ValueError):  # a Sequential that is not built
        return False


def _walk(inputs: list[Any], output: Any) -> list[Call]:
    """Collect the calls depth first; a value that is used twice is read once."""
    # A loop, since a deep net would exceed Python's limit of recursion.
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
