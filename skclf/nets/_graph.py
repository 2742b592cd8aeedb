"""`GraphNet`: a graph of layers that NumPy and ONNX can compute, such as a user's Keras model.

The layers are in `_body/`. `_graph_of_keras` makes such a net from a Keras model, and
`_graph_state` from a file; neither Keras nor files occur here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, cast

import numpy as np
from scipy import sparse

from skclf.nets._body import BodyDense, BodyLayer
from skclf.nets._chunks import for_chunks
from skclf.nets._layer import Shape
from skclf.nets._products import is_small

# Values of a layer to compute at a time, including the windows of a convolution: few enough to take
# at most 16 MB, and enough that BLAS is called rarely, since each call waits for all its threads.
_VALUES_PER_CHUNK = 1 << 21
# More for CSR rows, of which only the values of hidden layers are dense.
_SPARSE_VALUES_PER_CHUNK = 1 << 22


@dataclass(frozen=True)
class Node:
    """One use of a layer.

    Parameters
    ----------
    layer : BodyLayer
    inputs : tuple of int
        0 stands for the rows, and k for the output of the k-th node, counted from 1.
    weights : tuple of int
        Positions in the net's list of weights. Nodes that use the same layer share them.
    """

    layer: BodyLayer
    inputs: tuple[int, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True)
class GraphNet:
    """The architecture of a net, without its weights; hashable.

    Parameters
    ----------
    input_shape : tuple of int
        The shape of one row: ``(n_features,)``, ``(height, width, channels)`` or any other.
    nodes : tuple of Node
        In topological order. The last one is the output layer, a `BodyDense`.
    """

    input_shape: Shape
    nodes: tuple[Node, ...]

    @property
    def n_outputs(self) -> int:
        """Number of logits."""
        return self.output_layer.units

    @property
    def output_layer(self) -> BodyDense:
        """The last layer."""
        return cast(BodyDense, self.nodes[-1].layer)

    @property
    def takes_images(self) -> bool:
        """Whether a row has more than one dimension."""
        return len(self.input_shape) > 1

    @property
    def unknown_layers(self) -> list[Any]:
        """Layers that only Keras can compute: none, since a graph has only known layers."""
        return []

    def weight_shapes(self) -> list[Shape]:
        """Shapes of the weights, in the order of Keras's own ``get_weights()``."""
        shapes: dict[int, Shape] = {}
        for node, inputs in self._with_shapes():
            shapes |= dict(zip(node.weights, node.layer.weight_shapes(inputs), strict=True))
        return [shapes[position] for position in sorted(shapes)]

    def logits(self, weights: list[np.ndarray], X: Any) -> np.ndarray:
        """Compute the output before the activation of the output layer, with NumPy and SciPy.

        Float64 rows are computed in float64, so that the other rows of a call affect a row's logits
        in the last bits at most; float32 rows are computed in float32.

        Parameters
        ----------
        weights : list of ndarray
        X : {ndarray, CSR} of shape (n_rows, n_values), dtype float32 or float64
            Flattened rows; they are not changed.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs), dtype float64
        """
        steps = [
            (node, _of_dtype(node.layer, [weights[k] for k in node.weights], X.dtype), done)
            for node, done in zip(self.nodes, self._last_uses(), strict=True)
        ]
        stays_sparse = sparse.issparse(X) and self._takes_sparse()
        out = np.empty((X.shape[0], self.n_outputs))

        def compute(rows: Any, place: slice) -> None:
            if sparse.issparse(rows) and not stays_sparse:
                rows = rows.toarray()
            if self.takes_images:
                rows = rows.reshape(-1, *self.input_shape)
            out[place] = _forward(steps, rows)

        # With large weights, BLAS uses its own threads for each product.
        in_threads = self.takes_images and all(map(is_small, weights))
        for_chunks(compute, X, self._rows_per_chunk(stays_sparse), in_threads)
        return out

    def add_to(self, graph: Any, weights: list[np.ndarray]) -> None:
        """Add the ONNX nodes from rows to logits to a graph."""
        if self.takes_images:
            # In ONNX, 0 means that the length of an axis stays: here the number of rows.
            graph.add("Reshape", graph.last, np.array([0, *self.input_shape]))
        names = [graph.last]
        for number, (node, shapes) in enumerate(self._with_shapes(), start=1):
            # Without the activation of the output layer, since `onnx` needs the logits.
            is_last = number == len(self.nodes)
            layer = replace(self.output_layer, activation="linear") if is_last else node.layer
            inputs = [names[k] for k in node.inputs]
            graph.last = inputs[0]
            layer.add_to(graph, [weights[k] for k in node.weights], inputs, shapes)
            names.append(graph.last)

    def to_state(self) -> dict[str, Any]:
        """The net as plain values, for a file."""
        return {
            "input_shape": self.input_shape,
            "nodes": [
                {"layer": node.layer.to_state(), "inputs": node.inputs, "weights": node.weights}
                for node in self.nodes
            ],
        }

    def _with_shapes(self) -> Iterator[tuple[Node, list[Shape]]]:
        """Yield each node with the shapes of its inputs."""
        shapes = [self.input_shape]
        for node in self.nodes:
            inputs = [shapes[k] for k in node.inputs]
            yield node, inputs
            shapes.append(node.layer.output_shape(inputs))

    def _last_uses(self) -> list[list[int]]:
        """For each node, the values that no later node needs, so that their memory can be freed."""
        last = {k: number for number, node in enumerate(self.nodes) for k in node.inputs}
        uses: list[list[int]] = [[] for _ in self.nodes]
        for k, number in last.items():
            uses[number].append(k)
        return uses

    def _takes_sparse(self) -> bool:
        """Whether all layers that take the rows themselves can take them as sparse ones."""
        sparse_values = {0}
        for number, node in enumerate(self.nodes, start=1):
            if not sparse_values.isdisjoint(node.inputs):
                if not node.layer.takes_sparse:
                    return False
                # A dense layer gives dense values; the others, such as dropout, return their input.
                if not isinstance(node.layer, BodyDense):
                    sparse_values.add(number)
        return not self.takes_images

    def _rows_per_chunk(self, is_sparse: bool) -> int:
        widest = max(node.layer.n_values_at_work(shapes) for node, shapes in self._with_shapes())
        if is_sparse:
            return max(1, _SPARSE_VALUES_PER_CHUNK // widest)
        return max(1, _VALUES_PER_CHUNK // max(widest, prod(self.input_shape)))


def _of_dtype(layer: BodyLayer, weights: list[np.ndarray], dtype: np.dtype) -> list[np.ndarray]:
    # An embedding looks up few of its many vectors, and converts only those.
    if layer.looks_weights_up:
        return weights
    return [weight.astype(dtype, copy=False) for weight in weights]


def _forward(steps: list[tuple[Node, list[np.ndarray], list[int]]], rows: Any) -> np.ndarray:
    """Compute the logits of some rows.

    A step is a node, its weights, and the numbers of the values to drop after it.
    """
    values = {0: rows}
    *hidden, (output, of_output, _) = steps
    for number, (node, of_node, done) in enumerate(hidden, start=1):
        values[number] = node.layer.forward(of_node, [values[k] for k in node.inputs])
        for k in done:
            del values[k]
    return cast(BodyDense, output.layer).logits(of_output, values[output.inputs[0]])
