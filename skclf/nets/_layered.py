"""`LayeredNet`: a sequence of layers, the net of the classifiers with a fixed architecture.

It predicts in NumPy, creates the Keras layers to train, and is written to files and read back. The
kinds of layers are in files of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy import sparse

from skclf.nets._chunks import for_chunks
from skclf.nets._convolution import Convolution
from skclf.nets._dense import Dense
from skclf.nets._dropout import Dropout
from skclf.nets._flatten import Flatten
from skclf.nets._layer import Layer, Shape, are_sizes
from skclf.nets._pooling import MaxPooling
from skclf.nets._products import is_small

if TYPE_CHECKING:
    import keras

KINDS: dict[str, type[Layer]] = {
    layer.kind: layer for layer in (Convolution, Dense, Dropout, Flatten, MaxPooling)
}

# Values of a layer to compute at a time: few enough for the cache, and enough that BLAS is called
# rarely, since each call waits for all its threads.
_VALUES_PER_CHUNK = 1 << 19
# More for CSR rows, of which only the values of hidden layers are dense.
_SPARSE_VALUES_PER_CHUNK = 1 << 22
# More for images, which convolutions divide further.
_IMAGE_VALUES_PER_CHUNK = 1 << 22
_LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class LayeredNet:
    """The architecture of a net, without its weights; hashable.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_features,)``, or ``(height, width, channels)`` of an image.
    layers : tuple of Layer
        In order; the last one is the output layer, a `Dense`.
    sparse : bool
        Whether the training rows are sparse.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    sparse: bool = False

    @property
    def n_outputs(self) -> int:
        """Number of logits."""
        return self.output_layer.units

    @property
    def output_layer(self) -> Dense:
        """The last layer."""
        return cast(Dense, self.layers[-1])

    @property
    def takes_images(self) -> bool:
        """Whether rows are images rather than vectors."""
        return len(self.input_shape) > 1

    @property
    def unknown_layers(self) -> list[Any]:
        """Hidden layers that only Keras can compute."""
        return [layer for layer in self.layers[:-1] if not layer.is_known]

    @property
    def is_known(self) -> bool:
        """Whether NumPy and ONNX can compute the net; otherwise only Keras can."""
        return not self.unknown_layers

    def shaped(self, X: Any) -> Any:
        """Bring flattened rows into the shape that the first layer takes."""
        return X.reshape(-1, *self.input_shape) if self.takes_images else X

    def check_rows(self, X: Any) -> None:
        """Do nothing, since any numbers are allowed."""

    def weight_dtypes(self) -> list[np.dtype[Any]]:
        """Types of the weights, all float32."""
        return [np.dtype(np.float32)] * len(self.weight_shapes())

    @property
    def n_generators(self) -> int:
        """Number of random generators in its Keras layers."""
        return sum(layer.n_generators for layer in self.layers)

    def weight_shapes(self) -> list[Shape]:
        """Shapes of the weights, in the order of Keras's own ``get_weights()``."""
        return [
            shape
            for layer, input_shape in self._with_shapes()
            for shape in layer.weight_shapes(input_shape)
        ]

    def logits(self, weights: list[np.ndarray], X: Any) -> np.ndarray:
        """Compute the output before the activation of the output layer, with NumPy and SciPy.

        Float64 rows are computed in float64, so that the other rows of a call affect a row's logits
        in the last bits at most; float32 rows are computed in float32.

        Parameters
        ----------
        weights : list of ndarray
        X : {ndarray, CSR} of shape (n_rows, n_values), dtype float32 or float64
            Rows; images with their pixels flattened.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs), dtype float64
        """
        weights = [weight.astype(X.dtype, copy=False) for weight in weights]
        hidden = [(layer, pool_size, weights[p]) for layer, pool_size, p in self._hidden_steps]
        of_output = weights[self._places_of_weights[-1]]
        out = np.empty((X.shape[0], self.n_outputs))

        def compute(values: Any, place: slice) -> None:
            values = self.shaped(values)
            for layer, pool_size, of_layer in hidden:
                if pool_size is None:
                    values = layer.forward(of_layer, values)
                else:
                    values = cast(Convolution, layer).forward_and_pool(of_layer, values, pool_size)
            out[place] = self.output_layer.logits(of_output, values)

        in_threads = self.takes_images and all(map(is_small, weights))
        for_chunks(compute, X, self._rows_per_chunk(sparse.issparse(X)), in_threads)
        return out

    def build(self) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Create the Keras layers; return the input and the output tensor.

        Every layer has an explicit name, seed and dtype. So a net depends only on its layers and
        its seed, not on what the process has built before nor on Keras's global settings.
        """
        import keras

        inputs = values = keras.Input(
            shape=self.input_shape,
            dtype="float32",
            sparse=self.sparse,
            name="images" if self.takes_images else "rows",
        )
        for layer, name in zip(self.layers, self._names(), strict=True):
            values = layer.build(name)(values)
        return inputs, values

    def add_to(self, graph: Any, weights: list[np.ndarray]) -> None:
        """Add the ONNX nodes from rows to logits to a graph."""
        if self.takes_images:
            # In ONNX, 0 means that the length of an axis stays: here the number of rows.
            graph.add("Reshape", graph.last, np.array([0, *self.input_shape]))
            graph.add("Transpose", perm=[0, 3, 1, 2])
        shapes = [shape for _, shape in self._with_shapes()]
        *hidden, of_output = [weights[place] for place in self._places_of_weights]
        for layer, of_layer, shape in zip(self.layers, hidden, shapes, strict=False):
            layer.add_to(graph, of_layer, shape)
        Dense(self.n_outputs).add_to(graph, of_output, shapes[-1])

    def to_state(self) -> dict[str, Any]:
        """The net as plain values, for a file."""
        return {
            "input_shape": self.input_shape,
            "layers": [layer.to_state() for layer in self.layers],
            "sparse": self.sparse,
        }

    def _with_shapes(self) -> Iterator[tuple[Layer, Shape]]:
        """Yield each layer with the shape of the rows that enter it."""
        shape = self.input_shape
        for layer in self.layers:
            yield layer, shape
            shape = layer.output_shape(shape)

    # The properties below are cached: computing them all takes as long as predicting one row.
    @cached_property
    def _places_of_weights(self) -> list[slice]:
        places, start = [], 0
        for layer, shape in self._with_shapes():
            end = start + len(layer.weight_shapes(shape))
            places.append(slice(start, end))
            start = end
        return places

    @cached_property
    def _hidden_steps(self) -> list[tuple[Layer, Shape | None, slice]]:
        """Each hidden layer, the size of a pooling that it also computes, and its weights."""
        steps: list[tuple[Layer, Shape | None, slice]] = []
        previous = None
        layers = zip(self._with_shapes(), self._places_of_weights, strict=True)
        for (layer, shape), place in list(layers)[:-1]:
            if _pools_after(previous, layer, shape):
                convolution, _, of_convolution = steps.pop()
                steps.append((convolution, cast(MaxPooling, layer).pool_size, of_convolution))
            else:
                steps.append((layer, None, place))
            previous = layer
        return steps

    @cached_property
    def _widest(self) -> int:
        return max(prod(layer.output_shape(shape)) for layer, shape in self._with_shapes())

    def _names(self) -> list[str]:
        counts: dict[str, int] = {}
        names = []
        for layer in self.layers[:-1]:
            counts[layer.kind] = counts.get(layer.kind, 0) + 1
            names.append(layer.name(counts[layer.kind]))
        return [*names, "output"]

    def _rows_per_chunk(self, is_sparse: bool) -> int:
        widest = self._widest
        if self.takes_images:
            most = _IMAGE_VALUES_PER_CHUNK
        elif is_sparse:
            most = _SPARSE_VALUES_PER_CHUNK
        else:
            widest, most = max(widest, self.input_shape[0]), _VALUES_PER_CHUNK
        return max(1, most // widest)


def _pools_after(layer: Layer | None, pooling: Layer, shape: Shape) -> bool:
    """Whether a layer can also compute the pooling layer that follows it."""
    return (
        isinstance(layer, Convolution)
        and isinstance(pooling, MaxPooling)
        and layer.can_pool(shape, pooling.pool_size)
    )


def net_from_state(state: object) -> LayeredNet:
    """Make a net from the result of `LayeredNet.to_state`.

    Raises
    ------
    ValueError
        If the state is wrong. The message is half a sentence, which `_saved` completes.
    """
    if not isinstance(state, dict):
        raise ValueError(f"its net is of type {type(state).__name__}, not dict")
    known = {field.name for field in fields(LayeredNet)}
    if state.keys() != known:
        strange = ", ".join(map(repr, state.keys() ^ known))
        raise ValueError(f"its net has missing or unknown parts: {strange}")
    if not are_sizes(state["input_shape"]) or len(state["input_shape"]) not in (1, 3):
        raise ValueError(f"its net has input_shape={state['input_shape']!r}")
    if not isinstance(state["sparse"], bool):
        raise ValueError(f"its net has sparse={state['sparse']!r}")
    if not isinstance(state["layers"], list):
        raise ValueError(f"its net has layers of type {type(state['layers']).__name__}, not list")
    if not state["layers"]:
        raise ValueError("its net has no layers")
    layers = tuple(map(_layer_from_state, state["layers"]))
    net = LayeredNet(state["input_shape"], layers, state["sparse"])
    if not isinstance(layers[-1], Dense):
        raise ValueError(f"the last layer of its net is of kind {layers[-1].kind!r}, not 'dense'")
    _check_ranks(net)
    return net


def _layer_from_state(state: object) -> Layer:
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


def _check_ranks(net: LayeredNet) -> None:
    """Raise a ValueError if a layer for images gets vectors, or the other way round."""
    rank = len(net.input_shape)
    for layer in net.layers:
        needed = layer.input_rank
        if needed not in (None, rank):
            raise ValueError(f"its net has a {layer.kind} layer on rows of {rank} dimensions")
        rank = 1 if isinstance(layer, Flatten) else rank


def initial_weights(shapes: list[Shape], seed: int) -> list[np.ndarray]:
    """Draw kernels from Glorot's uniform distribution, and set biases to 0.

    The distribution is that of `keras.initializers.GlorotUniform` [1]_. NumPy draws from it in a
    hundredth of the time, and draws the same numbers with each version of Keras.

    Parameters
    ----------
    shapes : sequence of tuple
        Shapes of kernels, ``(..., fan in, fan out)``, and of biases, ``(units,)``.
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


def initial_generator_states(count: int, seed: int) -> list[np.ndarray]:
    """Initial states of a number of random generators, in the form of Keras's `SeedGenerator`."""
    drawn = np.random.RandomState(seed).randint(_LARGEST_SEED, size=count)
    return [np.array([start, 0], dtype=np.uint32) for start in drawn]
