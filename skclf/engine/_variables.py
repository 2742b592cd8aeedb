"""Variables of Keras, TensorFlow and skclf: their values, and skclf's own with open sizes."""

import numpy as np
import tensorflow as tf


def assign(variables, values):
    """Set variables of Keras, TensorFlow or `OpenNet` to arrays of their shapes."""
    for variable, value in zip(variables, values, strict=True):
        if isinstance(variable, PackedPart):
            variable.assign(value)
            continue
        variable = variable if isinstance(variable, tf.Variable) else variable.value
        value = np.asarray(value, variable.dtype.as_numpy_dtype)
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def by_value(variable):
    """A variable's value as an array that shares no memory with it."""
    if isinstance(variable, PackedPart):
        return variable.numpy()
    return _in_place(variable if isinstance(variable, tf.Variable) else variable.value).copy()


def _in_place(variable):
    """A TensorFlow variable's value as an array that may share its memory."""
    # What TensorFlow's own `numpy` does, in a quarter of the time.
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype).numpy()


class OpenVariable:
    """A float32 variable whose sizes may change, with what skclf uses of `keras.Variable`.

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
        """Its sizes now."""
        return tuple(tf.raw_ops.VariableShape(input=self.value.handle).numpy().tolist())


class Layout:
    """How arrays lie in a flat one, one after another.

    Parameters
    ----------
    ranks : sequence of int
        Numbers of their dimensions.

    Attributes
    ----------
    shapes : list of tuple of int
        Their sizes now.
    """

    def __init__(self, ranks):
        self._sizes = tf.Variable(np.ones(len(ranks), np.int32), trainable=False)
        self._shapes = [tf.Variable(np.ones(rank, np.int32), trainable=False) for rank in ranks]
        self.shapes = [(1,) * rank for rank in ranks]

    def set(self, shapes):
        """Take other sizes."""
        self.shapes = [tuple(shape) for shape in shapes]
        assign([self._sizes], [[int(np.prod(shape)) for shape in shapes]])
        assign(self._shapes, shapes)

    def bounds(self, place):
        """Where an array begins and ends in the flat one."""
        sizes = [int(np.prod(shape)) for shape in self.shapes[: place + 1]]
        return sum(sizes[:-1]), sum(sizes)

    def split(self, flat):
        """The arrays that a flat one holds, in a graph."""
        parts = tf.raw_ops.SplitV(
            value=flat, size_splits=self._sizes, axis=0, num_split=len(self.shapes)
        )
        return [
            part if shape.shape == (1,) else tf.reshape(part, shape)
            for part, shape in zip(parts, self._shapes, strict=True)
        ]

    def joined(self, arrays):
        """The flat array of some arrays, in a graph."""
        flat = [array if array.shape.rank == 1 else tf.reshape(array, [-1]) for array in arrays]
        return flat[0] if len(flat) == 1 else tf.concat(flat, 0)


class Packed:
    """Small float32 variables that lie in one, which takes one operation to update.

    An operation on a few hundred numbers takes TensorFlow as long as one on a few thousand.

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
        """Their values, in a graph, which splits them once."""
        graph = tf.compat.v1.get_default_graph()
        if graph not in self._split:
            self._split.clear()
            handle = self.value.handle
            flat = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)
            self._split[graph] = self.layout.split(flat)
        return self._split[graph]


class PackedPart:
    """One of the variables in a `Packed`, with what skclf uses of `keras.Variable`."""

    dtype = "float32"

    def __init__(self, packed, place):
        self._packed, self._place = packed, place

    @property
    def shape(self):
        """Its sizes now."""
        return self._packed.layout.shapes[self._place]

    @property
    def value(self):
        """Its value, in a graph: before the step of the graph changes it."""
        return self._packed.split()[self._place]

    def numpy(self):
        """Its value as an array of its own."""
        start, stop = self._packed.layout.bounds(self._place)
        return _in_place(self._packed.value)[start:stop].reshape(self.shape).copy()

    def assign(self, array):
        """Set it to an array of its shape."""
        start, stop = self._packed.layout.bounds(self._place)
        flat = by_value(self._packed.value)
        flat[start:stop] = np.ravel(array)
        assign([self._packed.value], [flat])


class OpenVariables:
    """Variables of open sizes: some on their own, and the others in one.

    Parameters
    ----------
    ranks : sequence of int
    are_apart : sequence of bool
        Whether a variable is on its own.
    layout : Layout or None
        Of the others, to share it.

    Attributes
    ----------
    variables : list of OpenVariable and PackedPart
        One for each rank.
    stored : list of Packed and OpenVariable
        What holds them: the one for the others, if there are any, and those on their own.
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
        """As many variables of the same sizes, which have a layout in common with these."""
        return OpenVariables(self._ranks, self._are_apart, self._layout)

    def begin(self, arrays):
        """Take sizes and values."""
        together, apart = self._divided(arrays)
        self._layout.set([array.shape for array in together])
        flat = np.concatenate([np.ravel(array) for array in together])
        self._stored_shapes = [flat.shape, *(array.shape for array in apart)]
        assign(self.stored, [flat, *apart])

    def begin_at_zero(self, others):
        """Take the sizes of others that have the same layout, and zeros."""
        assign(self.stored, [np.zeros(shape, np.float32) for shape in others._stored_shapes])

    def stored_arrays(self, arrays):
        """Arrays of the variables as arrays of `stored`, in a graph."""
        together, apart = self._divided(arrays)
        return [self._layout.joined(together), *apart]

    def _divided(self, arrays):
        """Those of the packed variables, and those of the others."""
        divided = [], []
        for array, is_apart in zip(arrays, self._are_apart, strict=True):
            divided[is_apart].append(array)
        return divided
