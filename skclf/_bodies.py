"""Bodies written by users: the layers between the input and the output layer of a net.

This module doesn't load Keras. A body is a function from a Keras tensor to a Keras tensor.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, clone

from skclf._repr import ApiPageMixin

if TYPE_CHECKING:
    import keras

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Network(ApiPageMixin, BaseEstimator):
    """Base class of bodies whose parameters scikit-learn can get, set and search over.

    A subclass has a method ``build`` and, as every scikit-learn estimator, an ``__init__`` that
    only assigns its parameters. If the body is a single function, the decorator `network` creates
    such a class from it.

    See Also
    --------
    network : Turn a function that builds a body into a subclass.
    NetworkClassifier : Classifier that trains a net with this body.

    Examples
    --------
    >>> from skclf import Network, NetworkClassifier
    >>> class Deep(Network):
    ...     def __init__(self, depth=2, units=16):
    ...         self.depth = depth
    ...         self.units = units
    ...
    ...     def build(self, inputs):
    ...         import keras
    ...
    ...         x = inputs
    ...         for _ in range(self.depth):
    ...             x = keras.layers.Dense(self.units, activation="relu")(x)
    ...         return x
    >>> clf = NetworkClassifier(Deep(depth=3))
    >>> clf.set_params(network__units=8).get_params()["network__units"]
    8
    """

    def build(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Build the body; to be implemented by subclasses.

        Parameters
        ----------
        inputs : keras.KerasTensor of shape (None, ...), dtype float32
            The rows. Their shape is known; None stands for their number.

        Returns
        -------
        keras.KerasTensor of shape (None, n_values), dtype float32
            The input of the output layer.

        Raises
        ------
        NotImplementedError
            If the subclass doesn't implement it.

        Examples
        --------
        >>> import keras
        >>> from skclf import network
        >>> @network
        ... def dense(inputs, units=64):
        ...     return keras.layers.Dense(units, activation="relu")(inputs)
        >>> dense(units=16).build(keras.Input((4,))).shape
        (None, 16)
        """
        raise NotImplementedError(
            f"Got {type(self).__name__} without a method build; expected a method build(inputs) "
            "that returns the input of the output layer."
        )


def network(function: Callable[..., Any]) -> type[Network]:
    """Turn a function that builds the body of a net into a class, for `NetworkClassifier`.

    Use it as a decorator. The class has the name of the function, and its parameters are the
    arguments of the function after the first one. A search sets them as, for example,
    ``network__units``.

    Parameters
    ----------
    function : callable
        ``function(inputs, units=64, ...)``. It takes the rows as a `keras.KerasTensor` of shape
        ``(None, ...)``, calls Keras layers, and returns the input of the output layer, a
        `keras.KerasTensor` of shape ``(None, n_values)``.

    Returns
    -------
    type
        A subclass of `Network`.

    Raises
    ------
    TypeError
        If ``function`` is not a function, has no argument, or takes ``*args`` or ``**kwargs``,
        which have no names to search by.

    See Also
    --------
    NetworkClassifier : Classifier that trains a net with this body.
    Network : Base class for bodies that need more than one function.

    Examples
    --------
    >>> import keras
    >>> from sklearn.datasets import make_classification
    >>> from skclf import NetworkClassifier, network
    >>> @network
    ... def residual(inputs, units=64, rate=0.2):
    ...     x = keras.layers.Dense(units, activation="relu")(inputs)
    ...     y = keras.layers.Dropout(rate)(x)
    ...     y = keras.layers.Dense(units, activation="relu")(y)
    ...     return keras.layers.Add()([x, y])
    >>> residual(units=32)
    residual(units=32)
    >>> X, y = make_classification(random_state=0)
    >>> clf = NetworkClassifier(residual(units=32), random_state=0).fit(X, y)
    >>> clf.predict_proba(X[:2]).shape
    (2, 2)
    """
    if not inspect.isfunction(function):
        raise TypeError(f"Got {function!r}; expected a function that builds the body of a net.")
    parameters = _parameters_of(function)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            given = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.__name__}: {error}") from error
        given.apply_defaults()
        vars(self).update(list(given.arguments.items())[1:])

    def build(self: Any, inputs: Any) -> Any:
        return function(inputs, **{name: getattr(self, name) for name in names})

    for method in (__init__, build):  # skops and pickle look for a method in its class
        method.__module__ = function.__module__
        method.__qualname__ = f"{function.__qualname__}.{method.__name__}"
    names = [parameter.name for parameter in parameters]
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.Signature([own, *parameters])
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    entries = {
        "__init__": __init__,
        "build": build,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__doc__": function.__doc__,
        "__wrapped__": staticmethod(function),
    }
    return type(function.__name__, (Network,), entries)


def _parameters_of(function):
    """The parameters of a function that builds a body, except the first one."""
    all_parameters = list(inspect.signature(function).parameters.values())
    if not all_parameters or all_parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise TypeError(
            f"Got {function.__name__} without a positional argument; expected the input tensor as "
            "its first argument: def body(inputs, units=64)."
        )
    for parameter in all_parameters[1:]:
        if parameter.kind not in _BY_NAME:
            raise TypeError(
                f"Got {function.__name__} with the parameter {parameter}; expected parameters with "
                "names, such as units=64."
            )
    return all_parameters[1:]


def body_maker(body: Any) -> Callable[[Any], Any] | None:
    """The function that builds the body, from the parameter ``network``.

    Parameters
    ----------
    body : Network, callable or None
        A `Network` is cloned, so setting its parameters later doesn't change the result.

    Returns
    -------
    callable or None
        From a tensor to a tensor. It can be pickled if ``body`` can. None means a net of the
        output layer only.

    Raises
    ------
    TypeError
        If ``body`` is something else, such as a class or a `keras.Model`.
    """
    if body is None:
        return None
    if isinstance(body, Network):
        return clone(body).build
    if isinstance(body, type):
        call = f"{body.__name__}()"
        raise TypeError(
            f"Got network={body.__name__}, a class; expected an instance, such as {call}."
        )
    if _is_of_keras(body):
        raise TypeError(
            f"Got network={type(body).__name__}, a Keras object; expected a function that builds "
            "new layers in each call, since clones and folds would share the weights of an object: "
            "def body(inputs): return keras.layers.Dense(64)(inputs)."
        )
    if not callable(body):
        raise TypeError(
            f"Got network={body!r}; expected a function of a Keras tensor, an instance of "
            "skclf.Network, or None."
        )
    try:
        inspect.signature(body).bind(None)
    except TypeError as error:
        name = getattr(body, "__name__", type(body).__name__)
        raise TypeError(
            f"Got network={name}, which can't be called with one argument ({error}); expected a "
            "function of the inputs alone. Give its other arguments defaults, decorate it with "
            "skclf.network, or use functools.partial."
        ) from error
    except ValueError:  # no signature
        pass
    return body


def _is_of_keras(value):
    modules = (base.__module__ for base in type(value).__mro__)
    return any(module.partition(".")[0] == "keras" for module in modules)
