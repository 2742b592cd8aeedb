"""Values of variables as arrays, and skclf's own variables of open sizes.

`assign` and `by_value` serve variables of Keras, TensorFlow and `OpenNet` alike. The classes below
hold the weights and optimizer slots of an `OpenNet`: large kernels each in a variable of its own,
and all small ones in a single flat variable. What is trained isn't known in this file.
"""

import numpy as np
import tensorflow as tf


def assign(variables, values):
    """Set variables of Keras, TensorFlow or an `OpenNet` to arrays of their shapes."""
    for variable, value in zip(variables, values, strict=True):
        if isinstance(variable, PackedPart):
            variable.assign(value)
            continue
        variable = variable if isinstance(variable, tf.Variable) else variable.value
        value = np.asarray(value, variable.dtype.as_numpy_dtype)
        # The operation that `tf.Variable.assign` wraps, without its overhead.
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def by_value(variable):
    """The value of a variable as an array that shares no memory with it."""
    if isinstance(variable, PackedPart):
        return variable.numpy()
    # On a CPU, `numpy()` may return the variable's own memory, which later updates overwrite.
    return _in_place(variable if isinstance(variable, tf.Variable) else variable.value).copy()


def _in_place(variable):
    """The value of a TensorFlow variable as an array that may share its memory."""
    # The same as TensorFlow's `variable.numpy()`, in a quarter of the time.
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype).numpy()


class OpenVariable:
    """A float32 variable of open sizes, with the attributes of `keras.Variable` that skclf uses.

    Parameters
    ----------
    rank : int
    """

    dtype = "float32"

    def __init__(self, rank):
        start = np.zeros((1,) * rank, np.float32)
        self.value = tf.Variable(start, trainable=False, shape=tf.TensorShape([None] * rank))

    @property
    def shape(self):
        """The current sizes."""
        return tuple(tf.raw_ops.VariableShape(input=self.value.handle).numpy().tolist())


class Layout:
    """Positions and shapes of several arrays that lie one after another in a flat array.

    Parameters
    ----------
    ranks : sequence of int
        The number of dimensions of each array.

    Attributes
    ----------
    shapes : list of tuple of int
        The current shapes.
    """

    def __init__(self, ranks):
        # The same sizes for graphs, where they must be variables to stay open.
        self._sizes = tf.Variable(np.ones(len(ranks), np.int32), trainable=False)
        self._shapes = [tf.Variable(np.ones(rank, np.int32), trainable=False) for rank in ranks]
        self.shapes = [(1,) * rank for rank in ranks]

    def set(self, shapes):
        """Set other shapes."""
        self.shapes = [tuple(shape) for shape in shapes]
        assign([self._sizes], [[int(np.prod(shape)) for shape in shapes]])
        assign(self._shapes, shapes)

    def bounds(self, place):
        """Start and stop of the array of this number within the flat array."""
        sizes = [int(np.prod(shape)) for shape in self.shapes[: place + 1]]
        return sum(sizes[:-1]), sum(sizes)

    def split(self, flat):
        """Split a flat array into its parts, in a graph."""
        parts = tf.raw_ops.SplitV(
            value=flat, size_splits=self._sizes, axis=0, num_split=len(self.shapes)
        )
        return [
            # Vectors have their shape already.
            part if shape.shape == (1,) else tf.reshape(part, shape)
            for part, shape in zip(parts, self._shapes, strict=True)
        ]

    def joined(self, arrays):
        """Join arrays into a flat one, in a graph."""
        flat = [array if array.shape.rank == 1 else tf.reshape(array, [-1]) for array in arrays]
        return flat[0] if len(flat) == 1 else tf.concat(flat, 0)


class Packed:
    """Small float32 variables that share a flat one, so that one operation updates all of them.

    In TensorFlow, an operation on a few hundred numbers takes as long as one on a few thousand.

    Parameters
    ----------
    layout : Layout

    Attributes
    ----------
    value : tf.Variable of shape (n_values,)
    parts : list of PackedPart
    """

    def __init__(self, layout):
        self.layout = layout
        start = np.zeros(sum(map(np.prod, layout.shapes)), np.float32)
        self.value = tf.Variable(start, trainable=False, shape=tf.TensorShape([None]))
        self.parts = [PackedPart(self, place) for place in range(len(layout.shapes))]
        self._split = {}

    def split(self):
        """The values of the parts, in a graph, which is split only once."""
        graph = tf.compat.v1.get_default_graph()
        if graph not in self._split:
            self._split.clear()  # tensors of earlier graphs are of no use, and keep them in memory
            handle = self.value.handle
            flat = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)
            self._split[graph] = self.layout.split(flat)
        return self._split[graph]


class PackedPart:
    """One variable of a `Packed`, with the attributes of `keras.Variable` that skclf uses."""

    dtype = "float32"

    def __init__(self, packed, place):
        self._packed, self._place = packed, place

    @property
    def shape(self):
        """The current sizes."""
        return self._packed.layout.shapes[self._place]

    @property
    def value(self):
        """The value, in a graph: that from before the step that the graph computes."""
        return self._packed.split()[self._place]

    def numpy(self):
        """The value as an array that shares no memory with the variable."""
        start, stop = self._packed.layout.bounds(self._place)
        return _in_place(self._packed.value)[start:stop].reshape(self.shape).copy()

    def assign(self, array):
        """Set the value to an array of the same shape."""
        start, stop = self._packed.layout.bounds(self._place)
        flat = by_value(self._packed.value)
        flat[start:stop] = np.ravel(array)
        assign([self._packed.value], [flat])


class OpenVariables:
    """Variables of open sizes, of which some are separate and the others share one variable.

    Parameters
    ----------
    ranks : sequence of int
    are_apart : sequence of bool
        For each variable, whether it is separate.
    layout : Layout or None
        The layout of the shared variable, if other variables of the same sizes have one.

    Attributes
    ----------
    variables : list of OpenVariable and PackedPart
        One for each rank.
    stored : list of Packed and OpenVariable
        The objects that hold the values: the shared one first, and then the separate ones.
    """

    def __init__(self, ranks, are_apart, layout=None):
        self._ranks, self._are_apart = ranks, are_apart
        together = [r for r, is_apart in zip(ranks, are_apart, strict=True) if not is_apart]
        self._layout = layout or Layout(together)
        self._packed = Packed(self._layout)
        parts = iter(self._packed.parts)
        self.variables = [
            OpenVariable(rank) if is_apart else next(parts)
            for rank, is_apart in zip(ranks, are_apart, strict=True)
        ]
        self.stored = [self._packed, *(v for v in self.variables if isinstance(v, OpenVariable))]

    def like(self):
        """Make as many variables of the same sizes, which share the layout of these."""
        return OpenVariables(self._ranks, self._are_apart, self._layout)

    def begin(self, arrays):
        """Set sizes and values from arrays."""
        together, apart = self._divided(arrays)
        self._layout.set([array.shape for array in together])
        flat = np.concatenate([np.ravel(array) for array in together])
        self._stored_shapes = [flat.shape, *(array.shape for array in apart)]
        assign(self.stored, [flat, *apart])

    def begin_at_zero(self, others):
        """Set the sizes of other variables with the same layout, and values of 0."""
        assign(self.stored, [np.zeros(shape, np.float32) for shape in others._stored_shapes])

    def stored_arrays(self, arrays):
        """Join arrays, one for each variable, into one for each of `stored`, in a graph."""
        together, apart = self._divided(arrays)
        return [self._layout.joined(together), *apart]

    def _divided(self, arrays):
        """Divide arrays into those of packed and those of separate variables."""
        divided = [], []
        for array, is_apart in zip(arrays, self._are_apart, strict=True):
            divided[is_apart].append(array)
        return divided
