"""The forward pass of a `Net`: from a batch of rows to logits, within a graph.

skclf's own layers are called one by one, without the checks and conversions that Keras adds to each
call, so that the graph has fewer operations. Bodies that users wrote are called through Keras,
since their layers may do anything. `OpenForward` in `_open` is the counterpart for an `OpenNet`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import keras
import numpy as np
import tensorflow as tf

from skclf.engine._fused_layers import fused, fusible
from skclf.engine._sparse import SparseProduct

# Keras's layers whose operations take microseconds if they have few weights. Convolutions and
# recurrent layers do much work with few weights, and of other layers nothing is known.
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
    """Make the forward pass of a `Net`."""
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
        The product of sparse rows and the kernel of the first layer; None for dense rows.
    widest : int
        The largest number of values per row among the outputs of the layers.
    adds_up : bool
        Whether the penalties depend on the weights only, and not on the batch or its size.
    """

    def __init__(self, net):
        self._net = net
        self.output_layer = net.layers[-1]
        self.head = self.output_layer.activation
        self.sparse_product = self._first_layer = None
        # `output` raises an AttributeError for a layer of which Keras has recorded no call.
        layers = [layer for layer in net.layers if hasattr(layer, "output")]
        if net.inputs[0].sparse:
            self._first_layer = self._first_dense_layer()
            self.sparse_product = SparseProduct(*self._first_layer.kernel.shape)
            # The input layer: its sparse rows never exist as a dense tensor.
            layers = layers[1:]
        self.widest = max(_n_values(layer.output) for layer in layers)
        self.adds_up = True

    @abstractmethod
    def logits(self, X, training):
        """Values of the output layer before its activation.

        Parameters
        ----------
        X : tf.Tensor
            As returned by `net_input`.
        training : bool
        """

    @abstractmethod
    def is_small(self, few_weights):
        """Whether each operation of a step takes only microseconds, so that one thread is fastest.

        Parameters
        ----------
        few_weights : int
            The number of weights below which this holds.
        """

    @abstractmethod
    def _first_dense_layer(self):
        """The dense layer that takes the sparse rows."""

    def net_input(self, X):
        """The dense rows of a batch, or the product of its sparse rows and the first kernel."""
        if self.sparse_product is None:
            return X
        return self.sparse_product(X, self._first_layer.kernel.value)

    def add_sparse_gradient(self, variables, gradients, upstream):
        """Add the gradient of the first kernel from SciPy's product, if that kernel is trained."""
        for place, variable in enumerate(variables):
            if variable is self._first_layer.kernel:
                # The tape can't see SciPy's product, so its gradient has only the penalty, if any.
                of_product, of_penalty = self.sparse_product.gradient(upstream), gradients[place]
                gradients[place] = of_product if of_penalty is None else of_product + of_penalty

    def _weighted_sums(self, layer, values):
        """The output of a dense layer before its activation."""
        # For the first layer of sparse rows, `net_input` has computed the product already.
        if self.sparse_product is None or layer is not self._first_layer:
            values = tf.matmul(values, layer.kernel.value)
        return values if layer.bias is None else tf.nn.bias_add(values, layer.bias.value)

    def _has_few_weights(self, few_weights):
        """Whether TensorFlow multiplies by few weights; SciPy multiplies sparse rows."""
        kernels = [weight for weight in self._net.trainable_weights if len(weight.shape) > 1]
        if self.sparse_product is not None:
            kernels = [kernel for kernel in kernels if kernel is not self._first_layer.kernel]
        return sum(np.prod(kernel.shape) for kernel in kernels) < few_weights


class LayersForward(Forward):
    """Runs skclf's own layers one after another."""

    def __init__(self, net):
        super().__init__(net)
        self._hidden_layers = net.layers[1:-1]  # without the input layer and the output layer
        following = net.layers[2:]
        self._pooled_before_relu = [
            layer
            for layer, after in zip(self._hidden_layers, following, strict=True)
            if _is_relu_convolution(layer) and isinstance(after, keras.layers.MaxPooling2D)
        ]

    def logits(self, X, training):
        """Call the layers one after another, without Keras's checks."""
        values, relu_is_due = X, False
        for layer in self._hidden_layers:
            if layer in self._pooled_before_relu:
                values, relu_is_due = _convolved(layer, values), True
            elif relu_is_due:
                # ReLU never reverses the order of two values, so the maximum of a window may be
                # taken first. ReLU and its gradient then work on one value per window.
                values, relu_is_due = tf.nn.relu(layer.call(values)), False
            elif isinstance(layer, keras.layers.Dense):
                values = layer.activation(self._weighted_sums(layer, values))
            elif isinstance(layer, keras.layers.Dropout):
                # Keras's `__call__` would pass the flag on; `call` needs it explicitly.
                values = layer.call(values, training=training)
            else:
                values = layer.call(values)
        return self._weighted_sums(self.output_layer, values)

    def is_small(self, few_weights):
        """Whether the net has few weights and no convolutions."""
        if any(isinstance(layer, keras.layers.Conv2D) for layer in self._net.layers):
            return False
        return self._has_few_weights(few_weights)

    def _first_dense_layer(self):
        return self._net.layers[1]


class BodyForward(Forward):
    """Runs a body that the user wrote through Keras, and computes the output layer itself."""

    def __init__(self, net):
        super().__init__(net)
        self.adds_up = _penalizes_weights_alone(net)
        start, end = net.inputs[0], self.output_layer.input
        if self._first_layer is not None and self._first_layer is not self.output_layer:
            start = self._first_layer.output
        # A model that shares the layers. The net can't hold it, since Keras would track it there as
        # one more layer.
        self._body = None if start is end else keras.Model(start, end)
        self._fusible_layers = fusible(all_layers(net))

    def logits(self, X, training):
        """Call the body; Keras then records the losses of its layers."""
        values = X
        if self._first_layer is not None and self._first_layer is not self.output_layer:
            values = self._first_layer.activation(self._weighted_sums(self._first_layer, values))
        if self._body is not None:
            with fused(self._fusible_layers):
                values = self._body(values, training=training)
        return self._weighted_sums(self.output_layer, values)

    def is_small(self, few_weights):
        """Whether the body has few weights, vectors as rows, and only layers known to be small."""
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
    """The output of the Keras layer of a `nets.Convolution` before its activation."""
    sums = tf.nn.conv2d(values, layer.kernel.value, strides=1, padding="SAME")
    return tf.nn.bias_add(sums, layer.bias.value)


def all_layers(layer):
    """Yield a layer or model and all layers inside it, at any depth."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from all_layers(inner)


def _penalizes_weights_alone(net):
    # A layer that the user wrote may call `add_loss` with anything.
    for layer in all_layers(net):
        is_of_keras = type(layer).__module__.startswith("keras.") or layer is net
        if not is_of_keras or type(layer).__name__ == "ActivityRegularization":
            return False
        if getattr(layer, "activity_regularizer", None) is not None:
            return False
    return True


def _n_values(output):
    """Number of values per row in a layer's output; open sizes count as 1."""
    shapes = [tensor.shape[1:] for tensor in (output if isinstance(output, list) else [output])]
    return sum(int(np.prod([size or 1 for size in shape])) for shape in shapes)
