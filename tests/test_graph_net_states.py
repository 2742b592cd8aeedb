"""Graphs from saved states: states that would fail or mispredict later raise an error."""

import numpy as np
import pytest

from skclf.nets import graph_from_state
from skclf.nets._body import KINDS

DENSE = {"kind": "dense", "units": 3, "activation": "linear", "use_bias": True}
CONVOLUTION = {
    "kind": "convolution",
    "filters": 2,
    "kernel_size": (3, 3),
    "strides": (1, 1),
    "dilation": (1, 1),
    "padding": "valid",
    "activation": "relu",
    "use_bias": True,
}
# For each kind of layer: valid options, valid input shapes and invalid options.
LAYERS = {
    "activation": ({"activation": "relu"}, [(4,)], {"activation": ["rely", None, ["relu"]]}),
    "arithmetic": (
        {"operation": "Divide", "number": 2.0, "number_first": False},
        [(4,)],
        {
            "operation": ["Average", "Power", None],
            "number": [np.inf, np.nan, "2", True, None],
            "number_first": [0, None],
        },
    ),
    "batch_normalization": (
        {"epsilon": 0.001, "center": True, "scale": True},
        [(4,)],
        {"epsilon": [0, -1.0, np.nan, "1"], "center": [1, None], "scale": ["yes"]},
    ),
    "concatenate": ({"axis": 1}, [(4,), (3,)], {"axis": [0, -1, 1.0, True]}),
    "convolution": (
        {name: value for name, value in CONVOLUTION.items() if name != "kind"},
        [(5, 4, 1)],
        {
            "filters": [0, 2.0, None],
            "kernel_size": [(3,), (3, 0), [3, 3], (1, 1, 1), 3],
            "strides": [(0, 1), (1,), None],
            "dilation": [(0, 1), (1,), None],
            "padding": ["causal", "full", None],
            "activation": ["rely", None],
            "use_bias": [1],
        },
    ),
    "dense": (
        {"units": 3, "activation": "linear", "use_bias": True},
        [(4,)],
        {"units": [0, -1, 2.5, True], "activation": ["rely", None, {}], "use_bias": [0, "no"]},
    ),
    "depthwise_convolution": (
        {
            "multiplier": 2,
            "kernel_size": (2,),
            "strides": (1,),
            "dilation": (2,),
            "padding": "causal",
            "filters": 3,
            "activation": "relu",
            "use_bias": True,
        },
        [(5, 4)],
        {
            "multiplier": [0, None],
            "kernel_size": [(0,), 2, (1, 1)],
            "strides": [(0,), (1, 1)],
            "dilation": [(0,), None],
            "padding": ["full"],
            "filters": [0, 2.0],
            "activation": ["rely"],
            "use_bias": [None],
        },
    ),
    "elu": ({"alpha": 1.0}, [(4,)], {"alpha": [np.inf, "1", None]}),
    "embedding": (
        {"input_dim": 9, "output_dim": 2},
        [(4,)],
        {"input_dim": [0, 2.0], "output_dim": [-1, None]},
    ),
    "global_pooling": (
        {"mode": "max", "n_axes": 2, "keepdims": False},
        [(5, 4, 1)],
        {"mode": ["min", None], "n_axes": [1, 0, 3, True], "keepdims": [0]},
    ),
    "identity": ({}, [(4,)], {}),
    "layer_normalization": (
        {"epsilon": 0.001, "center": True, "scale": True},
        [(4,)],
        {"epsilon": [0, -1.0, "1"], "center": [1], "scale": [None]},
    ),
    "masked_average": ({"keepdims": True}, [(4, 3), (4,)], {"keepdims": [0, None]}),
    "merging": ({"operation": "Add"}, [(4,), (4,)], {"operation": ["Power", None, []]}),
    "normalization": (
        {
            "mean": (0.0, 1.0),
            "variance": (1.0, 2.0),
            "invert": False,
            "epsilon": 1e-7,
            "is_adapted": True,
        },
        [(3, 2)],
        {
            "mean": [(), (1.0,), (1.0, np.nan), [0.0, 1.0], 0.5],
            "variance": [(1.0,), (-1.0, 1.0), None],
            "invert": [0],
            "epsilon": [0, -1.0],
            "is_adapted": [1],
        },
    ),
    "permute": ({"axes": (2, 1, 3)}, [(5, 4, 1)], {"axes": [(1, 2), (1, 1, 2), (0, 1, 2), 1]}),
    "pooling": (
        {"mode": "average", "pool_size": (2, 2), "strides": (1, 1), "padding": "same"},
        [(5, 4, 1)],
        {
            "mode": ["min"],
            "pool_size": [(0, 2), (2,), [2, 2], 2],
            "strides": [(0, 1), (1,)],
            "padding": ["causal", None, []],
        },
    ),
    "prelu": ({"shared_axes": (1,)}, [(5, 4)], {"shared_axes": [(0,), (3,), [1], (1.0,), None]}),
    "rectifier": (
        {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
        [(4,)],
        {
            "max_value": [-1.0, "6", np.inf],
            "negative_slope": [-0.5, None, np.nan],
            "threshold": [-1.0, None],
        },
    ),
    "rescaling": (
        {"scale": 2.0, "offset": 0.0},
        [(4,)],
        {"scale": [None, np.nan, "2"], "offset": [np.inf, False]},
    ),
    "reshape": ({"target_shape": (2, 2)}, [(4,)], {"target_shape": [(), (3,), (-1, 4), [2, 2]]}),
    "zero_padding": (
        {"pads": ((1, 0), (0, 2))},
        [(5, 4, 1)],
        {"pads": [(), ((1, 0),), ((1, -1), (0, 0)), ((1,), (2,)), [(1, 0), (0, 2)], ((0, 1), 2)]},
    ),
}


def state_of(kind, options, shapes):
    """A net that reshapes the rows, applies the layer and ends with the output layer."""
    total = [int(np.prod(shape)) for shape in shapes]
    nodes, inputs, n_weights = [], [], 0
    for shape, width in zip(shapes, total, strict=True):
        # From 4 features to the number of values of the shape.
        dense = DENSE | {"units": width}
        weights = (n_weights, n_weights + 1)
        nodes.append({"layer": dense, "inputs": (0,), "weights": weights})
        reshape = {"kind": "reshape", "target_shape": shape}
        nodes.append({"layer": reshape, "inputs": (len(nodes),), "weights": ()})
        inputs.append(len(nodes))
        n_weights += 2
    layer = KINDS[kind](**LAYERS[kind][0])
    count = len(layer.weight_shapes(shapes))
    weights = tuple(range(n_weights, n_weights + count))
    n_weights += count
    nodes.append({"layer": {"kind": kind, **options}, "inputs": tuple(inputs), "weights": weights})
    width = int(np.prod(layer.output_shape(shapes)))
    flat = {"kind": "reshape", "target_shape": (width,)}
    nodes.append({"layer": flat, "inputs": (len(nodes),), "weights": ()})
    output = {"layer": DENSE, "inputs": (len(nodes),), "weights": (n_weights, n_weights + 1)}
    return {"input_shape": (4,), "nodes": [*nodes, output]}


def test_all_kinds_are_covered():
    assert LAYERS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", LAYERS)
def test_state_round_trip(kind):
    options, shapes, _ = LAYERS[kind]
    state = state_of(kind, options, shapes)
    net = graph_from_state(state)
    assert net.to_state() == state
    weights = [np.ones(shape, dtype=np.float32) for shape in net.weight_shapes()]
    assert net.logits([weight / 100 for weight in weights], np.zeros((2, 4))).shape == (2, 3)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (kind, name, value)
        for kind, (_, _, invalid) in LAYERS.items()
        for name, values in invalid.items()
        for value in values
    ],
)
def test_invalid_options(kind, name, value):
    options, shapes, _ = LAYERS[kind]
    with pytest.raises(ValueError, match=r"its net (has a|doesn't use weight|uses)"):
        graph_from_state(state_of(kind, options | {name: value}, shapes))


@pytest.mark.parametrize("kind", LAYERS)
def test_unknown_and_missing_options(kind):
    options, shapes, _ = LAYERS[kind]
    with pytest.raises(ValueError, match=f"a layer of kind '{kind}' with the options"):
        graph_from_state(state_of(kind, options | {"alsö": 1}, shapes))
    for name in options:
        incomplete = {other: value for other, value in options.items() if other != name}
        with pytest.raises(ValueError, match=f"a layer of kind '{kind}' with the options"):
            graph_from_state(state_of(kind, incomplete, shapes))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    "shapes", [[], [(4,), (5,), (6,)], [(2, 2, 2, 2, 2)] * 4, [(1, 1, 1), (2,)]]
)
def test_invalid_inputs(kind, shapes):
    layer = KINDS[kind](**LAYERS[kind][0])
    if kind == "concatenate" and shapes and len(set(map(len, shapes))) == 1:
        shapes = [*shapes, (4, 4)]
    if kind == "merging" and len(set(shapes)) == 1:
        shapes = [*shapes, (2, 2, 2, 2, 3)]
    assert layer.shape_faults(shapes)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("convolution", (2, 5, 1)),
        ("convolution", (5, 4)),
        ("global_pooling", (5, 4)),
        ("pooling", (5,)),
        ("permute", (5, 4)),
        ("prelu", ()),
        ("reshape", (5,)),
        ("zero_padding", (5, 4)),
    ],
)
def test_invalid_shapes(kind, shape):
    assert KINDS[kind](**LAYERS[kind][0]).shape_faults([shape])


def one_node(**parts):
    node = {"layer": DENSE, "inputs": (0,), "weights": (0, 1)}
    return {"input_shape": (4,), "nodes": [node | parts]}


def two_nodes(first=(), second=()):
    node = {"layer": DENSE, "inputs": (0,), "weights": (0, 1)}
    other = {"layer": DENSE, "inputs": (1,), "weights": (2, 3)}
    return {"input_shape": (4,), "nodes": [node | dict(first), other | dict(second)]}


def test_small_net_round_trip():
    assert graph_from_state(one_node()).to_state() == one_node()
    assert graph_from_state(two_nodes()).to_state() == two_nodes()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "its net is of type NoneType, not dict"),
        ({}, "its net has missing or unknown parts: 'input_shape', 'nodes'"),
        (one_node() | {"x": 1}, "its net has missing or unknown parts: 'x'"),
        (one_node() | {"input_shape": [4]}, r"its net has input_shape=\[4\]"),
        (one_node() | {"input_shape": ()}, r"its net has input_shape=\(\)"),
        (one_node() | {"input_shape": (0,)}, r"its net has input_shape=\(0,\)"),
        (one_node() | {"input_shape": (4, 3)}, "its net has outputs of 2 dimensions"),
        (one_node() | {"nodes": ()}, "its net has nodes of type tuple"),
        (one_node() | {"nodes": []}, "its net has no nodes"),
        (one_node() | {"nodes": [1]}, "a node of its net is of type int, not dict"),
        (one_node() | {"nodes": [{}]}, "a node of its net has missing or unknown parts"),
        (one_node(inputs=()), r"its net has a node with inputs=\(\)"),
        (one_node(inputs=[0]), r"its net has a node with inputs=\[0\]"),
        (one_node(inputs=(1,)), r"its net has a node with inputs=\(1,\)"),
        (one_node(inputs=(-1,)), r"its net has a node with inputs=\(-1,\)"),
        (one_node(inputs=(0.0,)), r"its net has a node with inputs=\(0\.0,\)"),
        (one_node(inputs=(False,)), r"its net has a node with inputs=\(False,\)"),
        (one_node(inputs=(0, 0)), "its net has a dense layer with 2 inputs"),
        (two_nodes({}, {"inputs": (2,)}), r"its net has a node with inputs=\(2,\)"),
        (one_node(weights=(0,)), "its net has a dense layer with 1 weights"),
        (one_node(weights=(-2, -1)), r"its net has a node with weights=\(-2, -1\)"),
        (one_node(weights=(1, 2)), "its net doesn't use weight 0"),
        (one_node(weights=(0, 0)), "its net uses weight 0 in two shapes"),
        (one_node(weights=[0, 1]), r"its net has a node with weights=\[0, 1\]"),
        (two_nodes({}, {"weights": (0, 1)}), "its net uses weight 0 in two shapes"),
        (one_node(layer=None), "its net has a layer that is not a dict with a kind"),
        (one_node(layer={}), "its net has a layer that is not a dict with a kind"),
        (one_node(layer={"kind": "dance"}), "its net has a layer of kind 'dance'"),
        (
            one_node(layer={"kind": "identity"}, weights=()),
            "the last layer of its net is of kind 'identity', not 'dense'",
        ),
        (
            two_nodes({"layer": CONVOLUTION}),
            "its net has a convolution layer with inputs of shapes",
        ),
    ],
)
def test_invalid_states(state, message):
    with pytest.raises(ValueError, match=message):
        graph_from_state(state)
