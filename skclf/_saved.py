"""Save fitted classifiers, and check the state of a loaded file.

Pure functions between an estimator's attributes and the state that pickle, joblib and skops save:
plain dicts, lists, tuples, numbers, strings and arrays, so that skops needs to trust only
the estimator's own class. A file can be damaged, altered or from another version, so loading it
checks that its parts fit together, instead of failing later or predicting nonsense.
"""

from __future__ import annotations

from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from skclf._targets import target_from_state
from skclf._versions import refusal, with_versions, without_versions
from skclf.nets import OpaqueNet, net_from_state, opaque_net_from_state

if TYPE_CHECKING:
    from collections.abc import Iterable

# Attributes that are set before a net is trained, and those that are set together after it.
_BEFORE_TRAINING = ("classes_", "_target", "n_features_in_", "_seeds")
_BY_TRAINING = (
    "_net",
    "_history",
    "_first_epoch",
    "_weights",
    "_state",
    "_epoch_weights",
    "n_epochs_",
    "best_epoch_",
)
# The shape of a row, for classifiers whose rows have several dimensions.
_SHAPES = ("image_shape_", "input_shape_")
# Builds the body of a user's own net. This is code, which the checksum can't cover.
_BODY = "_body"
# The attributes that the checksum covers. Parameters are left out, because a subclass may save them
# in another form, and `fit` checks them.
CHECKED = (*_BEFORE_TRAINING, "feature_names_in_", *_SHAPES, *_BY_TRAINING)
_KINDS_OF_LABELS = "biufUSOMm"
_SEEDS = ("dropout", "order", "split", "weights")
_LARGEST_SEED = 2**32 - 1


def to_state(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return an estimator's attributes in the form in which they are saved.

    Parameters
    ----------
    attributes : dict
        Attributes of an estimator, fitted or not. Not modified.

    Returns
    -------
    dict
        The attributes, the versions of skclf and scikit-learn, the format and the checksum.
    """
    saved = attributes
    if "_net" in attributes:
        saved = attributes | {
            "_net": attributes["_net"].to_state(),
            "_target": attributes["_target"].to_state(),
            "_history": {k: np.array(v, float) for k, v in attributes["_history"].items()},
        }
        if isinstance(attributes["_net"], OpaqueNet):
            saved[_BODY] = attributes["_net"].make_body
    return with_versions(saved, CHECKED)


def from_state(state: Any, name: str, parameters: Iterable[str]) -> dict[str, Any]:
    """Return an estimator's attributes from its saved state.

    Parameters
    ----------
    state : dict
        A state as returned by `to_state`, in this version or an earlier one. Not modified.
    name : str
        Name of the estimator's class, for messages.
    parameters : iterable of str
        Names of the parameters, which every estimator must have.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the state is incomplete or was altered, if its parts don't fit together, or if only a
        newer skclf can read it.

    Warns
    -----
    InconsistentVersionWarning
        If it was saved by another version of skclf or scikit-learn.
    """
    attributes = without_versions(state, name, parameters, CHECKED)
    if any(key in attributes for key in _BY_TRAINING):
        fault = next(_faults(attributes), None)
        if fault is not None:
            raise refusal(name, fault, state)
        attributes["_net"] = _net_of(attributes)
        attributes.pop(_BODY, None)
        attributes["_target"] = target_from_state(attributes["_target"], attributes["classes_"])
        attributes["_history"] = {k: v.tolist() for k, v in attributes["_history"].items()}
    return attributes


def _faults(attributes):
    """Check a state; each check relies on the earlier ones, so only the first fault counts.

    Yields
    ------
    str
        A fault, as a clause that completes "Can't load this classifier: ...".
    """
    lacking = [key for key in (*_BEFORE_TRAINING, *_BY_TRAINING) if key not in attributes]
    if lacking:
        yield f"it lacks {', '.join(lacking)}"
    try:
        net = _net_of(attributes)
    except ValueError as error:
        yield str(error)
    yield from _class_faults(attributes["classes_"])
    try:
        target = target_from_state(attributes["_target"], attributes["classes_"])
    except ValueError as error:
        yield str(error)
    yield from _output_faults(target, net)
    yield from _feature_faults(attributes, net)
    shapes = list(zip(net.weight_shapes(), net.weight_dtypes(), strict=True))
    yield from _weight_faults(attributes["_weights"], shapes, "_weights")
    yield from _history_faults(attributes["_history"])
    first_epoch = attributes["_first_epoch"]
    if not _is_size(first_epoch, least=0):
        yield f"_first_epoch is {first_epoch!r}"
    n_epochs = first_epoch + len(attributes["_history"]["loss"])
    for key in ("n_epochs_", "best_epoch_"):
        if not (_is_size(attributes[key]) and attributes[key] <= n_epochs):
            yield f"{key} is {attributes[key]!r}, with a history of {n_epochs} epochs"
    yield from _epoch_weight_faults(attributes, shapes)
    yield from _seed_faults(attributes["_seeds"])
    yield from _training_state_faults(attributes["_state"], net)


def _net_of(attributes):
    """Return the net, or raise a ValueError with a clause for `refusal`."""
    state = attributes["_net"]
    if not isinstance(state, dict) or "head" not in state:
        return net_from_state(state)
    body = attributes.get(_BODY)
    if body is not None and not callable(body):
        raise ValueError(f"its body should be callable, but is {_shown(body)}")
    return opaque_net_from_state(state).with_body(body)


def _is_size(value, least=1):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def _are_sizes(value, length=None):
    is_long_enough = isinstance(value, tuple) and length in (None, len(value))
    return is_long_enough and all(map(_is_size, value))


def _is_seed(value):
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    return is_whole and 0 <= value <= _LARGEST_SEED


def _is_real(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _class_faults(classes):
    is_array = isinstance(classes, np.ndarray) and classes.ndim == 1
    if not is_array or classes.dtype.kind not in _KINDS_OF_LABELS:
        yield f"classes_ is not a 1-D array of labels but {_shown(classes)}"
    labels = list(classes)
    try:
        are_sorted = all(first < second for first, second in pairwise(labels))
    except TypeError:
        are_sorted = False
    if not are_sorted:
        yield f"classes_ is not sorted and distinct: {_shown(classes)}"
    if classes.dtype.kind in "fMm" and not np.isfinite(classes).all():
        yield f"classes_ is not finite: {_shown(classes)}"


def _output_faults(target, net):
    n_classes, units = len(target.classes), net.n_outputs
    most = target.most_classes or n_classes
    if not 2 <= n_classes <= most or target.n_outputs != units:
        yield f"it has {n_classes} classes_ and an output layer for {2 if units == 1 else units}"
    if net.output_layer.activation != target.head:
        yield f"its output layer has the activation {net.output_layer.activation!r}"


def _feature_faults(attributes, net):
    n_features, n_inputs = attributes["n_features_in_"], int(np.prod(net.input_shape))
    if not _is_size(n_features) or n_features != n_inputs:
        yield f"n_features_in_ is {n_features!r}, but the net's input has {n_inputs} values"
    names = attributes.get("feature_names_in_")
    if names is not None:
        is_array = isinstance(names, np.ndarray) and names.shape == (n_features,)
        if not is_array or not all(isinstance(feature, str) for feature in names.tolist()):
            yield f"feature_names_in_ is not an array of {n_features} strings but {_shown(names)}"
    name = next((name for name in _SHAPES if name in attributes), _SHAPES[0])
    shape = attributes.get(name, None if net.takes_images else net.input_shape)
    if not _are_sizes(shape) or shape != net.input_shape:
        yield f"{name} is {shape!r}, but the net's input is of shape {net.input_shape}"


def _weight_faults(weights, shapes, name):
    if not isinstance(weights, list):
        yield f"{name} is a {type(weights).__name__}, not a list of arrays"
    if len(weights) != len(shapes):
        yield f"{name} has {len(weights)} arrays, but the net needs {len(shapes)}"
    for number, (array, (shape, dtype)) in enumerate(zip(weights, shapes, strict=True)):
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
            yield f"{name}[{number}] is {_shown(array)}, not a {dtype} array of shape {shape}"


def _history_faults(history):
    if not isinstance(history, dict) or "loss" not in history:
        yield "its history is not a dict with the loss of each epoch"
    if not all(isinstance(key, str) for key in history):
        yield "the names in its history are not all strings"
    for key, values in history.items():
        # NaN is valid: the net diverged, or the epoch had no validation rows.
        if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype != float:
            yield f"its history of {key!r} is {_shown(values)}, not a 1-D array of float64"
    lengths = {key: len(values) for key, values in history.items()}
    if len(set(lengths.values())) > 1:
        yield f"the columns of its history have different lengths: {lengths}"


def _epoch_weight_faults(attributes, shapes):
    kept, n_epochs = attributes["_epoch_weights"], attributes["n_epochs_"]
    if not isinstance(kept, dict) or not all(_is_size(e) and e <= n_epochs for e in kept):
        yield "its _epoch_weights are not a dict with numbers of epochs as keys"
    for epoch, weights in kept.items():
        yield from _weight_faults(weights, shapes, f"_epoch_weights[{epoch}]")


def _seed_faults(seeds):
    is_whole = isinstance(seeds, dict) and all(name in seeds for name in _SEEDS)
    if not is_whole or not all(map(_is_seed, seeds.values())):
        yield (
            f"its seeds are not a dict of {', '.join(_SEEDS)} with integers from 0 to "
            f"{_LARGEST_SEED}"
        )


def _training_state_faults(state, net):
    """Shapes of the optimizer's variables are checked only when training continues."""
    if state is None:
        return
    keys = ("optimizer", "learning_rate", "variables", "dropout_states")
    if not isinstance(state, dict) or any(key not in state for key in keys):
        yield f"its training state is not a dict of {', '.join(keys)}"
    if not isinstance(state["optimizer"], str | None):
        shown = _shown(state["optimizer"])
        yield f"the optimizer in its training state should be a name, but is {shown}"
    rate = state["learning_rate"]
    if rate is not None and not _is_real(rate):
        yield f"the learning rate in its training state should be a number, but is {_shown(rate)}"
    for key in ("variables", "dropout_states"):
        arrays = state[key]
        if not isinstance(arrays, list) or not all(
            isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "biuf"
            for array in arrays
        ):
            yield f"the {key} in its training state are not a list of arrays of numbers"
    found, needed = len(state["dropout_states"]), net.n_generators
    if found != needed:
        yield f"it has the states of {found} dropout layers, but its net has {needed}"


def _shown(value):
    """Return a short description of a value."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return f"a {type(value).__name__}"
