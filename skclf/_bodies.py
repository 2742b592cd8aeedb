"""Bodies of the user's own: what lies between the input and the output layer of a net.

Nothing here loads Keras: a body is a function of Keras tensors, which calls layers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, clone

if TYPE_CHECKING:
    import keras

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Network(BaseEstimator):
    """Base of bodies with parameters that scikit-learn can read, set and search.

    A subclass has an ``__init__`` that only assigns its parameters, as every estimator's does, and
    a method ``build``. For a body that is one function, `network` makes such a class of it.

    See Also
    --------
    network : Make a subclass of a function.
    NetworkClassifier : Trains the net.

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
        """Build the body.

        Parameters
        ----------
        inputs : keras.KerasTensor of shape (None, ...)
            The rows, float32. Their shape is known, the number of rows is not.

        Returns
        -------
        keras.KerasTensor of shape (None, n_values)
            What the output layer is put on.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method build(inputs).")


def network(function: Callable[..., Any]) -> type[Network]:
    """Make a class of a function that builds the body of a net, for `NetworkClassifier`.

    It is used as a decorator. The class has the function's name, and its parameters are those of
    the function after the first one, so that a search can set them, as ``network__units``.

    Parameters
    ----------
    function : callable
        ``function(inputs, units=64, ...)``. It takes the rows as a `keras.KerasTensor`, calls
        Keras layers, and returns the tensor that the output layer is put on.

    Returns
    -------
    type
        A subclass of `Network`.

    Raises
    ------
    TypeError
        If this is not a function, or it takes ``*args`` or ``**kwargs``, which have no names to
        search by.

    See Also
    --------
    NetworkClassifier : Trains the net.
    Network : The base class, for bodies that need more than one function.

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
        raise TypeError(f"Got {function!r}; network decorates a function, which builds a body.")
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

    for method in (__init__, build):  # skops and pickle look for a method where its class is
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
    """The parameters of a function that builds a body, without the first one."""
    all_parameters = list(inspect.signature(function).parameters.values())
    if not all_parameters or all_parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise TypeError(
            f"{function.__name__} takes no inputs; its first argument must be the tensor that the "
            "body begins with: def body(inputs, units=64)."
        )
    for parameter in all_parameters[1:]:
        if parameter.kind not in _BY_NAME:
            raise TypeError(
                f"{function.__name__} takes {parameter}; each parameter of a network needs a name "
                "of its own, such as units=64."
            )
    return all_parameters[1:]


def body_maker(body: Any) -> Callable[[Any], Any] | None:
    """What makes a body, from the parameter ``network``; it stays what it is now.

    Parameters
    ----------
    body : Network, callable or None

    Returns
    -------
    callable or None
        From a tensor to a tensor; it pickles where the body does. None is the output layer alone.

    Raises
    ------
    TypeError
        If it is something else, such as a class or a `keras.Model`.
    """
    if body is None:
        return None
    if isinstance(body, Network):
        return clone(body).build
    if isinstance(body, type):
        call = f"{body.__name__}()"
        raise TypeError(
            f"Got network={body.__name__}, which is a class; expected an instance, such as {call}."
        )
    if _is_of_keras(body):
        raise TypeError(
            f"Got network={type(body).__name__}, a Keras object, whose weights clones and folds "
            "would share; expected a function that builds the layers anew: def body(inputs): "
            "return keras.layers.Dense(64)(inputs)."
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
            f"Got network={name}, which can't be called with the inputs alone ({error}): give its "
            "other arguments defaults, decorate it with skclf.network, or use functools.partial."
        ) from error
    except ValueError:  # no signature
        pass
    return body


def _is_of_keras(value):
    modules = (base.__module__ for base in type(value).__mro__)
    return any(module.partition(".")[0] == "keras" for module in modules)
