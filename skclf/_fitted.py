"""What a fitted classifier can do: predict, evaluate, show its history and its Keras model.

A fitted net is one of `skclf.nets` and a list of arrays. Nothing here loads TensorFlow, except to
evaluate, to make ``model_``, and for layers and activations that `skclf.nets` can't compute.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from skclf import _saved
from skclf._parameters import NetParameters
from skclf._samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    import pandas as pd

    from skclf._targets import Target
    from skclf._typing import ArrayLike, LabelsLike, MatrixLike
    from skclf.nets import LayeredNet, OpaqueNet

# Parameters that may hold Keras objects.
_OF_KERAS = ("optimizer", "learning_rate", "loss", "metrics", "callbacks")


class FittedNet(ClassifierMixin, NetParameters):
    """The methods of the classifiers that need a fitted net."""

    classes_: np.ndarray
    n_epochs_: int
    best_epoch_: int
    n_features_in_: int
    feature_names_in_: np.ndarray

    _net: LayeredNet | OpaqueNet
    _target: Target
    _weights: list[np.ndarray]
    _state: dict[str, Any] | None
    _history: dict[str, list[float]]
    _first_epoch: int
    _epoch_weights: dict[int, list[np.ndarray]]
    _seeds: dict[str, int]

    _accept_sparse: str | bool = "csr"

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Compute the output layer's values before its sigmoid or softmax.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes), dtype float64
            For two classes one value a row, positive for ``classes_[1]``; otherwise a logit for
            each class, in the order of ``classes_``. With several labels a row, a logit for each
            label.
        """
        check_is_fitted(self)
        X = self._validate_rows(X, reset=False, dtype=[np.float64, np.float32])
        return self._decision(self._weights, X)

    def predict(self, X: MatrixLike) -> np.ndarray | Any:
        """Predict the label, or the labels, of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,), or {ndarray, sparse matrix} of shape (n_samples, n_labels)
            The most probable member of ``classes_``. With several labels a row an indicator of
            ``y``'s type, sparse if ``y`` was, of the labels whose probability reaches the
            threshold.
        """
        decision = self.decision_function(X)
        with _saturating():
            return self._labels_of(decision)

    def _labels_of(self, decision):
        return self._target.labels(decision)

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            In the order of ``classes_``. Each row sums to 1, except with several labels a row.
        """
        return self._probabilities(self.decision_function(X))

    def staged_predict_proba(self, X: MatrixLike) -> Iterator[np.ndarray]:
        """Probability of each class after each epoch of the final net's training.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Yields
        ------
        ndarray of shape (n_samples, n_classes), dtype float64
            As ``predict_proba`` gives them, which equals the last one: for the epochs 1 to
            ``n_epochs_``, or those of them that were trained with ``keep_epochs=True``.

        Raises
        ------
        ValueError
            If no epoch's weights were kept.
        """
        check_is_fitted(self)
        if not self._epoch_weights:
            raise ValueError(
                "staged_predict_proba needs the weights of each epoch, and this fit has kept none: "
                "set keep_epochs=True before fit."
            )
        X = self._validate_rows(X, reset=False, dtype=[np.float64, np.float32])
        return (self._probabilities(self._decision(w, X)) for w in self._epoch_weights.values())

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            In the order of ``classes_``; finite where the probability itself is rounded to 0.
        """
        decision = self.decision_function(X)
        with _saturating():
            return self._target.log_probabilities(decision)

    def score(self, X: MatrixLike, y: LabelsLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy on labelled rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,), or an indicator of shape (n_samples, n_labels)
            Labels, of any type that ``fit`` takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            Share of the rows whose label is predicted, or all of whose labels are.
        """
        check_is_fitted(self)
        labels = self._target.check(y)
        self._target.check_names(y)
        self._target.check_comparable(labels)
        return super().score(X, labels, sample_weight)

    def evaluate(
        self, X: MatrixLike, y: LabelsLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """Loss and metrics on labelled rows, as Keras computes them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,), or an indicator of shape (n_samples, n_labels)
            Labels, each one of ``classes_``.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; a weight of 2 counts as a repeated row.

        Returns
        -------
        dict of str to float
            ``"loss"``, with the L2 penalty, and each of ``metrics`` under its Keras name.
        """
        from skclf import _bridge

        check_is_fitted(self)
        X = self._validate_rows(X, y, reset=False)
        labels = self._target.check(y)
        check_consistent_length(X, labels)
        self._target.check_names(y)
        codes = self._target.encode(labels)
        weights = self._validate_weights(sample_weight, X)
        weights, _ = self._target.with_mean_one(weights, None, codes)
        compile_with = self._compile_with(self._net)
        samples, size = Samples(X, codes, weights), int(self.batch_size)
        return _bridge.evaluate(self._net, self._target, self._weights, compile_with, samples, size)

    def _decision(self, weights, X):
        """Decision values of checked rows, by the fitted net with these weights."""
        with _saturating():
            return self._target.decision(self._logits(weights, X))

    def _probabilities(self, decision):
        with _saturating():
            return self._target.probabilities(decision)

    def _logits(self, weights, X):
        self._net.check_rows(X)
        if self._net.is_known:
            return self._net.logits(weights, X)
        from skclf import _bridge

        return _bridge.logits(self._net, weights, X)

    @property
    def history_(self) -> pd.DataFrame:
        """Loss and metrics of each epoch, a `pandas.DataFrame` indexed by epoch from 1."""
        import pandas as pd

        check_is_fitted(self)
        first = self._first_epoch + 1
        epochs = pd.RangeIndex(first, first + len(self._history["loss"]), name="epoch")
        return pd.DataFrame(self._history, index=epochs)

    @property
    def model_(self) -> keras.Model:
        """The fitted net as a compiled `keras.Model`, a new one at each access."""
        from skclf import _bridge

        check_is_fitted(self)
        compile_with = self._compile_with(self._net)
        return _bridge.keras_model(self._net, self._weights, compile_with, self._state)

    def __dir__(self):
        # scikit-learn reads all that is listed here in order to show an estimator. A Keras model
        # is made where it is asked for by name, and not for that.
        return [name for name in object.__dir__(self) if name != "model_" and hasattr(self, name)]

    def __sklearn_clone__(self):
        plain = copy(self)
        held = _parameters_with_objects(self)
        vars(plain).update(dict.fromkeys(held))
        cloned = BaseEstimator.__sklearn_clone__(plain)
        if held:
            from skclf import _bridge

            vars(cloned).update({k: _bridge.copied_parameter(v) for k, v in held.items()})
        return cloned

    def __getstate__(self):
        state, held = super().__getstate__(), _parameters_with_objects(self)
        if held:
            from skclf import _bridge

            state = state | {k: _bridge.picklable_parameter(v) for k, v in held.items()}
        return _saved.to_state(state)

    def __setstate__(self, state):
        name, parameters = type(self).__name__, self._parameter_constraints
        super().__setstate__(_saved.from_state(state, name, parameters))

    def __copy__(self):
        # Nothing comes from a file here. scikit-learn's callbacks copy estimators whose fit is
        # under way, when new classes may stand beside old weights.
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def _loss(self, net):
        """The loss for a net: Keras's name of it, or the user's own."""
        return self.loss

    def _compile_with(self, net):
        rate = self.learning_rate
        return {
            "optimizer": self.optimizer,
            # Keras takes no other numbers than Python's own floats.
            "learning_rate": float(rate) if isinstance(rate, Real) else rate,
            "loss": self._loss(net),
            "head": net.output_layer.activation,
            "metrics": self.metrics,
        }

    def _validate_rows(self, X, y="no_validation", *, reset, dtype=np.float32):
        """Rows as an array or CSR matrix; sets or checks the number and names of the features."""
        return self._validate_table(X, y, reset=reset, dtype=dtype)

    def _validate_table(self, X, y, *, reset, dtype, is_checked=False):
        """Rows of two dimensions, whose values may be checked already."""
        if y is None:
            validate_data(self, X, y)  # raises scikit-learn's error for a missing y
        with errors_that_name_the_fix(X):
            return validate_data(
                self,
                X,
                accept_sparse=self._accept_sparse,
                dtype=dtype,
                reset=reset,
                skip_check_array=is_checked,
            )

    def _validate_weights(self, sample_weight, X):
        if sample_weight is None:
            return None
        with errors_that_name_the_fix(sample_weight, "sample_weight"):
            weights = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        if not weights.any():
            raise ValueError(
                "Sample weights must contain at least one non-zero number; got weights that are "
                "all zero, which leaves no row to train on."
            )
        return weights

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = bool(self._accept_sparse)
        return tags


def _parameters_with_objects(estimator):
    """The parameters of an estimator that hold Keras objects or functions."""
    values = {name: getattr(estimator, name) for name in _OF_KERAS}
    return {name: value for name, value in values.items() if not _is_plain(value)}


def _is_plain(value):
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | Real)


def _saturating():
    """Let values that are too large or too small for a float become infinite or 0.

    Activations and probabilities saturate there, which isn't an error even where the user has set
    ``np.seterr(all="raise")``. A result that is not a number is left to NumPy's settings.
    """
    return np.errstate(divide="ignore", over="ignore", under="ignore")


@contextmanager
def errors_that_name_the_fix(values: Any, name: str = "X") -> Iterator[None]:
    """Say more than NumPy does about text and sequences where there must be numbers."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = _message_with_fix(values, name, str(error))
        if message is None:
            raise
        raise ValueError(message) from error


def _message_with_fix(values, name, error):
    if "could not convert string" in error:
        fix = (
            "Encode text first, for example with OneHotEncoder, TfidfVectorizer or "
            "skclf.MultiHotVectorizer."
        )
        if hasattr(values, "columns"):
            fix = (
                "Encode the columns first: with a ColumnTransformer of OneHotEncoder, "
                "TfidfVectorizer or skclf.MultiHotVectorizer, or in a pipeline that "
                "skrub.tabular_pipeline(classifier) makes."
            )
        return f"Got text ({error}) where features and weights must be numbers. {fix}"
    if name == "X" and error.startswith("Input X contains NaN"):
        return (
            "Input X contains NaN. Fill in missing values first: with "
            "SimpleImputer(add_indicator=True) in a pipeline, or in a pipeline that "
            "skrub.tabular_pipeline(classifier) makes."
        )
    has_sequences = "setting an array element with a sequence" in error
    if not has_sequences and "float() argument must be" not in error:
        return None
    for where, rows in _holders_of_rows(values, name) if name == "X" else []:
        stacked = _stacked(rows)
        if stacked is not None:
            return (
                f"Got {where} with an array in each of its elements; expected one array of "
                f"numbers. Pass np.stack(list({where})), which has the shape {stacked.shape}."
            )
    if not has_sequences:
        return None
    if all(map(sparse.issparse, values)):
        return (
            f"Got {name} with a sparse matrix in each of its elements; expected one of all rows. "
            f"Pass scipy.sparse.vstack(list({name}))."
        )
    if name == "X" and len({_length(row) for row in values} - {None}) > 1:
        return (
            f"Got rows of different lengths ({error}); all must have the same number of "
            "features. skclf.MultiHotVectorizer makes such rows of lists of word ids."
        )
    join = "np.stack" if name == "X" else "np.concatenate"
    return (
        f"Got {name} with sequences where numbers must be ({error}). Make one array of numbers of "
        f"it, for example with {join}, and look for None and for lists among the numbers."
    )


def _holders_of_rows(values, name):
    """What may hold an array for each row, and the code for it."""
    if hasattr(values, "columns"):
        return [(f"{name}[{label!r}]", column) for label, column in values.items()]
    if getattr(values, "shape", ())[1:] == (1,):
        return [(f"{name}.ravel()", values.ravel())]
    return [(name, values)]


def _length(row):
    try:
        return len(row)
    except TypeError:
        return None


def _stacked(rows):
    """Rows as one array of numbers, or None where they can't be that."""
    try:
        array = np.stack(list(rows))
    except (TypeError, ValueError):
        return None
    return array if array.ndim > 1 and array.dtype.kind in "biuf" else None
