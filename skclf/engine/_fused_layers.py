"""One kernel for batch normalization while training, where TensorFlow has it.

Keras writes it as about fifteen operations, each a pass over the values, and takes twice as many
for its gradient. TensorFlow's fused kernel computes the same formula and its gradient in one each.
"""

from contextlib import contextmanager

import keras
import tensorflow as tf

from skclf.engine import _compat


def fusible(layers):
    """Those of some layers whose training `fused` can take over from Keras."""
    return [
        layer
        for layer in layers
        if type(layer) is keras.layers.BatchNormalization
        and "call" not in vars(layer)
        and layer.axis in (-1, layer.input_spec.ndim - 1)
        and not layer.synchronized
        and not getattr(layer, "renorm", False)  # since Keras 3.13
        and _compat.raw_operations("FusedBatchNormV3", without="batch normalization is not fused")
    ]


@contextmanager
def fused(layers):
    """Let these layers train by the fused kernel, in a graph that is made in this block.

    Where a layer doesn't train, or some steps of a sequence are masked, Keras's own ``call`` runs.

    Parameters
    ----------
    layers : list of keras.layers.BatchNormalization
        Some that `fusible` gives.
    """
    # Python finds an instance's attribute before the method. Set by its name alone, it is none of
    # the attributes that Keras tracks.
    for layer in layers:
        vars(layer)["call"] = _fused_call(layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]


def _fused_call(layer):
    call = layer.call

    def fused_call(inputs, training=None, mask=None):
        if not training or not layer.trainable or mask is not None:
            return call(inputs, training=training, mask=mask)
        n_channels = inputs.shape[-1]
        # The kernel takes images alone, and normalizes each channel over all else.
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
        # The kernel divides the sum of squares by one less than the count, and Keras by the count.
        count = tf.cast(tf.size(values) // n_channels, tf.float32)
        variance *= tf.maximum(count - 1, 1) / count
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
        if is_image:
            return normalized
        normalized = tf.reshape(normalized, tf.shape(inputs))
        return tf.ensure_shape(normalized, inputs.shape)

    return fused_call
