"""Targets: the kinds of labels that a classifier can have.

A target encodes labels, defines the output layer and the form of the labels in Keras, weights and
splits them, and turns logits into decision values, probabilities and labels. It uses NumPy and
SciPy, but no net and no Keras.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse, special

from skclf import _indicators, _labels, _rows, _stratify
from skclf._indicators import thresholds
from skclf._onnx_labels import onnx_labels

Weights = np.ndarray | None


@dataclass(frozen=True, eq=False)
class Target(ABC):
    """Base class of the kinds of labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The estimator's ``classes_``.
    """

    classes: np.ndarray

    # Its name in saved files.
    kind: ClassVar[str]
    # Activation of the output layer.
    head: ClassVar[str]

    # Whether any batch of labels shows all classes, as the columns of an indicator do.
    knows_all_classes: ClassVar[bool] = False
    # Largest number of classes; None for any number.
    most_classes: ClassVar[int | None] = None

    @staticmethod
    @abstractmethod
    def check(y: Any, name: str = "y") -> np.ndarray:
        """Validate labels and return them as an array."""

    @staticmethod
    @abstractmethod
    def classes_of(labels: np.ndarray) -> np.ndarray:
        """The ``classes_`` of validated labels."""

    @classmethod
    def of(cls, classes: np.ndarray, y: Any) -> Target:
        """The target for labels as the user passed them."""
        return cls(classes)

    @abstractmethod
    def check_classes(self, given: Any) -> None:
        """Raise a ValueError if ``classes`` of ``partial_fit`` differ from these."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Units of the output layer."""

    @abstractmethod
    def encode(self, labels: np.ndarray, name: str = "y") -> np.ndarray:
        """Codes of validated labels, one row each; unknown labels raise a ValueError."""

    def check_names(self, y: Any, name: str = "y") -> None:
        """Raise a ValueError if the column names of ``y`` differ from those in ``fit``."""
        return

    def check_comparable(self, labels: np.ndarray) -> None:
        """Raise a ValueError if NumPy can't compare validated labels with the classes."""
        return

    @abstractmethod
    def for_keras(self, codes: np.ndarray, loss: str) -> np.ndarray:
        """Codes in the form that a loss expects, of shape (n_rows, n_targets)."""

    @abstractmethod
    def class_weights(
        self, class_weight: Any, codes: np.ndarray | None, sample_weight: Weights = None
    ) -> Weights:
        """Weights of the classes as an array; without codes, as if each class had one row."""

    @abstractmethod
    def with_mean_one(
        self, sample_weight: Weights, class_weight: Weights, codes: np.ndarray
    ) -> tuple[Weights, Weights]:
        """Scale weights so that the product of both has a mean of 1."""

    @abstractmethod
    def split(
        self, codes: np.ndarray, share: float, random_state: Any, groups: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of stratified training and validation rows."""

    @abstractmethod
    def decision(self, logits: np.ndarray) -> np.ndarray:
        """The values that ``decision_function`` returns."""

    @abstractmethod
    def labels(self, decision: np.ndarray) -> Any:
        """The predicted labels."""

    @abstractmethod
    def probabilities(self, decision: np.ndarray) -> np.ndarray:
        """Probability of each class."""

    @abstractmethod
    def log_probabilities(self, decision: np.ndarray) -> np.ndarray:
        """Logarithms of the probabilities."""

    @abstractmethod
    def add_to(self, graph: Any, threshold: Any = 0.5) -> np.ndarray:
        """Add the ONNX nodes from logits to ``probabilities`` and ``label``; return the labels."""

    @property
    def label_shape(self) -> list[int]:
        """Shape of the label of one row in ONNX."""
        return []

    def faults(self) -> list[str]:
        """Faults of a target loaded from a file, each a clause for `skclf._versions.refusal`."""
        return []

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        is_same = self.to_state() == other.to_state()
        return is_same and np.array_equal(self.classes, other.classes)

    __hash__ = None  # type: ignore[assignment]

    def to_state(self) -> dict[str, Any]:
        """The target without its classes, as plain values for a file."""
        return {"kind": self.kind}


class OneLabel(Target):
    """One label per row; base class of `Binary` and `Multiclass`."""

    @staticmethod
    def check(y: Any, name: str = "y") -> np.ndarray:
        """A 1-D array."""
        return _labels.check_labels(y, name)

    @staticmethod
    def classes_of(labels: np.ndarray) -> np.ndarray:
        """The distinct ones, sorted."""
        return np.unique(labels)

    def check_classes(self, given: Any) -> None:
        """The same, in any order."""
        if not np.array_equal(self.classes, np.unique(_labels.check_labels(given, "classes"))):
            raise ValueError(
                f"`classes={given!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes!r}"
            )

    def encode(self, labels: np.ndarray, name: str = "y") -> np.ndarray:
        """Positions among the classes."""
        return _labels.encode_labels(labels, self.classes, name)

    def check_comparable(self, labels: np.ndarray) -> None:
        """Dates with dates alone."""
        _labels.check_comparable(labels, self.classes)

    def class_weights(
        self, class_weight: Any, codes: np.ndarray | None, sample_weight: Weights = None
    ) -> Weights:
        """One for each class."""
        codes = np.arange(len(self.classes)) if codes is None else codes
        return _rows.class_weights(class_weight, self.classes, codes, sample_weight)

    def with_mean_one(
        self, sample_weight: Weights, class_weight: Weights, codes: np.ndarray
    ) -> tuple[Weights, Weights]:
        """Over the rows."""
        return _rows.with_mean_one(sample_weight, class_weight, codes)

    def split(
        self, codes: np.ndarray, share: float, random_state: Any, groups: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Stratified by class."""
        return _stratify.split_rows(codes, share, random_state, groups)

    def decision(self, logits: np.ndarray) -> np.ndarray:
        """A logit for each class; for two classes that of the second one, as in scikit-learn."""
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def labels(self, decision: np.ndarray) -> Any:
        """The most probable class."""
        if decision.ndim == 1:
            return self.classes[(decision > 0).astype(np.intp)]
        return self.classes[decision.argmax(axis=1)]

    def probabilities(self, decision: np.ndarray) -> np.ndarray:
        """Of each class; they sum to 1."""
        if decision.ndim == 1:
            return np.column_stack([special.expit(-decision), special.expit(decision)])
        return special.softmax(decision, axis=1)

    def log_probabilities(self, decision: np.ndarray) -> np.ndarray:
        """Finite where the probability itself is rounded to 0."""
        if decision.ndim == 1:
            return np.column_stack([special.log_expit(-decision), special.log_expit(decision)])
        return special.log_softmax(decision, axis=1)

    def add_to(self, graph: Any, threshold: Any = 0.5) -> np.ndarray:
        """The most probable class."""
        labels = onnx_labels(self.classes)
        logits = self._add_probabilities(graph)
        # Compare logits, since probabilities close to 1 are rounded.
        codes = graph.add("ArgMax", logits, axis=1, keepdims=0)
        graph.add("Gather", labels, codes, name="label")
        return labels

    @abstractmethod
    def _add_probabilities(self, graph):
        """Add the node ``probabilities``; return the name of a logit for each class."""


class Binary(OneLabel):
    """One of two labels, by one sigmoid unit."""

    kind = "binary"
    head = "sigmoid"
    most_classes = 2

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    def for_keras(self, codes: np.ndarray, loss: str) -> np.ndarray:
        """A column of zeros and ones."""
        return codes.astype(np.float32)[:, None]

    def _add_probabilities(self, graph):
        logit = graph.last
        logits = graph.add("Concat", graph.add("Neg"), logit, axis=1)
        graph.add("Sigmoid", name="probabilities")
        return logits


class Multiclass(OneLabel):
    """One of two or more labels, by a softmax unit for each."""

    kind = "multiclass"
    head = "softmax"

    @property
    def n_outputs(self) -> int:
        """One for each class."""
        return len(self.classes)

    def for_keras(self, codes: np.ndarray, loss: str) -> np.ndarray:
        """One-hot rows, or a column of numbers."""
        if loss == "categorical_crossentropy":
            return np.eye(self.n_outputs, dtype=np.float32)[codes]
        return codes.astype(np.int32)[:, None]

    def _add_probabilities(self, graph):
        logits = graph.last
        graph.add("Softmax", axis=1, name="probabilities")
        return logits


@dataclass(frozen=True, eq=False)
class Multilabel(Target):
    """Any number of labels per row, by a sigmoid unit for each.

    Parameters
    ----------
    classes : ndarray of int of shape (n_labels,)
        Column numbers: 0, 1, ...
    names : tuple of str or None
        Column names of the DataFrame passed to ``fit``.
    dtype : str
        Type of the indicator passed to ``fit``, and of predictions.
    sparse : str or None
        ``"matrix"`` or ``"array"`` if the indicator passed to ``fit`` was sparse.
    """

    names: tuple[str, ...] | None = None
    dtype: str = "int64"
    sparse: str | None = None

    kind = "multilabel"
    head = "sigmoid"

    knows_all_classes = True

    @staticmethod
    def check(y: Any, name: str = "y") -> np.ndarray:
        """A dense indicator."""
        return _indicators.check_indicator(y, name)

    @staticmethod
    def classes_of(labels: np.ndarray) -> np.ndarray:
        """Numbers of the columns."""
        return np.arange(labels.shape[1])

    @classmethod
    def of(cls, classes: np.ndarray, y: Any) -> Multilabel:
        """With the names, the type and the form of the indicator."""
        form = None
        if sparse.issparse(y):
            form = "array" if isinstance(y, sparse.sparray) else "matrix"
        return cls(classes, _indicators.names_of(y), str(_indicators.dtype_of(y)), form)

    def check_classes(self, given: Any) -> None:
        """Numbers or names of all labels, in their order."""
        if list(given) not in (self.classes.tolist(), list(self.names or ())):
            raise ValueError(
                f"Got classes={given!r}; expected the number or the name of each label, in the "
                f"order of the columns: {self.classes.tolist()}. You can also leave classes out."
            )

    @property
    def n_outputs(self) -> int:
        """One for each label."""
        return len(self.classes)

    def encode(self, labels: np.ndarray, name: str = "y") -> np.ndarray:
        """The indicator itself, if it has these labels."""
        if labels.shape[1] != self.n_outputs:
            raise ValueError(
                f"Got {name} with {labels.shape[1]} columns; expected {self.n_outputs}, one for "
                "each label that the classifier was fitted on."
            )
        return labels

    def check_names(self, y: Any, name: str = "y") -> None:
        """Compare the column names and their order, if both indicators have names."""
        names = _indicators.names_of(y)
        if names is not None and self.names is not None and names != self.names:
            raise ValueError(
                f"Got {name} with the columns {', '.join(names)}; expected "
                f"{', '.join(self.names)}, in this order. Pass {name}[clf.label_names_]."
            )

    def for_keras(self, codes: np.ndarray, loss: str) -> np.ndarray:
        """Zeros and ones."""
        return codes.astype(np.float32)

    def class_weights(
        self, class_weight: Any, codes: np.ndarray | None, sample_weight: Weights = None
    ) -> Weights:
        """Weights of the negatives and of the positives of each label, of shape (2, n_labels)."""
        if class_weight is None:
            return None
        return _indicators.label_weights(
            class_weight, self.names, self.n_outputs, codes, sample_weight
        )

    def with_mean_one(
        self, sample_weight: Weights, class_weight: Weights, codes: np.ndarray
    ) -> tuple[Weights, Weights]:
        """Over the rows and the labels."""
        sample_weight, _ = _rows.with_mean_one(sample_weight, None, codes)
        if class_weight is not None:
            class_weight = class_weight / class_weight.max()
            factors = np.where(codes > 0, class_weight[1], class_weight[0])
            rows = factors if sample_weight is None else factors * sample_weight[:, None]
            class_weight = class_weight / rows.mean()
        return sample_weight, class_weight

    def split(
        self, codes: np.ndarray, share: float, random_state: Any, groups: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Iteratively stratified."""
        return _stratify.iterative_split(codes, share, random_state, groups)

    def decision(self, logits: np.ndarray) -> np.ndarray:
        """A logit for each label."""
        return logits

    def labels(self, decision: np.ndarray, threshold: Any = 0.5) -> Any:
        """An indicator of the labels whose probability reaches the threshold."""
        reached = self.probabilities(decision) >= np.asarray(threshold)
        indicator = reached.astype(self.dtype)
        if self.sparse is None:
            return indicator
        form = sparse.csr_array if self.sparse == "array" else sparse.csr_matrix
        return form(indicator)

    def probabilities(self, decision: np.ndarray) -> np.ndarray:
        """Of each label, strictly between 0 and 1."""
        least, most = np.nextafter(0, 1), np.nextafter(1, 0)
        return np.clip(special.expit(decision), least, most)

    def log_probabilities(self, decision: np.ndarray) -> np.ndarray:
        """Of each label."""
        return special.log_expit(decision)

    def add_to(self, graph: Any, threshold: Any = 0.5) -> np.ndarray:
        """1 for each label whose probability reaches the threshold."""
        from onnx import TensorProto

        limits = thresholds(threshold, self.n_outputs).astype(np.float32)
        probabilities = graph.add("Sigmoid", name="probabilities")
        reached = graph.add("GreaterOrEqual", probabilities, limits)
        graph.add("Cast", reached, to=TensorProto.INT64, name="label")
        return self.classes

    @property
    def label_shape(self) -> list[int]:
        """One number for each label."""
        return [self.n_outputs]

    def faults(self) -> list[str]:
        """Check names, type and form."""
        names, found = self.names, []
        are_names = names is None or (
            isinstance(names, tuple)
            and len(names) == self.n_outputs
            and all(isinstance(name, str) for name in names)
        )
        if not are_names:
            found.append(
                f"the names of its labels are {names!r}, not a tuple of {self.n_outputs} strings"
            )
        if self.dtype not in _indicators.DTYPES:
            found.append(f"its indicators are of the unknown type {self.dtype!r}")
        if self.sparse not in (None, "array", "matrix"):
            found.append(
                f"the sparse form of its indicators is {self.sparse!r}, not 'array' or 'matrix'"
            )
        if not np.array_equal(self.classes, np.arange(self.n_outputs)):
            found.append(f"its classes_ are not the integers from 0 to {self.n_outputs - 1}")
        return found

    def to_state(self) -> dict[str, Any]:
        """With its names and forms."""
        return {
            "kind": self.kind,
            "names": self.names,
            "dtype": self.dtype,
            "sparse": self.sparse,
        }


KINDS: dict[str, type[Target]] = {kind.kind: kind for kind in (Binary, Multiclass, Multilabel)}


def target_from_state(state: object, classes: np.ndarray) -> Target:
    """The target of a saved state; the text of a ValueError is a clause for ``refusal``."""
    kind = state.get("kind") if isinstance(state, dict) else None
    if not isinstance(state, dict) or not isinstance(kind, str) or kind not in KINDS:
        raise ValueError("its target is not a dict with a known kind")
    options = {name: value for name, value in state.items() if name != "kind"}
    try:
        target = KINDS[kind](classes, **options)
    except TypeError as error:
        raise ValueError(f"its target has missing or unknown parts: {error}") from error
    if faults := target.faults():
        raise ValueError(faults[0])
    return target
