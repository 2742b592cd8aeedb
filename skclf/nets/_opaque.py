"""`OpaqueNet`: a net with a body that the user wrote in Keras, and an output layer.

Only its shapes and the function that makes the body are stored here. If all its layers are known,
a `GraphNet` inside computes predictions; otherwise Keras does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse as scipy_sparse

from skclf.nets._dense import Dense
from skclf.nets._graph import GraphNet
from skclf.nets._graph_state import graph_from_state
from skclf.nets._layer import Shape, are_sizes, is_size

if TYPE_CHECKING:
    import keras

_PARTS = ("input_shape", "n_outputs", "head", "sparse", "weights", "n_generators", "n_ids", "graph")
_DTYPE_KINDS = "biuf"


@dataclass(frozen=True, eq=False)
class OpaqueNet:
    """The shapes and the body of a net that the user wrote, without its weights.

    Parameters
    ----------
    input_shape : tuple of int
        The shape of one row.
    n_outputs : int
    head : str
        Activation of the output layer.
    sparse : bool
        Whether the training rows are sparse.
    make_body : callable or None
        Takes a `keras.KerasTensor` and returns another one. None while a net is read from a file.
    weights : tuple of (tuple of int, str)
        Shape and type of each weight, in the order of Keras's ``get_weights()``.
    n_generators : int
        Number of random generators in its Keras layers.
    n_ids : int or None
        Number of ids of the embedding that takes the rows; None if there is no such layer.
    graph : GraphNet or None
        The same net for NumPy and ONNX; None if a layer isn't known.
    """

    input_shape: Shape
    n_outputs: int
    head: str
    sparse: bool = False
    make_body: Callable[[Any], keras.KerasTensor] | None = None
    weights: tuple[tuple[Shape, str], ...] = ()
    n_generators: int = 0
    n_ids: int | None = None
    graph: GraphNet | None = None

    @property
    def output_layer(self) -> Dense:
        """The last layer."""
        return Dense(self.n_outputs, self.head)

    @property
    def is_known(self) -> bool:
        """Whether NumPy and ONNX can compute the net; otherwise only Keras can."""
        return self.graph is not None

    @property
    def takes_images(self) -> bool:
        """Whether a row has more than one dimension."""
        return len(self.input_shape) > 1

    def shaped(self, X: Any) -> Any:
        """Bring flattened rows into the shape that the body takes."""
        return X.reshape(-1, *self.input_shape) if self.takes_images else X

    def check_rows(self, X: Any) -> None:
        """Raise a ValueError if an embedding takes the rows and they aren't ids that it has."""
        if self.n_ids is None:
            return
        # The zeros of sparse rows are the id 0, which every embedding has.
        ids = X.data if scipy_sparse.issparse(X) else X
        if not ids.size:
            return
        for id_ in (ids.min(), ids.max()):
            if not 0 <= id_ < self.n_ids:
                raise ValueError(
                    f"Got {id_:.15g} in X; expected ids from 0 to {self.n_ids - 1}, which is what "
                    "the network's Embedding has. Give it a larger input_dim, or leave out rarer "
                    "ids."
                )
        if (ids != np.floor(ids)).any():
            raise ValueError(
                "Got numbers that are not whole in X; expected ids, since the network passes X to "
                "an Embedding. Don't scale them."
            )

    def weight_shapes(self) -> list[Shape]:
        """Shapes of the weights."""
        return [shape for shape, _ in self.weights]

    def weight_dtypes(self) -> list[np.dtype[Any]]:
        """Types of the weights."""
        return [np.dtype(dtype) for _, dtype in self.weights]

    def logits(self, weights: list[np.ndarray], X: Any) -> np.ndarray:
        """Compute the output before the activation of the output layer, if the net is known."""
        assert self.graph is not None
        if scipy_sparse.issparse(X) and not self.sparse:
            X = X.toarray()  # only a net that was trained on sparse rows begins with a product
        return self.graph.logits(weights, X)

    def add_to(self, graph: Any, weights: list[np.ndarray]) -> None:
        """Add the ONNX nodes from rows to logits to a graph, if the net is known."""
        assert self.graph is not None
        self.graph.add_to(graph, weights)

    def with_body(self, make_body: Callable[[Any], Any] | None) -> OpaqueNet:
        """The same net with another function that makes its body."""
        return replace(self, make_body=make_body)

    def to_state(self) -> dict[str, Any]:
        """The net as plain values, for a file, without the function that makes its body."""
        state = {name: getattr(self, name) for name in _PARTS}
        return state | {"graph": None if self.graph is None else self.graph.to_state()}


def opaque_net_from_state(state: dict[str, Any]) -> OpaqueNet:
    """Make a net from the result of `OpaqueNet.to_state`.

    Raises
    ------
    ValueError
        If the state is wrong. The message is half a sentence, which `_saved` completes.
    """
    if state.keys() != set(_PARTS):
        strange = ", ".join(map(repr, state.keys() ^ set(_PARTS)))
        raise ValueError(f"its net has missing or unknown parts: {strange}")
    for name, right in (
        ("input_shape", are_sizes(state["input_shape"]) and state["input_shape"]),
        ("n_outputs", is_size(state["n_outputs"])),
        ("head", state["head"] in ("sigmoid", "softmax")),
        ("sparse", isinstance(state["sparse"], bool)),
        ("weights", _are_weights(state["weights"])),
        ("n_generators", state["n_generators"] == 0 or is_size(state["n_generators"])),
        ("n_ids", state["n_ids"] is None or is_size(state["n_ids"])),
    ):
        if not right:
            raise ValueError(f"its net has {name}={state[name]!r}")
    graph = None if state["graph"] is None else graph_from_state(state["graph"])
    if graph is not None:
        if graph.input_shape != state["input_shape"] or graph.n_outputs != state["n_outputs"]:
            raise ValueError("its net and the graph of its layers differ in their shapes")
        shapes = [shape for shape, _ in state["weights"]]
        if graph.weight_shapes() != shapes:
            raise ValueError(
                f"its net has weights of the shapes {shapes}, not {graph.weight_shapes()}"
            )
    return OpaqueNet(**{**state, "graph": graph})


def _are_weights(value):
    return isinstance(value, tuple) and all(
        isinstance(each, tuple)
        and len(each) == 2
        and isinstance(each[0], tuple)
        and (not each[0] or are_sizes(each[0]))
        and isinstance(each[1], str)
        and _is_number_type(each[1])
        for each in value
    )


def _is_number_type(name):
    try:
        return np.dtype(name).kind in _DTYPE_KINDS
    except TypeError:
        return False
