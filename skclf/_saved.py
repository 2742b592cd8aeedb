"""What of a fitted classifier goes into a file, and whether what comes out of one can be it.

Pure functions between an estimator's attributes and the state that pickle, joblib and skops save:
plain dicts, lists, tuples, numbers, strings and arrays, so that those who load with skops have no
other class to trust than the estimator's own. A file can be damaged, altered or of another
version; whoever loads it should hear of that at once, and not at the first strange prediction.
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
# The shape of a row, where a classifier takes rows of several dimensions.
_SHAPES = ("image_shape_", "input_shape_")
# What makes the body of a net of the user's own: code, which the checksum can't cover.
_BODY = "_body"
# What the checksum covers. Parameters are not part of it: a subclass may save them in a form of its
# own, and `fit` checks them.
CHECKED = (*_BEFORE_TRAINING, "feature_names_in_", *_SHAPES, *_BY_TRAINING)
_KINDS_OF_LABELS = "biufUSOMm"
_SEEDS = ("dropout", "order", "split", "weights")
_LARGEST_SEED = 2**32 - 1


def to_state(attributes: dict[str, Any]) -> dict[str, Any]:
    """An estimator's attributes in the form in which they are saved.

    Parameters
    ----------
    attributes : dict
        Of an estimator, fitted or not; left as it is.

    Returns
    -------
    dict
        With the versions of skclf and of scikit-learn, the format and the checksum.
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
    """An estimator's attributes from what was saved.

    Parameters
    ----------
    state : dict
        As `to_state` gives it, or did in an earlier version; left as it is.
    name : str
        Of the estimator's class, for messages.
    parameters : iterable of str
        Names of the parameters, which every estimator must have.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the state is not whole or not the one that was saved, its parts don't fit together, or
        only a newer skclf can read it.

    Warns
    -----
    InconsistentVersionWarning
        If another version of skclf or of scikit-learn has saved it.
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
    """What is wrong, first things first: a later check relies on the earlier ones.

    Yields
    ------
    str
        Half a sentence.
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
    """The net, or a ValueError with half a sentence."""
    state = attributes["_net"]
    if not isinstance(state, dict) or "head" not in state:
        return net_from_state(state)
    body = attributes.get(_BODY)
    if body is not None and not callable(body):
        raise ValueError(f"what makes the body of its net is {_shown(body)}")
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
        yield f"classes_ is no 1-D array of labels: {_shown(classes)}"
    labels = list(classes)
    try:
        are_sorted = all(first < second for first, second in pairwise(labels))
    except TypeError:
        are_sorted = False
    if not are_sorted:
        yield f"classes_ are not sorted and distinct: {_shown(classes)}"
    if classes.dtype.kind in "fMm" and not np.isfinite(classes).all():
        yield f"classes_ are not finite: {_shown(classes)}"


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
        yield f"n_features_in_ is {n_features!r} and the net's input has {n_inputs} values"
    names = attributes.get("feature_names_in_")
    if names is not None:
        is_array = isinstance(names, np.ndarray) and names.shape == (n_features,)
        if not is_array or not all(isinstance(feature, str) for feature in names.tolist()):
            yield f"feature_names_in_ are no names of {n_features} features: {_shown(names)}"
    name = next((name for name in _SHAPES if name in attributes), _SHAPES[0])
    shape = attributes.get(name, None if net.takes_images else net.input_shape)
    if not _are_sizes(shape) or shape != net.input_shape:
        yield f"{name} is {shape!r} and the net's input is of shape {net.input_shape}"


def _weight_faults(weights, shapes, name):
    if not isinstance(weights, list):
        yield f"{name} is a {type(weights).__name__} and no list of arrays"
    if len(weights) != len(shapes):
        yield f"{name} has {len(weights)} arrays and the net has {len(shapes)}"
    for number, (array, (shape, dtype)) in enumerate(zip(weights, shapes, strict=True)):
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
            yield f"{name}[{number}] is {_shown(array)}, and not a {dtype} array of shape {shape}"


def _history_faults(history):
    if not isinstance(history, dict) or "loss" not in history:
        yield "its history is no dict with the loss of each epoch"
    if not all(isinstance(key, str) for key in history):
        yield "the names in its history are not all strings"
    for key, values in history.items():
        # NaN is a value too: that of a net that diverged, or of an epoch without validation rows.
        if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype != float:
            yield f"its history of {key!r} is {_shown(values)}, and not a 1-D array of float64"
    lengths = {key: len(values) for key, values in history.items()}
    if len(set(lengths.values())) > 1:
        yield f"the columns of its history are of different lengths: {lengths}"


def _epoch_weight_faults(attributes, shapes):
    kept, n_epochs = attributes["_epoch_weights"], attributes["n_epochs_"]
    if not isinstance(kept, dict) or not all(_is_size(e) and e <= n_epochs for e in kept):
        yield "the weights that it kept of its epochs are no dict by the number of the epoch"
    for epoch, weights in kept.items():
        yield from _weight_faults(weights, shapes, f"_epoch_weights[{epoch}]")


def _seed_faults(seeds):
    is_whole = isinstance(seeds, dict) and all(name in seeds for name in _SEEDS)
    if not is_whole or not all(map(_is_seed, seeds.values())):
        yield (
            f"its seeds are no dict of {', '.join(_SEEDS)} to whole numbers from 0 to "
            f"{_LARGEST_SEED}"
        )


def _training_state_faults(state, net):
    """The optimizer knows the shapes of its variables, and is asked when training goes on."""
    if state is None:
        return
    keys = ("optimizer", "learning_rate", "variables", "dropout_states")
    if not isinstance(state, dict) or any(key not in state for key in keys):
        yield f"the state to go on training from is no dict of {', '.join(keys)}"
    if not isinstance(state["optimizer"], str | None):
        yield f"the optimizer to go on training with is named by {_shown(state['optimizer'])}"
    rate = state["learning_rate"]
    if rate is not None and not _is_real(rate):
        yield f"the learning rate to go on training with is {_shown(rate)}"
    for key in ("variables", "dropout_states"):
        arrays = state[key]
        if not isinstance(arrays, list) or not all(
            isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "biuf"
            for array in arrays
        ):
            yield f"the {key} to go on training from are no list of arrays of numbers"
    found, needed = len(state["dropout_states"]), net.n_generators
    if found != needed:
        yield f"it has the states of {found} dropout layers and its net has {needed} of them"


def _shown(value):
    """A value in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return f"a {type(value).__name__}"
