"""Convert labels to types that ONNX supports."""

from __future__ import annotations

from numbers import Real

import numpy as np


def onnx_labels(classes: np.ndarray) -> np.ndarray:
    """Return classes as strings or int64, the two types of labels in ONNX."""
    labels = classes.tolist()
    if all(isinstance(label, str) for label in labels):
        for label in labels:
            _check_encodable(label)
        return classes.astype(object)
    strange = [label for label in labels if classes.dtype.kind in "Mm" or not _is_int64(label)]
    if strange:
        raise ValueError(
            f"Got labels of type {classes.dtype}, such as {strange[0]!r}; expected strings or "
            "whole numbers from -2**63 to 2**63 - 1, the only labels that ONNX supports. Fit on "
            "such labels, for example on list(map(str, y))."
        )
    return classes.astype(np.int64)


def _is_int64(label):
    if not isinstance(label, Real):
        return False
    number = int(label)  # type: ignore[call-overload]
    return label == number and -(2**63) <= number < 2**63


def _check_encodable(label):
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"Got the label {label!r}; expected strings that UTF-8 can encode, as ONNX requires "
            f"({error.reason}). Fit on labels without such characters."
        ) from error
