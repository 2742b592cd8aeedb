"""Updates of SGD, RMSprop and Adam by TensorFlow's fused kernels.

Keras writes the update of a variable as about ten operations, each a pass over the variable. A
fused kernel computes the same formula in one pass.

An update in this file is a function of four arguments: the position of the variable among the
trained ones, its handle, the gradient and the learning rate. Formulas that no kernel of TensorFlow
computes don't belong here; Keras's own updates are used for them.
"""

import keras
import numpy as np
import tensorflow as tf

from skclf.engine import _compat

# TensorFlow's kernel for Adam estimates its work by the square of the number of weights, so even 48
# weights wake other threads, which takes 50 us. From this size on, threads are worth that.
_LARGE = 50_000


def fuse_updates(optimizer):
    """Make a built optimizer use fused kernels, if TensorFlow has one for it.

    Subclasses, the variants ``centered`` and ``amsgrad``, and optimizers whose ``update_step`` was
    replaced are left unchanged.

    Returns
    -------
    list of keras.Variable
        Variables that the kernels write to in addition to the optimizer's own.
    """
    # Of the exact classes, since a subclass may compute something else.
    if "update_step" in vars(optimizer):
        return []
    if type(optimizer) is keras.optimizers.SGD:
        _fuse_sgd(optimizer)
    if type(optimizer) is keras.optimizers.RMSprop and not optimizer.centered:
        return _fuse_rmsprop(optimizer)
    if type(optimizer) is keras.optimizers.Adam and not optimizer.amsgrad:
        _fuse_adam(optimizer)
    return []


def _fuse_sgd(optimizer):
    slots = _compat.optimizer_slots(optimizer, "momentums")
    if slots is not None and _compat.raw_operations(*SGD_OPERATIONS):
        _fuse(optimizer, sgd_update(optimizer, *slots))


def _fuse_rmsprop(optimizer):
    slots = _compat.optimizer_slots(optimizer, "_velocities", "_momentums")
    if slots is None or not _compat.raw_operations(*RMSPROP_OPERATIONS):
        return []
    velocities, increments = slots
    further_variables = []
    # Without momentum Keras has no increments, but the kernel writes them in any case.
    if not optimizer.momentum:
        increments = further_variables = [_zeros_like(velocity) for velocity in velocities]
    _fuse(optimizer, rmsprop_update(optimizer, velocities, increments))
    return further_variables


def _fuse_adam(optimizer):
    slots = _compat.optimizer_slots(optimizer, "_momentums", "_velocities")
    if slots is None or not _compat.raw_operations(*ADAM_OPERATIONS):
        return
    are_large = [is_large(np.prod(velocity.shape)) for velocity in slots[1]]
    _fuse(optimizer, adam_update(optimizer, *slots, are_large))


def _fuse(optimizer, update):
    def update_step(gradient, variable, learning_rate):
        place = _compat.place_of(optimizer, variable)
        update(place, _handle(variable), gradient, learning_rate)

    # On the instance: Keras's `apply_gradients` still clips gradients, decays weights and counts.
    optimizer.update_step = update_step


def _zeros_like(variable):
    return keras.Variable(np.zeros(variable.shape), dtype="float32", trainable=False)


SGD_OPERATIONS = ("ResourceApplyGradientDescent", "ResourceApplyKerasMomentum")
RMSPROP_OPERATIONS = ("ResourceApplyRMSProp",)
ADAM_OPERATIONS = ("ResourceApplyAdam", "ResourceApplyAdagradV2")


def is_large(size):
    """Whether several threads are faster than one in Adam's update of so many weights."""
    return bool(size >= _LARGE)


def sgd_update(optimizer, momentums):
    """The update by gradient descent, with or without momentum.

    Parameters
    ----------
    optimizer : keras.optimizers.SGD
        Its ``momentum`` and ``nesterov`` are used.
    momentums : list of variables
        One for each position; not used without momentum.
    """

    def update(place, handle, gradient, learning_rate):
        rate = tf.cast(learning_rate, tf.float32)
        if not optimizer.momentum:
            tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=rate, delta=gradient)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=handle,
            accum=_handle(momentums[place]),
            lr=rate,
            grad=gradient,
            momentum=float(optimizer.momentum),
            use_nesterov=optimizer.nesterov,
        )

    return update


def rmsprop_update(optimizer, velocities, increments):
    """The update by RMSprop [1]_, with or without momentum.

    Parameters
    ----------
    optimizer : keras.optimizers.RMSprop
        Its ``rho``, ``momentum`` and ``epsilon`` are used.
    velocities, increments : list of variables
        One for each position.

    References
    ----------
    .. [1] G. Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    """
    learning_rate_of_step = _once_a_step(lambda rate: tf.cast(rate, tf.float32))

    def update(place, handle, gradient, learning_rate):
        tf.raw_ops.ResourceApplyRMSProp(
            var=handle,
            ms=_handle(velocities[place]),
            mom=_handle(increments[place]),
            lr=learning_rate_of_step(learning_rate),
            rho=optimizer.rho,
            momentum=float(optimizer.momentum),
            epsilon=optimizer.epsilon,
            grad=gradient,
        )

    return update


def adam_update(optimizer, momentums, velocities, are_large):
    """The update by Adam [1]_, with Keras's epsilon, which is "epsilon hat" in section 2.

    Parameters
    ----------
    optimizer : keras.optimizers.Adam
        Its ``beta_1``, ``beta_2``, ``epsilon`` and ``iterations`` are used.
    momentums, velocities : list of variables
        One for each position.
    are_large : sequence of bool
        For each position, whether several threads are faster than one, by `is_large`.

    References
    ----------
    .. [1] D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    def scalars(learning_rate):
        # Keras counts the step after the update, so the first one is number 0 here.
        step = tf.cast(optimizer.iterations + 1, tf.float32)
        rate = tf.cast(learning_rate, tf.float32)
        powers = tf.pow(optimizer.beta_1, step), tf.pow(optimizer.beta_2, step)
        return rate, *powers, rate * tf.sqrt(1 - powers[1]) / (1 - powers[0])

    scalars_of_step = _once_a_step(scalars)

    def update(place, handle, gradient, learning_rate):
        m, v = _handle(momentums[place]), _handle(velocities[place])
        rate, beta_1_power, beta_2_power, unbiased_rate = scalars_of_step(learning_rate)
        if not are_large[place]:
            _add(m, (gradient - _read(m)) * (1 - optimizer.beta_1))
            _add(v, (tf.square(gradient) - _read(v)) * (1 - optimizer.beta_2))
            # With update_slots=False, Adagrad's kernel computes
            # variable -= rate * m / (sqrt(v) + epsilon), which is Adam's last step, in one thread.
            tf.raw_ops.ResourceApplyAdagradV2(
                var=handle,
                accum=v,
                lr=unbiased_rate,
                epsilon=optimizer.epsilon,
                grad=_read(m),
                update_slots=False,
            )
            return
        tf.raw_ops.ResourceApplyAdam(
            var=handle,
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

    return update


def _once_a_step(compute):
    """Wrap a function so that the updates of all variables in a graph share its value."""
    kept = {}

    def value(learning_rate):
        if tf.executing_eagerly():
            return compute(learning_rate)
        graph = tf.compat.v1.get_default_graph()
        if graph not in kept:
            # Tensors of an earlier graph are of no use, and would keep it in memory.
            kept.clear()
            kept[graph] = compute(learning_rate)
        return kept[graph]

    return value


def _add(handle, value):
    tf.raw_ops.AssignAddVariableOp(resource=handle, value=value)


def _read(handle):
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)


def _handle(variable):
    # Slots are `keras.Variable` objects; Keras passes the variables to update as `tf.Variable`.
    return (variable if isinstance(variable, tf.Variable) else variable.value).handle
