"""Convert saved states of earlier formats to the current one, step by step.

The format is a number in each saved state, which increases when a new version of skclf changes the
form of the state. For each earlier number, a pure function converts a state of that format, as
saved in the file, to the next format. Files of each format are
kept in ``tests/files``.

===  =============================================================================================
1    version 0.1.0; its states hold no number
2    version 0.2.0: the number, the checksum, ``_first_epoch``, ``_target``,
     ``multilabel``, ``binary`` and ``norm``, and the net layer by layer
===  =============================================================================================
"""

from __future__ import annotations

from typing import Any


def _from_1_to_2(state):
    # In format 1, the history of a classifier always began with the first epoch.
    added: dict[str, Any] = {"_first_epoch": 0} if "_history" in state else {}
    if "filters" in state:  # a classifier of images, each with one label
        added |= {"multilabel": False}
    if "handle_unknown" in state:  # a vectorizer, whose rows held ones alone
        added |= {"binary": True, "norm": None}
    if "_net" in state:
        kind = "binary" if state["_net"]["n_outputs"] == 1 else "multiclass"
        added |= {"_target": {"kind": kind}}
    changed = {"_net": _layers_of(state["_net"])} if "_net" in state else {}
    return {**added, **state, **changed}


def _layers_of(net):
    """Convert a net described by its sizes to a list of layers."""
    activation = net["activation"]
    penalty = {"penalties": (("l2", net["l2"]),) if net["l2"] else ()}
    layers = []
    for filters in net["filters"]:
        convolution = {"kind": "conv", "filters": filters, "kernel_size": net["kernel_size"]}
        layers.append({**convolution, "activation": activation, **penalty})
        layers.append({"kind": "pool", "pool_size": net["pool_size"]})
    if net["filters"]:
        layers.append({"kind": "flatten"})
    for units in net["hidden_layer_sizes"]:
        layers.append({"kind": "dense", "units": units, "activation": activation, **penalty})
        if net["dropout"]:
            layers.append({"kind": "dropout", "rate": net["dropout"]})
    head = "sigmoid" if net["n_outputs"] == 1 else "softmax"
    layers.append({"kind": "dense", "units": net["n_outputs"], "activation": head, **penalty})
    return {"input_shape": net["input_shape"], "layers": layers, "sparse": net["sparse"]}


# Migrations by the format that they read. Each takes states of classifiers and vectorizers, fitted
# or not, including the versions, and doesn't modify them. It can't rely on the checks of
# `skclf._saved`, which come later; any error that it raises is reported as a fault of the state.
MIGRATIONS = {1: _from_1_to_2}
FORMAT = 1 + max(MIGRATIONS)


def migrated(state: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a state of a known format in the current one.

    Parameters
    ----------
    state : dict
        The state as saved. Not modified.
    number : int
        The format of the state, from 1 to `FORMAT`.

    Returns
    -------
    dict
    """
    for earlier in range(number, FORMAT):
        state = MIGRATIONS[earlier](state)
    return state
