"""Nets of dense layers with open sizes: compiled once, then trained with any sizes.

The compiled programs depend on the kinds of the layers, their number and activations, the loss, the
optimizer and the metrics. The numbers of features, units and outputs, the rates of dropout and the
factors of penalties are values of variables, so a search over them compiles nothing after its first
fit. Variables of Keras have fixed shapes, but those of TensorFlow needn't have, so an `OpenNet` is
not a Keras model. Its results are the same, bit by bit, as those of a `Net`.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from skclf.engine._arrays import tensors_of
from skclf.engine._fit import fit_by_epochs
from skclf.engine._fused import is_large
from skclf.engine._open_optimizer import OpenOptimizer
from skclf.engine._program import FEW_WEIGHTS, Programs, weighed_by_class
from skclf.engine._sparse import SparseProduct
from skclf.engine._variables import OpenVariable, OpenVariables, assign, by_value


class OpenDense(NamedTuple):
    """A dense layer of open size.

    Attributes
    ----------
    activation : str
        Keras's name.
    regularizers : tuple of str
        Names of classes in `keras.regularizers`: the penalties on the kernel.
    """

    activation: str
    regularizers: tuple[str, ...] = ()


class OpenDropout(NamedTuple):
    """Dropout with an open rate."""


class OpenKind(NamedTuple):
    """What the compiled programs depend on: nets of the same kind share them.

    Attributes
    ----------
    layers : tuple of OpenDense and OpenDropout
        The last one is the output layer.
    is_sparse : bool
        Whether the rows are sparse.
    has_few_weights : bool
        Whether one thread is faster than several.
    are_apart : tuple of bool
        For each kernel and bias, whether it is a variable of its own; the others share one.
    are_large : tuple of bool
        For the shared variable and then for each separate one, whether several threads update it
        faster than one.
    """

    layers: tuple[OpenDense | OpenDropout, ...]
    is_sparse: bool
    has_few_weights: bool
    are_apart: tuple[bool, ...]
    are_large: tuple[bool, ...]


def open_kind(layers, shapes, is_sparse, optimizer_class):
    """The kind of a net.

    Parameters
    ----------
    layers : tuple of OpenDense and OpenDropout
    shapes : list of tuple of int
        Shapes of the kernels and biases, in the order of the layers.
    is_sparse : bool
    optimizer_class : type

    Returns
    -------
    OpenKind
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    # Kernels only. SciPy multiplies sparse rows, so the first kernel doesn't count for them.
    n_weights = sum(sizes[2 if is_sparse else 0 :: 2])
    # Splitting the shared variable copies its parts. For a large kernel this takes longer than one
    # more operation. SciPy takes the first kernel of sparse rows as it is.
    are_apart = tuple(
        len(shape) == 2 and (is_large(size) or (is_sparse and place == 0))
        for place, (shape, size) in enumerate(zip(shapes, sizes, strict=True))
    )
    together = sum(size for size, is_apart in zip(sizes, are_apart, strict=True) if not is_apart)
    apart = [size for size, is_apart in zip(sizes, are_apart, strict=True) if is_apart]
    # Only Adam has different updates for small and large variables.
    differ = optimizer_class is keras.optimizers.Adam
    are_large = tuple(differ and is_large(size) for size in (together, *apart))
    return OpenKind(layers, is_sparse, n_weights < FEW_WEIGHTS, are_apart, are_large)


class OpenNet:
    """Trains nets of one kind; has the attributes and methods of `Net` that its users need.

    Parameters
    ----------
    kind : OpenKind
    optimizer : keras.optimizers.Optimizer
        Unbuilt, of a class that `OpenOptimizer` can replace.
    loss : str
        Keras's name of a cross-entropy.
    metrics : list of keras.metrics.Metric
        Means over rows: the shapes of their variables must not depend on the net's sizes.
    """

    name = "skclf_net"
    has_open_sizes = True
    metrics_add_up = True
    own_loss = None
    # SciKeras reads these three and the loss.
    compiled = True
    outputs = (None,)
    output_shape = (None, None)

    def __init__(self, kind, optimizer, loss, metrics):
        self.loss = self.target_loss = loss
        dense_layers = [layer for layer in kind.layers if isinstance(layer, OpenDense)]
        ranks = [rank for _ in dense_layers for rank in (2, 1)]
        self._store = OpenVariables(ranks, kind.are_apart)
        self.weights = self._store.variables
        self.optimizer = OpenOptimizer(optimizer, self._store, kind.are_large)
        # Weights by class, or by negatives and positives of each label. A program is compiled for
        # one of the two ranks.
        self._class_weights = {rank: OpenVariable(rank) for rank in (1, 2)}
        self.class_weight = None
        self._metrics = metrics
        self.order_seed = 0
        self.stop_training = False
        self.history = None
        self._forward = OpenForward(kind, self.weights)
        self._programs = Programs(self, self._forward)

    @property
    def trainable_variables(self):
        """All weights."""
        return self.weights

    @property
    def dropout_states(self):
        """The variables that hold the states of the layers' random generators."""
        return [generator.state for generator in self._forward.generators]

    def begin(
        self,
        weights,
        dropout_states,
        *,
        order_seed,
        class_weight=None,
        learning_rate=None,
        announces=False,
        rates=(),
        factors=(),
    ):
        """Prepare for a fit, like `Net.begin`; also set the sizes, rates and factors.

        Parameters
        ----------
        rates : sequence of float
            Rates of the dropout layers.
        factors : sequence of float
            Factors of the penalties.
        """
        self.order_seed = order_seed
        self._store.begin(weights)
        assign(self.dropout_states, dropout_states)
        self._forward.begin(weights, rates, factors)
        self.optimizer.reset(learning_rate)
        self.class_weight = None
        if class_weight is not None:
            self.class_weight = self._class_weights[class_weight.ndim].value
            assign([self.class_weight], [class_weight])

    def is_unchanged(self):
        """Whether it can be reused: always, since callbacks that users write never get it."""
        return True

    def final_weights(self):
        """Values of the weights that training would return if it ended now."""
        return [by_value(variable) for variable in self.weights]

    def own_random_numbers(self):
        """Empty context, since nothing here draws from Keras's global generator."""
        return nullcontext()

    def with_class_weight(self, y, sample_weight):
        """Weights in the training loss, of shape (n_rows,) or (n_rows, n_labels), or None."""
        return weighed_by_class(self.class_weight, self.target_loss, y, sample_weight)

    @property
    def losses(self):
        """The penalties, in a graph."""
        return self._forward.penalties()

    def reset_metrics(self):
        """Reset the metrics at the start of an epoch, in a graph."""
        for metric in self._metrics:
            metric.reset_state()

    def compute_metrics(self, x, y, y_pred, sample_weight):
        """Update the metrics with rows and return their values, in a graph."""
        for metric in self._metrics:
            metric.update_state(y, y_pred, sample_weight)
        return {metric.name: metric.result() for metric in self._metrics}

    def fit(
        self,
        x,
        y,
        *,
        batch_size,
        epochs=1,
        initial_epoch=0,
        sample_weight=None,
        validation_data=None,
        callbacks=None,
        **options,
    ):
        """Train like `Net.fit`, with callbacks that are called once an epoch."""
        return fit_by_epochs(
            self,
            lambda: self._programs,
            tensors_of(x, y, sample_weight),
            None if validation_data is None else tensors_of(*validation_data),
            batch_size,
            range(initial_epoch, epochs),
            callbacks,
        )


class OpenForward:
    """The forward pass of an `OpenNet`: from a batch of rows to logits, in a graph.

    Parameters
    ----------
    kind : OpenKind
    weights : list of OpenVariable and PackedPart

    Attributes
    ----------
    generators : list of keras.random.SeedGenerator
        One for each dropout layer.
    """

    adds_up = True

    def __init__(self, kind, weights):
        self._kind = kind
        self._first_kernel, self._last_kernel = weights[0], weights[-2]
        self.sparse_product = SparseProduct(None, None) if kind.is_sparse else None
        self.head = keras.activations.get(kind.layers[-1].activation)
        self.generators, self._rates, self._factors, self._layers = [], [], [], []
        left = iter(weights)
        for layer in kind.layers:
            if isinstance(layer, OpenDropout):
                self.generators.append(keras.random.SeedGenerator(0))
                # The rate, and the factor 1 / (1 - rate) for kept values. `begin` computes it in
                # float64, as Keras does, so that the bits are the same.
                self._rates.append(tf.Variable([0.0, 1.0], trainable=False))
                self._layers.append((_dropped, self._rates[-1], self.generators[-1]))
            else:
                kernel, bias = next(left), next(left)
                self._layers.append((keras.activations.get(layer.activation), kernel, bias))
                for name in layer.regularizers:
                    factor = tf.Variable(0.0, trainable=False)
                    # A penalty with factor 1, which `penalties` multiplies by the variable.
                    regularizer = getattr(keras.regularizers, name)(1.0)
                    self._factors.append((factor, regularizer, kernel))
        self.widest = 1  # set by `begin`

    def begin(self, weights, rates, factors):
        """Set the sizes, rates and factors of a fit."""
        self.widest = max(bias.size for bias in weights[1::2])
        assign(self._rates, [[rate, 1 / (1 - rate)] for rate in rates])
        assign([factor for factor, _, _ in self._factors], factors)

    def is_small(self, few_weights):
        """Whether each operation of a step takes only microseconds."""
        return self._kind.has_few_weights

    def net_input(self, X):
        """The dense rows of a batch, or the product of its sparse rows and the first kernel."""
        if self.sparse_product is None:
            return X
        return self.sparse_product(X, self._first_kernel.value)

    def add_sparse_gradient(self, variables, gradients, upstream):
        """Add the gradient of the first kernel from SciPy's product."""
        # The tape can't see that product, so the gradient so far has only the penalty, if any.
        of_product, of_penalty = self.sparse_product.gradient(upstream), gradients[0]
        gradients[0] = of_product if of_penalty is None else of_product + of_penalty

    def logits(self, X, training):
        """Values of the output layer before its activation."""
        values = X
        for activation, *variables in self._layers:
            if activation is _dropped:
                values = _dropped(values, *variables) if training else values
                continue
            kernel, bias = variables
            if self.sparse_product is None or kernel is not self._first_kernel:
                values = tf.matmul(values, kernel.value)
            values = tf.nn.bias_add(values, bias.value)
            if kernel is not self._last_kernel:
                values = activation(values)
        return values

    def penalties(self):
        """The penalties on the kernels, one for each kind of penalty."""
        return [factor * penalty(kernel.value) for factor, penalty, kernel in self._factors]


def _dropped(values, rate_and_scale, generator):
    """Apply dropout with a variable rate, bit for bit as `keras.layers.Dropout` does."""
    # Keras converts its uint32 seeds to TensorFlow's int32 seeds in this way.
    seed = tf.cast(tf.math.floormod(generator.next(), tf.int32.max - 1), tf.int32)
    rate, scale = tf.unstack(rate_and_scale)
    is_kept = tf.random.stateless_uniform(tf.shape(values), seed) >= rate
    return tf.where(is_kept, values * scale, 0.0)
