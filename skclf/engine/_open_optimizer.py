"""SGD, RMSprop and Adam for variables of open sizes.

A Keras optimizer creates slot variables of fixed shapes. `OpenOptimizer` replaces them by open ones
and updates with the fused kernels of `_fused`, so only optimizers with such a kernel are here. The
Keras optimizer inside still holds the settings, the learning rate and the number of iterations.
"""

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

# Class of optimizer -> names of its lists of slots, and the operations of TensorFlow that it needs.
OPEN_OPTIMIZERS = {
    keras.optimizers.SGD: (("momentums",), SGD_OPERATIONS),
    keras.optimizers.RMSprop: (("_velocities", "_momentums"), RMSPROP_OPERATIONS),
    keras.optimizers.Adam: (("_momentums", "_velocities"), ADAM_OPERATIONS),
}


@kept
def can_be_open(optimizer_class):
    """Whether `OpenOptimizer` can replace optimizers of this class in their default variant.

    The settings of an optimizer are not checked here.
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
        Unbuilt, of a class for which `can_be_open` is True.
    trained : OpenVariables
    are_large : sequence of bool
        For each stored variable, whether several threads update it faster than one.

    Attributes
    ----------
    variables : list of keras.Variable, OpenVariable and PackedPart
        In the order of the Keras optimizer's variables.
    inner_optimizer : keras.optimizers.Optimizer
        Holds the settings, the learning rate and the number of iterations.
    """

    def __init__(self, optimizer, trained, are_large):
        self.inner_optimizer, self._trained = optimizer, trained
        # Tiny variables of the same ranks: Keras then creates its slots in the usual order.
        optimizer.build([keras.Variable(np.zeros((1,) * len(v.shape))) for v in trained.variables])
        names, _ = OPEN_OPTIMIZERS[type(optimizer)]
        self._slots, places = [], {}
        for number, of_keras in enumerate(_compat.optimizer_slots(optimizer, *names)):
            # Also where Keras's list is empty: RMSprop's kernel writes increments even without
            # momentum.
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
        """Reset the slots, in the current sizes of the variables; None keeps the learning rate."""
        assign(self._plain, self._plain_start)
        for slot in self._slots:
            slot.begin_at_zero(self._trained)
        if learning_rate is not None:
            self.inner_optimizer.learning_rate = learning_rate

    def apply_gradients(self, gradients_and_variables):
        """Update the variables by their gradients, in a graph."""
        rate = self.inner_optimizer.learning_rate
        gradients = self._trained.stored_arrays([g for g, _ in gradients_and_variables])
        for place, (gradient, variable) in enumerate(
            zip(gradients, self._trained.stored, strict=True)
        ):
            self._update(place, variable.value.handle, gradient, rate)
        count = self.inner_optimizer.iterations.value
        tf.raw_ops.AssignAddVariableOp(resource=count.handle, value=tf.constant(1, count.dtype))

    def finalize_variable_values(self, trained):
        """Do nothing, since optimizers that average weights aren't replaced."""
