"""From a batch of rows to logits, in a graph.

A net of skclf's own layers is run layer by layer, without the checks and conversions that Keras
makes at each call, which leaves fewer operations. The user's own bodies are run as Keras runs them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import keras
import numpy as np
import tensorflow as tf

from skclf.engine._fused_layers import fused, fusible
from skclf.engine._sparse import SparseProduct

# Layers whose operations take microseconds where they have few weights.
_SMALL_LAYERS = {
    "Activation",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "InputLayer",
    "LayerNormalization",
    "LeakyReLU",
    "Multiply",
    "ReLU",
}


def forward_of(net):
    """The forward pass of a `Net`."""
    return BodyForward(net) if net.is_body else LayersForward(net)


class Forward(ABC):
    """Computes the logits of a net.

    Parameters
    ----------
    net : Net

    Attributes
    ----------
    output_layer : keras.layers.Dense
    head : callable
        Activation of the output layer.
    sparse_product : SparseProduct or None
        Of sparse rows with the kernel of the first layer.
    widest : int
        Most values of a row that one layer gives.
    adds_up : bool
        Whether the penalties are the same for each batch, whatever its size.
    """

    def __init__(self, net):
        self._net = net
        self.output_layer = net.layers[-1]
        self.head = self.output_layer.activation
        self.sparse_product = self._first_layer = None
        layers = [layer for layer in net.layers if hasattr(layer, "output")]
        if net.inputs[0].sparse:
            self._first_layer = self._first_dense_layer()
            self.sparse_product = SparseProduct(*self._first_layer.kernel.shape)
            layers = layers[1:]
        self.widest = max(_n_values(layer.output) for layer in layers)
        self.adds_up = True

    @abstractmethod
    def logits(self, X, training):
        """Values of the output layer before its activation.

        Parameters
        ----------
        X : tf.Tensor
            What `net_input` gives.
        training : bool
        """

    @abstractmethod
    def is_small(self, few_weights):
        """Whether an operation of a step takes microseconds."""

    @abstractmethod
    def _first_dense_layer(self):
        """The dense layer that sparse rows go into."""

    def net_input(self, X):
        """The rows of a batch; of sparse rows their product with the first layer's kernel."""
        if self.sparse_product is None:
            return X
        return self.sparse_product(X, self._first_layer.kernel.value)

    def add_sparse_gradient(self, variables, gradients, upstream):
        """Add the gradient that the first kernel gets through SciPy's product, if it is trained."""
        for place, variable in enumerate(variables):
            if variable is self._first_layer.kernel:
                of_product, of_penalty = self.sparse_product.gradient(upstream), gradients[place]
                gradients[place] = of_product if of_penalty is None else of_product + of_penalty

    def _weighted_sums(self, layer, values):
        """What a dense layer makes of its input, before its activation."""
        if self.sparse_product is None or layer is not self._first_layer:
            values = tf.matmul(values, layer.kernel.value)
        return values if layer.bias is None else tf.nn.bias_add(values, layer.bias.value)

    def _has_few_weights(self, few_weights):
        """Sparse rows are multiplied by SciPy, so that their kernel doesn't count."""
        kernels = [weight for weight in self._net.trainable_weights if len(weight.shape) > 1]
        if self.sparse_product is not None:
            kernels = [kernel for kernel in kernels if kernel is not self._first_layer.kernel]
        return sum(np.prod(kernel.shape) for kernel in kernels) < few_weights


class LayersForward(Forward):
    """Runs skclf's own layers one after another."""

    def __init__(self, net):
        super().__init__(net)
        self._hidden_layers = net.layers[1:-1]
        following = net.layers[2:]
        self._pooled_before_relu = [
            layer
            for layer, after in zip(self._hidden_layers, following, strict=True)
            if _is_relu_convolution(layer) and isinstance(after, keras.layers.MaxPooling2D)
        ]

    def logits(self, X, training):
        """Call each layer without Keras's checks."""
        values, relu_is_due = X, False
        for layer in self._hidden_layers:
            if layer in self._pooled_before_relu:
                values, relu_is_due = _convolved(layer, values), True
            elif relu_is_due:
                # The largest of the values without those below zero is the largest of all, without
                # it if it is below zero. So ReLU and its gradient see a value a window.
                values, relu_is_due = tf.nn.relu(layer.call(values)), False
            elif isinstance(layer, keras.layers.Dense):
                values = layer.activation(self._weighted_sums(layer, values))
            elif isinstance(layer, keras.layers.Dropout):
                values = layer.call(values, training=training)
            else:
                values = layer.call(values)
        return self._weighted_sums(self.output_layer, values)

    def is_small(self, few_weights):
        """Convolutions never are."""
        if any(isinstance(layer, keras.layers.Conv2D) for layer in self._net.layers):
            return False
        return self._has_few_weights(few_weights)

    def _first_dense_layer(self):
        return self._net.layers[1]


class BodyForward(Forward):
    """Runs a body of the user's own by Keras, up to the output layer."""

    def __init__(self, net):
        super().__init__(net)
        self.adds_up = _penalizes_weights_alone(net)
        start, end = net.inputs[0], self.output_layer.input
        if self._first_layer is not None and self._first_layer is not self.output_layer:
            start = self._first_layer.output
        # A model of the same layers, and not an attribute of the net, which would count it in.
        self._body = None if start is end else keras.Model(start, end)
        self._fusible_layers = fusible(all_layers(net))

    def logits(self, X, training):
        """Call the body, which also takes down the losses of its layers."""
        values = X
        if self._first_layer is not None and self._first_layer is not self.output_layer:
            values = self._first_layer.activation(self._weighted_sums(self._first_layer, values))
        if self._body is not None:
            with fused(self._fusible_layers):
                values = self._body(values, training=training)
        return self._weighted_sums(self.output_layer, values)

    def is_small(self, few_weights):
        """Only layers of which that is known may be."""
        are_small = all(
            type(layer).__name__ in _SMALL_LAYERS and type(layer).__module__.startswith("keras.")
            for layer in self._net.layers
        )
        return are_small and len(self._net.input_shape) == 2 and self._has_few_weights(few_weights)

    def _first_dense_layer(self):
        rows = self._net.inputs[0]
        return next(layer for layer in self._net.layers[1:] if layer.input is rows)


def _is_relu_convolution(layer):
    is_convolution = isinstance(layer, keras.layers.Conv2D)
    return is_convolution and layer.activation is keras.activations.relu


def _convolved(layer, values):
    """What a layer of `nets.Convolution` computes before its activation."""
    sums = tf.nn.conv2d(values, layer.kernel.value, strides=1, padding="SAME")
    return tf.nn.bias_add(sums, layer.bias.value)


def all_layers(layer):
    """A layer or model and all layers within it."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from all_layers(inner)


def _penalizes_weights_alone(net):
    for layer in all_layers(net):
        is_of_keras = type(layer).__module__.startswith("keras.") or layer is net
        if not is_of_keras or type(layer).__name__ == "ActivityRegularization":
            return False
        if getattr(layer, "activity_regularizer", None) is not None:
            return False
    return True


def _n_values(output):
    """How many values of a row a layer gives; of open sizes one."""
    shapes = [tensor.shape[1:] for tensor in (output if isinstance(output, list) else [output])]
    return sum(int(np.prod([size or 1 for size in shape])) for shape in shapes)
