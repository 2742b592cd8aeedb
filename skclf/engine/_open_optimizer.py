"""Keras's most used optimizers, for variables whose sizes are open."""

import keras
import numpy as np
import tensorflow as tf

from skclf.engine import _compat
from skclf.engine._cache import kept
from skclf.engine._fused import (
    ADAM_OPERATIONS,
    RMSPROP_OPERATIONS,
    SGD_OPERATIONS,
    adam_update,
    rmsprop_update,
    sgd_update,
)
from skclf.engine._variables import assign, by_value

# Optimizer -> the names of its slots, and TensorFlow's operations.
OPEN_OPTIMIZERS = {
    keras.optimizers.SGD: (("momentums",), SGD_OPERATIONS),
    keras.optimizers.RMSprop: (("_velocities", "_momentums"), RMSPROP_OPERATIONS),
    keras.optimizers.Adam: (("_momentums", "_velocities"), ADAM_OPERATIONS),
}


@kept
def can_be_open(optimizer_class):
    """Whether `OpenOptimizer` can take the place of optimizers of this class.

    Those with settings that a fused update doesn't know are left to Keras.
    """
    if optimizer_class not in OPEN_OPTIMIZERS:
        return False
    slots, operations = OPEN_OPTIMIZERS[optimizer_class]
    optimizer = optimizer_class()
    optimizer.build([keras.Variable([0.0])])
    is_known = _compat.optimizer_slots(optimizer, *slots) is not None
    return is_known and _compat.raw_operations(*operations)


class OpenOptimizer:
    """Updates open variables by the formulas of a Keras optimizer.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Unbuilt, of a class that `can_be_open` is true of.
    trained : OpenVariables
    are_large : sequence of bool
        Of each of those that are stored, whether threads pay in its update.

    Attributes
    ----------
    variables : list of keras.Variable, OpenVariable and PackedPart
        In the order of the Keras optimizer's.
    inner_optimizer : keras.optimizers.Optimizer
        Its iterations and its learning rate are those of this one.
    """

    def __init__(self, optimizer, trained, are_large):
        self.inner_optimizer, self._trained = optimizer, trained
        optimizer.build([keras.Variable(np.zeros((1,) * len(v.shape))) for v in trained.variables])
        names, _ = OPEN_OPTIMIZERS[type(optimizer)]
        self._slots, places = [], {}
        for number, of_keras in enumerate(_compat.optimizer_slots(optimizer, *names)):
            # Keras has none without momentum, which the kernel of RMSprop writes all the same.
            self._slots.append(trained.like())
            places |= {id(v): (number, place) for place, v in enumerate(of_keras)}
        found = [(variable, places.get(id(variable))) for variable in optimizer.variables]
        self.variables = [
            variable if place is None else self._slots[place[0]].variables[place[1]]
            for variable, place in found
        ]
        slots = [slot.stored for slot in self._slots]
        if type(optimizer) is keras.optimizers.Adam:
            self._update = adam_update(optimizer, *slots, are_large)
        elif type(optimizer) is keras.optimizers.RMSprop:
            self._update = rmsprop_update(optimizer, *slots)
        else:
            self._update = sgd_update(optimizer, *slots)
        self._plain = [v for v in self.variables if isinstance(v, keras.Variable)]
        self._plain_start = [by_value(variable) for variable in self._plain]

    def reset(self, learning_rate):
        """Begin anew, for the variables' sizes now; None keeps the learning rate."""
        assign(self._plain, self._plain_start)
        for slot in self._slots:
            slot.begin_at_zero(self._trained)
        if learning_rate is not None:
            self.inner_optimizer.learning_rate = learning_rate

    def apply_gradients(self, gradients_and_variables):
        """Update the variables, in a graph."""
        rate = self.inner_optimizer.learning_rate
        gradients = self._trained.stored_arrays([g for g, _ in gradients_and_variables])
        for place, (gradient, variable) in enumerate(
            zip(gradients, self._trained.stored, strict=True)
        ):
            self._update(place, variable.value.handle, gradient, rate)
        count = self.inner_optimizer.iterations.value
        tf.raw_ops.AssignAddVariableOp(resource=count.handle, value=tf.constant(1, count.dtype))

    def finalize_variable_values(self, trained):
        """Do nothing: no averages are kept."""
