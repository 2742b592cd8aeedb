"""A hashable that stands for what an object does, to find compiled programs by.

A compiled program holds what the classes and functions that it was traced from did at that time.
Two objects may share one only if they do the same, which a name doesn't show: a class can be edited
and run again, and a function can read a global that has changed since. So a fingerprint is made of
the code itself and of all that the code reads. Where that can't be found out, there is none, and
the program isn't kept for others.
"""

import re
import sys
from collections.abc import Mapping
from functools import partial
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)

import numpy as np

# Code of these packages doesn't change while a process runs.
_FIXED_PACKAGES = {"keras", "tensorflow", "numpy", "scipy", "sklearn", "skclf"}
_PLAIN_TYPES = (type(None), bool, int, complex, str, bytes, np.dtype, re.Pattern, CodeType)
# Entries of a class that say nothing of what it does.
_CLASS_BOOKKEEPING = {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__"}
_CLASS_BOOKKEEPING |= {"__firstlineno__", "__static_attributes__", "__abstractmethods__"}
_CLASS_BOOKKEEPING |= {"_abc_impl", "__annotate_func__", "__annotations_cache__"}
# Attributes in which Keras's objects keep their books.
_KERAS_BOOKKEEPING = {"_tracker", "_lock", "_obj_reference_counts_dict"}
# And what Keras's layers note of their calls and weights, which stand elsewhere too.
_LAYER_BOOKKEEPING = {"_inbound_nodes", "_outbound_nodes", "_call_signature", "_losses"}
_LAYER_BOOKKEEPING |= {"_losses_override", "_loss_ids", "_metrics", "_trainable_variables"}
_LAYER_BOOKKEEPING |= {"_non_trainable_variables", "_seed_generators", "_path", "_parent_path"}
_LAYER_BOOKKEEPING |= {"_auto_config", "_build_shapes_dict", "_called"}
# Keras wraps these methods for each layer anew; the class shows what they do.
_LAYER_BOOKKEEPING |= {"build", "quantize"}
# Keras's own layers draw by a generator, which has a state of its own in each fit.
_SEEDS = {"seed", "_init_seed"}


class Unknowable(Exception):
    """Nothing can be said about what an object does."""


def fingerprint(value, skip=()):
    """A hashable that is equal for objects that do the same.

    Parameters
    ----------
    value : object
        A number, a string, a container, a function, a class, or an object with attributes.
    skip : collection of str
        Attributes of ``value`` itself to leave out.

    Returns
    -------
    hashable

    Raises
    ------
    Unknowable
        If what the object does depends on something that can't be compared.
    """
    return _Reader().read(value, skip)


def fingerprint_of_layers(nodes, nodes_of):
    """A hashable that is equal for graphs of layers that compute the same with the same weights.

    Parameters
    ----------
    nodes : list of keras nodes
        Each after those that it takes its inputs from.
    nodes_of : callable
        Gives such a list for a functional model within the graph.

    Raises
    ------
    Unknowable
        If what a layer does depends on something that can't be compared.
    """
    return _LayerReader(nodes_of).read_nodes(nodes)


class _Reader:
    """Reads objects, each of them once: they may refer to each other in circles."""

    def __init__(self):
        self._seen = {}  # id -> number and object, which keeps the id its own

    def read(self, value, skip=()):
        if isinstance(value, _PLAIN_TYPES):
            return type(value), value
        if isinstance(value, float | np.generic):
            return type(value), repr(value)  # NaN doesn't equal itself
        if id(value) in self._seen:
            return "seen", self._seen[id(value)][0]
        self._seen[id(value)] = len(self._seen), value
        return self._read_new(value, skip)

    def _read_new(self, value, skip):
        if isinstance(value, np.ndarray) and value.dtype != object:
            return "array", value.shape, value.dtype, value.tobytes()
        if isinstance(value, list | tuple):
            return type(value).__name__, tuple(map(self.read, value))
        if isinstance(value, set | frozenset):
            return type(value).__name__, frozenset(fingerprint(item) for item in value)
        if isinstance(value, Mapping):
            return "mapping", tuple((self.read(k), self.read(v)) for k, v in value.items())
        if isinstance(value, ModuleType):
            return self._read_fixed(value, value.__name__)
        if isinstance(value, type):
            return self._read_class(value)
        if isinstance(value, FunctionType):
            return self._read_function(value)
        if isinstance(value, MethodType):
            return "method", self.read(value.__func__), self.read(value.__self__)
        if isinstance(value, staticmethod | classmethod):
            return type(value).__name__, self.read(value.__func__)
        if isinstance(value, property):
            return "property", tuple(map(self.read, (value.fget, value.fset, value.fdel)))
        if isinstance(value, partial):
            return "partial", *map(self.read, (value.func, value.args, value.keywords))
        if isinstance(value, BuiltinFunctionType | np.ufunc):
            return self._read_fixed(value, getattr(value, "__module__", None) or "builtins")
        return self._read_instance(value, skip)

    def _read_fixed(self, value, module):
        if not _is_fixed(module):
            raise Unknowable(value)
        return "fixed", value

    def _read_class(self, cls):
        if _is_fixed(cls.__module__):
            return "fixed", cls
        entries = {k: v for k, v in vars(cls).items() if k not in _CLASS_BOOKKEEPING}
        return "class", cls, tuple(map(self.read, cls.__bases__)), self.read(entries)

    def _read_function(self, function):
        if _is_fixed(function.__module__):
            return "fixed", function
        code = function.__code__
        cells = [_content(cell) for cell in function.__closure__ or ()]
        own = (function.__defaults__, function.__kwdefaults__, cells, vars(function))
        names = sorted(_names_in(code))
        read = {n: function.__globals__[n] for n in names if n in function.__globals__}
        read = {n: self._read_global(v, names) for n, v in read.items()}
        return "function", code, tuple(map(self.read, own)), tuple(read.items())

    def _read_global(self, value, names):
        """A global of a function; of a module of the user's what the function may read in it."""
        if isinstance(value, ModuleType) and not _is_fixed(value.__name__):
            return "module", tuple(
                (name, self.read(getattr(value, name))) for name in names if hasattr(value, name)
            )
        return self.read(value)

    def _read_instance(self, value, skip):
        cls = type(value)
        is_keras_variable = hasattr(value, "trainable") and hasattr(value, "value")
        if _package(cls.__module__) == "keras" and is_keras_variable:
            return "variable", cls, value.trainable, self.read(value.value.numpy())
        of_keras = any(_package(base.__module__) == "keras" for base in cls.__mro__)
        if (_is_fixed(cls.__module__) and not of_keras) or not hasattr(value, "__dict__"):
            raise Unknowable(value)  # it may hold what no attribute shows
        left_out = {*skip, *(_KERAS_BOOKKEEPING if of_keras else ())}
        attributes = {k: v for k, v in vars(value).items() if k not in left_out}
        return "instance", self.read(cls), self.read(attributes)


class _LayerReader(_Reader):
    """Reads layers by what they compute: by the shapes of their variables and not their values.

    Initial values are given to the variables in each fit, so initializers and seeds don't count.
    """

    def __init__(self, nodes_of):
        super().__init__()
        self._nodes_of = nodes_of
        self._tensors = {}  # id -> number and tensor

    def read_nodes(self, nodes):
        """What each node computes, of which of the tensors before it."""
        read = []
        for node in nodes:
            arguments = self.read(node.arguments.args), self.read(node.arguments.kwargs)
            read.append((self.read(node.operation), arguments))
            for tensor in node.outputs:
                self._tensors[id(tensor)] = len(self._tensors), tensor
        return tuple(read)

    def _read_instance(self, value, skip):
        kinds = {
            base.__name__ for base in type(value).__mro__ if _package(base.__module__) == "keras"
        }
        if "KerasTensor" in kinds:
            number = self._tensors[id(value)][0] if id(value) in self._tensors else None
            return "tensor", number, tuple(value.shape), value.dtype, value.sparse
        if kinds & {"Initializer", "SeedGenerator"}:
            return ("drawn",)
        if "Variable" in kinds:
            own = (value.trainable, value.regularizer, value.constraint)
            return "variable", tuple(value.shape), value.dtype, tuple(map(self.read, own))
        if _package(type(value).__module__) == "tensorflow":
            if hasattr(value, "numpy"):
                return "constant", self.read(value.numpy())
            if type(value).__name__ == "TensorShape":
                return "shape", tuple(value)
        if "Functional" in kinds:
            nodes = self._nodes_of(value)
            if nodes is None:
                raise Unknowable(value)
            flags = {k: v for k, v in vars(value).items() if k in ("name", "_trainable")}
            return "model", self.read(type(value)), self.read(flags), self.read_nodes(nodes)
        if kinds:
            # TensorFlow's own books, in whatever it may have to save, begin by "_self_".
            of_tensorflow = {name for name in vars(value) if name.startswith("_self_")}
            skip = {*skip, *_LAYER_BOOKKEEPING, *of_tensorflow}
            if _package(type(value).__module__) == "keras":
                skip |= _SEEDS
        return super()._read_instance(value, skip)


def _is_fixed(module):
    package = _package(module)
    return package in _FIXED_PACKAGES or (
        package in sys.stdlib_module_names and package != "__main__"
    )


def _package(module):
    return (module or "").partition(".")[0]


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # a function that refers to itself and is not bound yet
        return None


def _names_in(code):
    """Names of globals and attributes that a function or a function within it reads."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names
