"""Compute hashable fingerprints of what objects do, as keys of compiled programs.

A compiled program contains the classes and functions as they were when it was traced. Two objects
may share a program only if they do the same. Names don't show that: a class can be edited and run
again, and a function can read a global that has changed. So a fingerprint consists of the code and
of everything that the code reads. If that can't be determined, there is no fingerprint, and the
program isn't reused.
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
# Entries of a class that don't affect what it does.
_CLASS_BOOKKEEPING = {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__"}
_CLASS_BOOKKEEPING |= {"__firstlineno__", "__static_attributes__", "__abstractmethods__"}
_CLASS_BOOKKEEPING |= {"_abc_impl", "__annotate_func__", "__annotations_cache__"}
# Attributes that Keras's objects use for bookkeeping.
_KERAS_BOOKKEEPING = {"_tracker", "_lock", "_obj_reference_counts_dict"}
# Records of calls and weights in Keras's layers, which are also available elsewhere.
_LAYER_BOOKKEEPING = {"_inbound_nodes", "_outbound_nodes", "_call_signature", "_losses"}
_LAYER_BOOKKEEPING |= {"_losses_override", "_loss_ids", "_metrics", "_trainable_variables"}
_LAYER_BOOKKEEPING |= {"_non_trainable_variables", "_seed_generators", "_path", "_parent_path"}
_LAYER_BOOKKEEPING |= {"_auto_config", "_build_shapes_dict", "_called"}
# Keras wraps these methods in each layer; the class already shows what they do.
_LAYER_BOOKKEEPING |= {"build", "quantize"}
# Keras's own layers draw from generators, whose states are set in each fit.
_SEEDS = {"seed", "_init_seed"}


class Unknowable(Exception):
    """It can't be determined what an object does."""


def fingerprint(value, skip=()):
    """Return a hashable that is equal for objects that do the same.

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
    """Return a hashable that is equal for graphs of layers that compute the same function.

    Parameters
    ----------
    nodes : list of keras nodes
        Each node after the nodes that its inputs come from.
    nodes_of : callable
        Returns such a list for a functional model within the graph.

    Raises
    ------
    Unknowable
        If what a layer does depends on something that can't be compared.
    """
    return _LayerReader(nodes_of).read_nodes(nodes)


class _Reader:
    """Reads each object only once, because objects may refer to each other in cycles."""

    def __init__(self):
        self._seen = {}  # id -> number and object; the reference keeps the id from being reused

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
        """Read a global of a function; of a user's module only what the function may read."""
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
            raise Unknowable(value)  # it may have state that no attribute shows
        left_out = {*skip, *(_KERAS_BOOKKEEPING if of_keras else ())}
        attributes = {k: v for k, v in vars(value).items() if k not in left_out}
        return "instance", self.read(cls), self.read(attributes)


class _LayerReader(_Reader):
    """Reads what layers compute, with the shapes of their variables instead of the values.

    Each fit sets the initial values of the variables, so initializers and seeds are ignored.
    """

    def __init__(self, nodes_of):
        super().__init__()
        self._nodes_of = nodes_of
        self._tensors = {}  # id -> number and tensor

    def read_nodes(self, nodes):
        """Return what each node computes, and from which of the earlier tensors."""
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
            # TensorFlow's bookkeeping attributes in trackable objects begin with "_self_".
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
    """Return the names of globals and attributes that a function or its inner functions read."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names
