"""Makes a `GraphNet` from a functional Keras model, if all its layers are known.

A net made here must predict exactly what Keras predicts, so anything that isn't recognized for
certain gives None, and Keras predicts then. Private attributes of Keras are read in `_keras_graph`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skclf.nets._body import (
    KINDS,
    BatchNormalization,
    BodyDense,
    BodyLayer,
    Embedding,
    Identity,
    MaskedAverage,
)
from skclf.nets._graph import GraphNet, Node
from skclf.nets._keras_graph import Call, calls_of, is_model, operation_name
from skclf.nets._keras_operations import layer_of_operation
from skclf.nets._layer import Shape, are_sizes

if TYPE_CHECKING:
    import keras


def graph_of(model: keras.Model) -> GraphNet | None:
    """Make a net that computes what a Keras model predicts, or return None if that isn't possible.

    Parameters
    ----------
    model : keras.Model
        A functional model with one input and one output, whose last layer is a
        `keras.layers.Dense`.

    Returns
    -------
    GraphNet or None
        None if the model has layers that the user wrote, subclasses of Keras's layers, options
        that aren't implemented here, dtypes other than float32, masks other than those for an
        average over steps, or weights that the output doesn't depend on.
    """
    calls = calls_of(model)
    if not calls or model.inputs[0].dtype != "float32":
        return None
    batch, *shape = model.inputs[0].shape
    if batch is not None or not are_sizes(tuple(shape)) or not shape:
        return None
    reader = _Reader(tuple(shape), model)
    if reader.read(model, calls, 0) is None:
        return None
    net = GraphNet(tuple(shape), tuple(reader.nodes))
    used = {position for node in net.nodes for position in node.weights}
    is_whole = used == set(range(len(model.weights)))
    ends_right = isinstance(net.nodes[-1].layer, BodyDense) and len(reader.shapes[-1]) == 1
    return net if is_whole and ends_right else None


class _Reader:
    """Reads the calls of a Keras model, and collects the nodes of a net.

    Attributes
    ----------
    nodes : list of Node
    shapes : list of tuple
        The shapes of the rows and of the output of each node.
    """

    def __init__(self, shape: Shape, model: keras.Model) -> None:
        self.nodes: list[Node] = []
        self.shapes = [shape]
        # Keras tensors and variables by `id`, since `==` of them is elementwise.
        self._numbers: dict[int, int] = {}
        self._positions = {id(weight): k for k, weight in enumerate(model.weights)}
        # For each tensor that is a mask: the number of the ids from which it was computed.
        self._ids_of_masks: dict[int, int] = {}
        self._has_masks = False

    def read(self, model: keras.Model, calls: list[Call], number: int) -> int | None:
        """Read a model whose input is the value with a given number; return its output's number.

        For a model inside another one, the same tensors may occur in both, so they are numbered
        separately.
        """
        outside, self._numbers = self._numbers, {id(model.inputs[0]): number}
        is_known = all(map(self._read_call, calls))
        found = self._numbers.get(id(model.outputs[0])) if is_known else None
        self._numbers = outside
        return found

    def _read_call(self, call: Call) -> bool:
        if self._read_mask(call):
            return True
        read = self._read_model if is_model(call.operation) else self._read_layer
        number = read(call)
        if number is None or call.output.dtype != "float32":
            return False
        self._numbers[id(call.output)] = number
        # The lengths may be open in a model inside the model.
        lengths = zip(call.output.shape[1:], self.shapes[number], strict=False)
        has_rank = len(call.output.shape) == len(self.shapes[number]) + 1
        return has_rank and all(length in (None, found) for length, found in lengths)

    def _read_mask(self, call: Call) -> bool:
        """Whether a call computes the mask of an Embedding: ids that aren't 0."""
        is_comparison = operation_name(call.operation) == "NotEqual" and len(call.args) == 2
        if not is_comparison or type(call.args[1]) is not int or call.args[1] != 0:
            return False
        inputs = self._numbers_of([call.args[0]])
        if inputs is None:
            return False
        self._ids_of_masks[id(call.output)] = inputs[0]
        return True

    def _read_model(self, call: Call) -> int | None:
        """Read a model inside a model; return the number of its output."""
        calls, inputs = calls_of(call.operation), self._numbers_of(_tensors(call))
        if calls is None or inputs is None or len(inputs) != 1 or _has_mask(call):
            return None
        inner = call.operation.inputs[0]
        # Otherwise Keras would cast the value, or drop or add an axis.
        if inner.dtype != "float32" or len(inner.shape) != len(self.shapes[inputs[0]]) + 1:
            return None
        number = self.read(call.operation, calls, inputs[0])
        # Masks also pass into and out of a model, which its graph doesn't show.
        return None if self._has_masks else number

    def _read_layer(self, call: Call) -> int | None:
        """Read a call of a layer or an operation; return the number of its output."""
        found = self._layer_of_keras(call) or self._layer_of_operation(call)
        if found is None:
            return None
        layer, inputs = found
        shapes = [self.shapes[k] for k in inputs]
        weights = self._weights(call.operation, layer, shapes)
        if weights is None:
            return None
        self.nodes.append(Node(layer, inputs, weights))
        self.shapes.append(layer.output_shape(shapes))
        return len(self.nodes)

    def _layer_of_keras(self, call: Call) -> tuple[BodyLayer, tuple[int, ...]] | None:
        inputs, kind = self._numbers_of(_tensors(call)), _kind_of(call.operation)
        if not inputs or kind is None:
            return None
        if _has_mask(call):
            kind, inputs = self._with_mask(kind, inputs, call)
        elif self._has_masks and kind is Identity and not call.operation.supports_masking:
            return None  # it returns its input tensor, to which Keras has attached the mask
        self._has_masks |= kind is Embedding and call.operation.mask_zero
        if kind is None:
            return None
        layer = kind.from_keras(call.operation, [self.shapes[k] for k in inputs])
        return None if layer is None else (layer, inputs)

    def _with_mask(
        self, kind: type[BodyLayer], inputs: tuple[int, ...], call: Call
    ) -> tuple[type[BodyLayer] | None, tuple[int, ...]]:
        """The kind and the inputs of a layer that is called with a mask; kind None if unknown."""
        ids = self._ids_of_masks.get(id(call.kwargs["mask"]))
        if ids is not None and type(call.operation).__name__ == "GlobalAveragePooling1D":
            return MaskedAverage, (*inputs, ids)
        # Batch normalization uses its mask in training only.
        return (kind if kind is BatchNormalization else None), inputs

    def _layer_of_operation(self, call: Call) -> tuple[BodyLayer, tuple[int, ...]] | None:
        name = operation_name(call.operation)
        if name is None or call.kwargs:
            return None
        found = layer_of_operation(name, call.operation, call.args)
        inputs = None if found is None else self._numbers_of(found[1])
        return None if found is None or inputs is None else (found[0], inputs)

    def _numbers_of(self, tensors: list[Any]) -> tuple[int, ...] | None:
        numbers = [self._numbers.get(id(tensor)) for tensor in tensors]
        return None if None in numbers else tuple(numbers)  # type: ignore[arg-type]

    def _weights(
        self, keras_layer: Any, layer: BodyLayer, shapes: list[Shape]
    ) -> tuple[int, ...] | None:
        """Positions of a layer's weights; None if names, shapes or dtypes aren't as expected."""
        if layer.shape_faults(shapes):
            return None
        variables = getattr(keras_layer, "weights", [])
        found = [(variable.name, tuple(variable.shape)) for variable in variables]
        expected = list(zip(layer.weight_names(), layer.weight_shapes(shapes), strict=True))
        floats = [each.dtype for each in variables if each.name not in layer.whole_weights]
        if found != expected or any(dtype != "float32" for dtype in floats):
            return None
        positions = [self._positions.get(id(variable)) for variable in variables]
        return None if None in positions else tuple(positions)  # type: ignore[arg-type]


def _tensors(call: Call) -> list[Any]:
    """The tensors that a layer or a model is called with; empty if it has other arguments.

    ``mask`` and ``training`` don't count: masks are handled elsewhere, and a model that predicts
    overrides ``training`` in all its layers.
    """
    others = [value for name, value in call.kwargs.items() if name not in ("mask", "training")]
    if len(call.args) != 1 or any(value is not None for value in others):
        return []
    return list(call.args[0]) if isinstance(call.args[0], list | tuple) else [call.args[0]]


def _has_mask(call: Call) -> bool:
    return call.kwargs.get("mask") is not None


def _kind_of(layer: Any) -> type[BodyLayer] | None:
    """The kind of a Keras layer; None if it is unknown or this one was modified."""
    import keras

    for kind in KINDS.values():
        for name in kind.keras_names:
            # Exactly this class, since a subclass may compute something else.
            if type(layer) is getattr(keras.layers, name, None):
                return kind if _is_plain(layer) else None
    return None


def _is_plain(layer: keras.Layer) -> bool:
    """Whether a layer computes in float32, with its class's `call` and without LoRA."""
    has_own_call = "call" in vars(layer)
    return layer.dtype_policy.name == "float32" and not (
        has_own_call or getattr(layer, "lora_enabled", False)
    )
