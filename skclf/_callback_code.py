"""Finds out from the code of a callback whether it can access the Keras model."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import keras

from skclf import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

# Names of the model, and of ways to access an attribute without writing its name.
_WAYS_TO_THE_MODEL = {"model", "_model", "set_model", "__dict__", "__getattribute__"}
# Their own code doesn't use the model, and the functions of a LambdaCallback don't get it.
_KNOWN = (keras.callbacks.LambdaCallback, keras.callbacks.Callback, object)


def sees_model(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback reads ``self.model``, or may do so in a way that its code doesn't show.

    It may if it has a hook for batches, passes itself to a function, or has no readable source.

    Parameters
    ----------
    callback : keras.callbacks.Callback
        Other references to it don't give access to the model, since a fit uses a shallow copy.
    """
    classes = [cls for cls in type(callback).__mro__ if cls not in _KNOWN]
    return engine.hears_of_batches(callback) or any(map(_class_sees_model, classes))


@engine.kept
def _class_sees_model(cls):
    members = vars(cls)
    if not _WAYS_TO_THE_MODEL.isdisjoint(set(members) - {"__dict__"}):
        return True
    return any(map(_member_sees_model, members.values()))


def _member_sees_model(member):
    if isinstance(member, staticmethod | classmethod):
        return _mentions_model(member.__func__)
    if isinstance(member, property):
        return any(map(_member_sees_model, filter(None, (member.fget, member.fset, member.fdel))))
    if isinstance(member, FunctionType):
        return _mentions_model(member) or _hands_itself_on(member)
    # Other descriptors, which get the callback when they are read, except Python's own.
    return hasattr(type(member), "__get__") and not inspect.isgetsetdescriptor(member)


def _mentions_model(function):
    code = getattr(function, "__code__", None)
    return code is None or not _WAYS_TO_THE_MODEL.isdisjoint(_names(code))


def _names(code: CodeType) -> Iterator[str]:
    """Names of globals and attributes in a function, and in those that it defines."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _hands_itself_on(method: FunctionType) -> bool:
    """Whether a method uses its first argument other than to get or set an attribute of it."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    except (OSError, TypeError, SyntaxError):  # no source, or a lambda's, which isn't a statement
        return True
    nodes = list(ast.walk(tree))
    holders = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    own_name = next(iter(method.__code__.co_varnames), None)
    return any(
        isinstance(node, ast.Name) and node.id == own_name and id(node) not in holders
        for node in nodes
    )
