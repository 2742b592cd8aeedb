"""Batch normalization by TensorFlow's fused kernel, while a net is trained.

Keras 3 writes batch normalization as about fifteen operations, each a pass over the values, and its
gradient takes twice as many (keras-core#225). The fused kernel computes the same formula in one
operation, and its gradient in another. Layers that users wrote are never replaced.
"""

from contextlib import contextmanager

import keras
import tensorflow as tf

from skclf.engine import _compat


def fusible(layers):
    """The layers among those given whose training `fused` can take over from Keras."""
    return [
        layer
        for layer in layers
        if type(layer) is keras.layers.BatchNormalization
        and "call" not in vars(layer)
        and layer.axis in (-1, layer.input_spec.ndim - 1)
        and not layer.synchronized
        and not getattr(layer, "renorm", False)  # an option since Keras 3.13
        and _compat.raw_operations("FusedBatchNormV3", without="batch normalization is not fused")
    ]


@contextmanager
def fused(layers):
    """Make these layers use the fused kernel in graphs that are built within this block.

    A layer that isn't trained, or that is called with a mask, still runs Keras's own ``call``.

    Parameters
    ----------
    layers : list of keras.layers.BatchNormalization
        As returned by `fusible`.
    """
    # Python finds an attribute of an instance before the method of its class. It is written to the
    # dictionary directly, because Keras's `__setattr__` would track it.
    for layer in layers:
        vars(layer)["call"] = _fused_call(layer)
    try:
        yield
    finally:
        # The net outlives this graph, and Keras's own `fit` must find the layers as they were.
        for layer in layers:
            del vars(layer)["call"]


def _fused_call(layer):
    call = layer.call

    def fused_call(inputs, training=None, mask=None):
        if not training or not layer.trainable or mask is not None:
            return call(inputs, training=training, mask=mask)
        n_channels = inputs.shape[-1]
        # The kernel takes images only, and normalizes each channel over all other axes. So vectors
        # and sequences become images of one pixel.
        is_image = inputs.shape.rank == 4
        values = inputs if is_image else tf.reshape(inputs, [-1, 1, 1, n_channels])
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=values,
            scale=layer.gamma.value if layer.scale else tf.ones(n_channels),
            offset=layer.beta.value if layer.center else tf.zeros(n_channels),
            mean=[],
            variance=[],
            epsilon=layer.epsilon,
            is_training=True,
        )
        # The kernel divides the sum of squares by count - 1 (unbiased); Keras divides it by count.
        count = tf.cast(tf.size(values) // n_channels, tf.float32)
        variance *= tf.maximum(count - 1, 1) / count
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
        if is_image:
            return normalized
        normalized = tf.reshape(normalized, tf.shape(inputs))
        # `tf.reshape` to a dynamic shape loses the static one, which later layers need.
        return tf.ensure_shape(normalized, inputs.shape)

    return fused_call
