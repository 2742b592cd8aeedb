"""Makes a `GraphNet` from the plain values of a file, and checks them.

A file may be damaged or altered, so every value is checked before it is used. The errors are half a
sentence; `_saved` completes them: "Can't load this ...: its net has ...".
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from skclf.nets._body import KINDS, BodyDense, BodyLayer
from skclf.nets._graph import GraphNet, Node
from skclf.nets._layer import Shape, are_sizes


def graph_from_state(state: object) -> GraphNet:
    """Make a net from the result of `GraphNet.to_state`.

    Raises
    ------
    ValueError
        If the state is wrong. The message is half a sentence.
    """
    parts = _parts(state, "its net", {"input_shape", "nodes"})
    if not are_sizes(parts["input_shape"]) or not parts["input_shape"]:
        raise ValueError(f"its net has input_shape={parts['input_shape']!r}")
    if not isinstance(parts["nodes"], list):
        raise ValueError(f"its net has nodes of type {type(parts['nodes']).__name__}, not list")
    if not parts["nodes"]:
        raise ValueError("its net has no nodes")
    nodes = tuple(_node_from_state(node, number) for number, node in enumerate(parts["nodes"]))
    net = GraphNet(parts["input_shape"], nodes)
    if not isinstance(nodes[-1].layer, BodyDense):
        raise ValueError(
            f"the last layer of its net is of kind {nodes[-1].layer.kind!r}, not 'dense'"
        )
    _check_shapes(net)
    return net


def _parts(state: object, what: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(state, dict):
        raise ValueError(f"{what} is of type {type(state).__name__}, not dict")
    if state.keys() != known:
        strange = ", ".join(sorted(map(repr, state.keys() ^ known)))
        raise ValueError(f"{what} has missing or unknown parts: {strange}")
    return state


def _node_from_state(state: object, number: int) -> Node:
    parts = _parts(state, "a node of its net", {"layer", "inputs", "weights"})
    inputs, weights = parts["inputs"], parts["weights"]
    # Only values that exist before this node: the rows (0) and the outputs of earlier nodes.
    if not _are_numbers(inputs) or not inputs or max(inputs) > number:
        raise ValueError(f"its net has a node with inputs={inputs!r}")
    if not _are_numbers(weights):
        raise ValueError(f"its net has a node with weights={weights!r}")
    return Node(_layer_from_state(parts["layer"]), inputs, weights)


def _are_numbers(value: object) -> bool:
    """Whether a value is a tuple of whole numbers of at least 0."""
    return isinstance(value, tuple) and all(type(number) is int and number >= 0 for number in value)


def _layer_from_state(state: object) -> BodyLayer:
    if not isinstance(state, dict) or not isinstance(state.get("kind"), str):
        raise ValueError("its net has a layer that is not a dict with a kind")
    options = {name: value for name, value in state.items() if name != "kind"}
    kind = KINDS.get(state["kind"])
    if kind is None or options.keys() != {field.name for field in fields(kind)}:
        named = ", ".join(map(repr, options))
        raise ValueError(f"its net has a layer of kind {state['kind']!r} with the options {named}")
    layer = kind(**options)
    if faults := layer.faults():
        raise ValueError(f"its net has a {layer.kind} layer with {faults[0]}")
    return layer


def _check_shapes(net: GraphNet) -> None:
    """Raise a ValueError if the inputs or the weights of a layer have wrong shapes."""
    shapes = [net.input_shape]
    of_weights: dict[int, Shape] = {}
    for node in net.nodes:
        inputs: list[Shape] = [shapes[k] for k in node.inputs]
        if faults := node.layer.shape_faults(inputs):
            raise ValueError(f"its net has a {node.layer.kind} layer with {faults[0]}")
        shapes.append(node.layer.output_shape(inputs))
        needed = node.layer.weight_shapes(inputs)
        if len(needed) != len(node.weights):
            raise ValueError(
                f"its net has a {node.layer.kind} layer with {len(node.weights)} weights, "
                f"not {len(needed)}"
            )
        for position, shape in zip(node.weights, needed, strict=True):
            # A layer that is used twice must need the same shapes in both places.
            if of_weights.setdefault(position, shape) != shape:
                raise ValueError(f"its net uses weight {position} in two shapes")
    if len(shapes[-1]) != 1:
        raise ValueError(f"its net has outputs of {len(shapes[-1])} dimensions")
    if of_weights.keys() != set(range(len(of_weights))):
        unused = min(set(range(len(of_weights))) - of_weights.keys())
        raise ValueError(f"its net doesn't use weight {unused}")
