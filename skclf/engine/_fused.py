"""One kernel for an optimizer's update of a variable, where TensorFlow has it.

Keras writes an update as about ten operations, each a pass over the variable. TensorFlow's fused
kernels for RMSprop and Adam compute the same formula in one.
"""

import keras
import tensorflow as tf


def fuse_updates(optimizer):
    """Make a built optimizer update by fused kernels, if it is of a kind that has them.

    Subclasses and the variants ``centered`` and ``amsgrad`` are left as they are.
    """
    if type(optimizer) is keras.optimizers.RMSprop and not optimizer.centered:
        optimizer.update_step = _rmsprop_step(optimizer)
    elif type(optimizer) is keras.optimizers.Adam and not optimizer.amsgrad:
        optimizer.update_step = _adam_step(optimizer)


def _rmsprop_step(optimizer):
    # The kernel writes the increment to a variable, which Keras has for momentum > 0 only.
    increments = getattr(optimizer, "_momentums", None) or [
        tf.Variable(tf.zeros(velocity.shape), trainable=False) for velocity in optimizer._velocities
    ]

    def update_step(gradient, variable, learning_rate):
        place = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=_handle(variable),
            ms=_handle(optimizer._velocities[place]),
            mom=_handle(increments[place]),
            lr=tf.cast(learning_rate, tf.float32),
            rho=optimizer.rho,
            momentum=float(optimizer.momentum),
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    return update_step


def _adam_step(optimizer):
    def update_step(gradient, variable, learning_rate):
        place = optimizer._get_variable_index(variable)
        step = tf.cast(optimizer.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(optimizer._momentums[place]),
            v=_handle(optimizer._velocities[place]),
            beta1_power=tf.pow(optimizer.beta_1, step),
            beta2_power=tf.pow(optimizer.beta_2, step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    return update_step


def _handle(variable):
    # Keras hands its own variables here, and TensorFlow's while it compiles.
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
