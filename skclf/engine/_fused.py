"""One kernel for an optimizer's update of a variable, where TensorFlow has it.

Keras writes an update as about ten operations, each a pass over the variable. TensorFlow's fused
kernels for RMSprop and Adam compute the same formula in one.
"""

import keras
import numpy as np
import tensorflow as tf

from skclf.engine import _compat

# TensorFlow's kernel for Adam overestimates its own work by the square of the number of weights,
# and wakes other threads for 48 of them, which takes 50 us. Beyond these sizes threads pay.
_ADAM_WAKES_THREADS_IN_VAIN = range(48, 50_000)


def fuse_updates(optimizer):
    """Make a built optimizer update by fused kernels, if it is of a kind that has them.

    Subclasses, the variants ``centered`` and ``amsgrad``, and optimizers whose ``update_step`` was
    replaced are left as they are.

    Returns
    -------
    list of keras.Variable
        What the kernels write to besides the optimizer's own variables.
    """
    if "update_step" in vars(optimizer):
        return []
    if type(optimizer) is keras.optimizers.RMSprop and not optimizer.centered:
        return _fuse_rmsprop(optimizer)
    if type(optimizer) is keras.optimizers.Adam and not optimizer.amsgrad:
        _fuse_adam(optimizer)
    return []


def _fuse_rmsprop(optimizer):
    slots = _compat.optimizer_slots(optimizer, "_velocities", "_momentums")
    if slots is None or not _compat.raw_operations("ResourceApplyRMSProp"):
        return []
    velocities, increments = slots
    further_variables = []
    if not optimizer.momentum:  # the kernel writes its increments all the same
        increments = further_variables = [_zeros_like(velocity) for velocity in velocities]
    optimizer.update_step = _rmsprop_step(optimizer, velocities, increments)
    return further_variables


def _fuse_adam(optimizer):
    slots = _compat.optimizer_slots(optimizer, "_momentums", "_velocities")
    if slots is not None and _compat.raw_operations("ResourceApplyAdam", "ResourceApplyAdagradV2"):
        optimizer.update_step = _adam_step(optimizer, *slots)


def _zeros_like(variable):
    return keras.Variable(np.zeros(variable.shape), dtype="float32", trainable=False)


def _rmsprop_step(optimizer, velocities, increments):
    learning_rate_of_step = _once_a_step(lambda rate: tf.cast(rate, tf.float32))

    def update_step(gradient, variable, learning_rate):
        place = _compat.place_of(optimizer, variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=_handle(variable),
            ms=_handle(velocities[place]),
            mom=_handle(increments[place]),
            lr=learning_rate_of_step(learning_rate),
            rho=optimizer.rho,
            momentum=float(optimizer.momentum),
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    return update_step


def _adam_step(optimizer, momentums, velocities):
    def scalars(learning_rate):
        step = tf.cast(optimizer.iterations + 1, tf.float32)
        rate = tf.cast(learning_rate, tf.float32)
        powers = tf.pow(optimizer.beta_1, step), tf.pow(optimizer.beta_2, step)
        return rate, *powers, rate * tf.sqrt(1 - powers[1]) / (1 - powers[0])

    scalars_of_step = _once_a_step(scalars)

    def update_step(gradient, variable, learning_rate):
        place = _compat.place_of(optimizer, variable)
        m, v = _handle(momentums[place]), _handle(velocities[place])
        rate, beta_1_power, beta_2_power, unbiased_rate = scalars_of_step(learning_rate)
        if gradient.shape.num_elements() in _ADAM_WAKES_THREADS_IN_VAIN:
            _add(m, (gradient - _read(m)) * (1 - optimizer.beta_1))
            _add(v, (tf.square(gradient) - _read(v)) * (1 - optimizer.beta_2))
            # Without an update of its slots this is variable -= rate * m / (sqrt(v) + epsilon).
            tf.raw_ops.ResourceApplyAdagradV2(
                var=_handle(variable),
                accum=v,
                lr=unbiased_rate,
                epsilon=optimizer.epsilon,
                grad=_read(m),
                update_slots=False,
            )
            return
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=m,
            v=v,
            beta1_power=beta_1_power,
            beta2_power=beta_2_power,
            lr=rate,
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    return update_step


def _once_a_step(compute):
    """A function whose value all variables share in the graph of a step."""
    kept = {}

    def value(learning_rate):
        if tf.executing_eagerly():
            return compute(learning_rate)
        graph = tf.compat.v1.get_default_graph()
        if graph not in kept:
            kept.clear()
            kept[graph] = compute(learning_rate)
        return kept[graph]

    return value


def _read(handle):
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)


def _add(handle, value):
    tf.raw_ops.AssignAddVariableOp(resource=handle, value=value)


def _handle(variable):
    # Keras hands its own variables here, and TensorFlow's while it compiles.
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
