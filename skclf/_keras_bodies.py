"""Build and check users' bodies with Keras, and compute their keys.

A body is built again for each fit, with new layers whose initial weights depend only on the seed of
the fit. Two nets with the same `net_key` are trained by the same compiled program.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

import keras
import tensorflow as tf
from sklearn.base import BaseEstimator

from skclf import engine, nets
from skclf._fingerprints import Unknowable, fingerprint_of_layers
from skclf._typing import Shape

if TYPE_CHECKING:
    import numpy as np

_INPUT, _OUTPUT = "rows", "output"


class BuiltNet(NamedTuple):
    """A net whose body Keras has just built.

    Attributes
    ----------
    net : skclf.nets.OpaqueNet
        With all properties that building it has shown.
    inputs, outputs : keras.KerasTensor
    weights : list of ndarray
        The initial weights.
    generator_states : list of ndarray
        The initial states of the layers' random generators.
    key : hashable or None
        Everything that its programs depend on; None if that can't be determined.
    """

    net: nets.OpaqueNet
    inputs: keras.KerasTensor
    outputs: keras.KerasTensor
    weights: list[np.ndarray]
    generator_states: list[np.ndarray]
    key: Any


# Classes and functions whose bodies have been built before.
_known_makers: WeakSet[Any] = WeakSet()


def build(net: nets.OpaqueNet, seed: int) -> BuiltNet:
    """Build a net.

    Parameters
    ----------
    net : skclf.nets.OpaqueNet
    seed : int
        For the initial weights of all initializers that the user gave no seed.

    Raises
    ------
    ValueError, TypeError
        If no output layer can be added to the body.
    """
    built, model = _built(net, seed)
    _warn_of_second_output_layer(model, net)
    maker = _named_maker(net)
    if maker is not None and maker not in _known_makers:
        # The first call of a layer that was made outside of the body creates its variables, so such
        # a layer is only found when the body is built a second time.
        _built(net, seed)
        _known_makers.add(maker)
    return built


def _built(net, seed):
    created: set[int] = set()
    with engine.own_state(seed), tf.variable_creator_scope(_noting(created)):
        inputs = keras.Input(net.input_shape, dtype="float32", sparse=net.sparse, name=_INPUT)
        body = _body_on(net, inputs)
        _check_tensor(body, net)
        outputs = keras.layers.Dense(
            net.n_outputs, activation=net.head, dtype="float32", name=_OUTPUT
        )(body)
    model = _connected(inputs, outputs)
    _check_layers(model, created)
    if net.sparse:
        _check_begins_with_dense(inputs, model)
    weights = [engine.by_value(variable) for variable in model.weights]
    of_weights = set(map(id, model.weights))
    states = [engine.by_value(v) for v in model.variables if id(v) not in of_weights]
    seen = nets.OpaqueNet(
        net.input_shape,
        net.n_outputs,
        net.head,
        net.sparse,
        net.make_body,
        tuple((tuple(map(int, w.shape)), w.dtype.name) for w in weights),
        # One more generator is for Keras's functions that were called without a seed.
        len(states) + 1,
        _n_ids(inputs, model),
        nets.graph_of(model),
    )
    return BuiltNet(seen, inputs, outputs, weights, states, net_key(model)), model


def net_key(model: keras.Model) -> Any:
    """Return a key equal for models that compute the same with the same weights, or None."""
    nodes = engine.nodes_of(model)
    if nodes is None:
        return None
    try:
        return fingerprint_of_layers(nodes, engine.nodes_of)
    except Unknowable:
        return None


def _noting(created):
    """Return a creator of variables that records the ids of those it creates."""

    def create(next_creator, **options):
        variable = next_creator(**options)
        created.add(id(variable))
        return variable

    return create


def _body_on(net, inputs):
    if net.make_body is None:
        return inputs
    make_body = _with_fresh_initializers(net.make_body)
    try:
        return make_body(inputs)
    except Exception as error:
        if net.sparse:
            raise ValueError(
                f"Got sparse rows, on which the network can't be built ({error}); expected a "
                "network whose first layer is a keras.layers.Dense. Change the network, or make "
                "the rows dense with X.toarray()."
            ) from error
        if len(net.input_shape) == 2 and "expected min_ndim=4" in str(error):
            raise ValueError(
                f"Got images without channels, on which the network can't be built ({error}); "
                "expected images of shape (height, width, channels). Pass X[..., np.newaxis]."
            ) from error
        raise


def _with_fresh_initializers(make_body):
    """Return the builder of a body whose initializer parameters draw new seeds.

    Without a seed, an initializer draws one from Python's global generator when it is created. So
    it is created again, while the generator is seeded by the fit.
    """
    body = getattr(make_body, "__self__", None)
    if not isinstance(body, BaseEstimator):
        return make_body
    parameters = body.get_params(deep=False)
    for name, value in parameters.items():
        if isinstance(value, keras.initializers.Initializer):
            parameters[name] = type(value).from_config(value.get_config())
    return type(body)(**parameters).build


def _check_tensor(body: Any, net: nets.OpaqueNet) -> None:
    """Raise an error unless an output layer can be added to what the body returned."""
    name = _name_of(net)
    if isinstance(body, keras.Model):
        raise TypeError(
            f"Got a keras.Model from {name}; expected the tensor that the output layer is added "
            "to. Return the output of the last hidden layer, and leave out keras.Model, the output "
            "layer and compile, which the classifier adds."
        )
    if isinstance(body, list | tuple):
        raise TypeError(
            f"Got {len(body)} tensors from {name}; expected one. Join them, for example with "
            "keras.layers.Concatenate()."
        )
    if not isinstance(body, keras.KerasTensor):
        found = "None" if body is None else f"an object of type {type(body).__name__}"
        raise TypeError(
            f"Got {found} from {name}; expected the keras.KerasTensor that its last layer returns."
        )
    if len(body.shape) != 2:
        raise ValueError(
            f"Got a tensor of shape {_shown(body.shape)} from {name}; expected the shape (n_rows, "
            "n_values), to which an output layer can be added. End with keras.layers.Flatten(), a "
            "global pooling layer, or a recurrent layer with return_sequences=False."
        )
    if body.shape[-1] is None:
        raise ValueError(
            f"Got a tensor of shape {_shown(body.shape)} from {name}; expected a fixed number of "
            "values, which the output layer needs to know."
        )
    if body.dtype != "float32":
        raise ValueError(
            f"Got a {body.dtype} tensor from {name}; expected float32. Leave out dtype=, and call "
            "keras.config.set_dtype_policy('float32')."
        )


def _connected(inputs, outputs):
    try:
        model = keras.Model(inputs, outputs, name="skclf_net")
    except ValueError as error:
        if "unique" in str(error):
            raise ValueError(
                f"Got a network in which two layers have the same name ({error}); expected "
                f"different names, and neither {_INPUT!r} nor {_OUTPUT!r}, which the classifier "
                "uses. Rename the layers."
            ) from error
        raise _foreign_input(str(error)) from error
    # Keras before 3.11 builds a model that fails when it is called.
    known = {id(inputs)}
    for node in engine.nodes_of(model) or ():
        if not node.arguments.keras_tensors:  # of an input layer
            continue
        for tensor in node.arguments.keras_tensors:
            if id(tensor) not in known:
                raise _foreign_input(f"{tensor.name!r} is another input")
        known.update(map(id, node.outputs))
    return model


def _foreign_input(found):
    return ValueError(
        f"Got a tensor from the network that doesn't depend on its inputs alone ({found}); "
        "expected one that does. Build it on the tensor that is passed in, without another "
        "keras.Input."
    )


def _check_layers(model, created):
    """Raise an error unless the net trains in float32, with weights of its own."""
    for layer in engine.all_layers(model):
        for name in ("compute_dtype", "variable_dtype"):
            dtype = getattr(layer, name, None) or "float32"
            if "float" in dtype and dtype != "float32":
                raise ValueError(
                    f"Got the layer {layer.name!r} with {name}={dtype!r}; expected 'float32', in "
                    "which nets are trained. Leave out dtype=, and call "
                    "keras.config.set_dtype_policy('float32')."
                )
    outside = [v for v in model.variables if id(v.value) not in created]
    if outside:
        raise ValueError(
            "Got layers that were created outside the network (with the variable "
            f"{outside[0].path!r}); expected only layers that it creates itself, so that fits "
            "don't share weights. Create the layers inside, or copy them there: copy = "
            "keras.models.clone_model(model); copy.set_weights(model.get_weights())."
        )


def _warn_of_second_output_layer(model, net):
    """Warn if the body ends like the output layer that the classifier adds.

    Such a layer is easily left behind when a net is ported. The net would train, but worse, since
    its output layer would see probabilities only.
    """
    output = _node_of(model, model.outputs[0])
    if output is None:
        return
    body = output.arguments.keras_tensors[0]
    layer = _last_layer(model, body)
    activation = getattr(layer, "activation", None)
    is_softmax = activation is keras.activations.softmax or isinstance(layer, keras.layers.Softmax)
    if is_softmax:
        wanted = 2 if net.n_outputs == 1 else net.n_outputs
    elif activation is keras.activations.sigmoid:
        wanted = net.n_outputs
    else:
        return
    if body.shape[-1] == wanted:
        warnings.warn(
            f"{_name_of(net)} ends with {wanted} {'softmax' if is_softmax else 'sigmoid'} "
            f"{'unit' if wanted == 1 else 'units'}, like an output layer, and the classifier adds "
            "an output layer of its own. Return the tensor before that layer.",
            UserWarning,
            stacklevel=2,
        )


def _node_of(model, tensor):
    """Return the node of a model that computes a tensor, or None if that can't be determined."""
    nodes = engine.nodes_of(model) or ()
    return next((n for n in nodes if any(output is tensor for output in n.outputs)), None)


def _last_layer(model, tensor):
    """Return the layer that computes a tensor, also if it is inside a model in the body."""
    node = _node_of(model, tensor)
    layer = None if node is None else node.operation
    while isinstance(layer, keras.Sequential):
        layer = layer.layers[-1]
    if isinstance(layer, type(model)):  # Keras's Functional, which has no public name
        return _last_layer(layer, layer.outputs[0])
    return layer


def _users_of(inputs, model):
    """Return the layers whose input are the rows."""
    return [
        node.operation
        for node in engine.nodes_of(model) or ()
        if any(tensor is inputs for tensor in node.arguments.keras_tensors)
    ]


def _n_ids(inputs, model):
    sizes = [
        layer.input_dim
        for layer in _users_of(inputs, model)
        if isinstance(layer, keras.layers.Embedding)
    ]
    return min(sizes, default=None)


def _check_begins_with_dense(inputs, model):
    users = _users_of(inputs, model)
    first: Any = users[0] if len(users) == 1 else None
    is_plain = type(first) is keras.layers.Dense and first.activity_regularizer is None
    if is_plain and getattr(first, "quantization_mode", None) is None:
        return
    names = ", ".join(f"{type(layer).__name__} {layer.name!r}" for layer in users)
    raise ValueError(
        f"Got sparse rows, which the network passes to {names}; expected a single "
        "keras.layers.Dense without activity_regularizer, the only layer that accepts them. Change "
        "the network, or make the rows dense with X.toarray()."
    )


def _named_maker(net):
    """Return the class or function that the user wrote, or None."""
    maker = net.make_body
    maker = getattr(maker, "__self__", maker)
    return maker if maker is None or hasattr(maker, "__name__") else type(maker)


def _name_of(net):
    return getattr(_named_maker(net), "__name__", "network=None")


def _shown(shape: Shape) -> str:
    sizes = ["n_rows" if n == 0 and size is None else str(size) for n, size in enumerate(shape)]
    return f"({', '.join(sizes)})"
