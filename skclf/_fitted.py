"""Methods of a fitted classifier: predict, evaluate, and access the history and the Keras model.

A fitted net is an object of `skclf.nets` and a list of arrays. TensorFlow is loaded only by
``evaluate`` and ``model_``, and to predict with layers and activations that `skclf.nets` can't
compute.
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
    """Base class with the methods of the classifiers that need a fitted net."""

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
        """Compute logits, the values of the output layer before its sigmoid or softmax.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, with the number of features seen during ``fit``: an array, a DataFrame or
            a sparse matrix. `ShapeConvClassifier` and `NetworkClassifier` also take arrays with
            more dimensions.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes), dtype float64
            For two classes one logit per row, which is positive if ``classes_[1]`` is predicted;
            for more classes a logit for each class, in the order of ``classes_``. With several
            labels per row, a logit for each label.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError
            If ``X`` contains NaN, infinity or text, or has other features than in ``fit``.
        """
        check_is_fitted(self)
        X = self._validate_rows(X, reset=False, dtype=[np.float64, np.float32])
        return self._decision(self._weights, X)

    def predict(self, X: MatrixLike) -> np.ndarray | Any:
        """Predict the label, or the labels, of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, as in ``decision_function``.

        Returns
        -------
        ndarray of shape (n_samples,), or {ndarray, sparse matrix} of shape (n_samples, n_labels)
            The most probable member of ``classes_``. With several labels per row, an indicator
            matrix of the labels whose probability reaches the threshold. It has the dtype that
            ``y`` had in ``fit``, and is sparse if ``y`` was.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError
            If ``X`` contains NaN, infinity or text, or has other features than in ``fit``.
        """
        decision = self.decision_function(X)
        with _saturating():
            return self._labels_of(decision)

    def _labels_of(self, decision):
        return self._target.labels(decision)

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, as in ``decision_function``.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Probabilities, in the order of ``classes_``. Each row sums to 1. With several labels
            per row, the independent probabilities of the labels.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError
            If ``X`` contains NaN, infinity or text, or has other features than in ``fit``.
        """
        return self._probabilities(self.decision_function(X))

    def staged_predict_proba(self, X: MatrixLike) -> Iterator[np.ndarray]:
        """Predict the probability of each class after each training epoch of the final net.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, as in ``decision_function``.

        Yields
        ------
        ndarray of shape (n_samples, n_classes), dtype float64
            Probabilities after the epochs 1 to ``n_epochs_``, or after those of them that were
            trained with ``keep_epochs=True``. The last array equals that of ``predict_proba``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError
            If the weights of no epoch were kept, or ``X`` is invalid.
        """
        check_is_fitted(self)
        if not self._epoch_weights:
            raise ValueError(
                "The weights of the epochs were not kept, but staged_predict_proba needs them. Set "
                "keep_epochs=True before fit."
            )
        X = self._validate_rows(X, reset=False, dtype=[np.float64, np.float32])
        return (self._probabilities(self._decision(w, X)) for w in self._epoch_weights.values())

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, as in ``decision_function``.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Natural logarithms, in the order of ``classes_``. They are computed from the logits, so
            they stay finite even if the probability itself is rounded to 0.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError
            If ``X`` contains NaN, infinity or text, or has other features than in ``fit``.
        """
        decision = self.decision_function(X)
        with _saturating():
            return self._target.log_probabilities(decision)

    def score(self, X: MatrixLike, y: LabelsLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the accuracy of the predictions for labelled rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, as in ``decision_function``.
        y : array-like of shape (n_samples,), or an indicator of shape (n_samples, n_labels)
            True labels, in any form that ``fit`` accepts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        float
            Fraction of the rows whose label is predicted correctly. With several labels per row,
            all labels of a row must be correct.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError, TypeError
            If rows, labels or weights are invalid.
        """
        check_is_fitted(self)
        labels = self._target.check(y)
        self._target.check_names(y)
        self._target.check_comparable(labels)
        return super().score(X, labels, sample_weight)

    def evaluate(
        self, X: MatrixLike, y: LabelsLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """Compute loss and metrics for labelled rows, with Keras.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows, as in ``decision_function``.
        y : array-like of shape (n_samples,), or an indicator of shape (n_samples, n_labels)
            True labels, each one of ``classes_``.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weight of each row. A weight of 2 counts as a repeated row.

        Returns
        -------
        dict of str to float
            ``"loss"``, which includes penalties such as that of ``l2``, and each of ``metrics``
            by its Keras name.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError, TypeError
            If rows, labels or weights are invalid.
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
        """Decision values of validated rows, by the fitted net with the given weights."""
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
        """Loss and metrics of each epoch as a `pandas.DataFrame`, indexed by epoch from 1."""
        import pandas as pd

        check_is_fitted(self)
        first = self._first_epoch + 1
        epochs = pd.RangeIndex(first, first + len(self._history["loss"]), name="epoch")
        return pd.DataFrame(self._history, index=epochs)

    @property
    def model_(self) -> keras.Model:
        """The fitted net as a compiled `keras.Model`, created anew at each access."""
        from skclf import _bridge

        check_is_fitted(self)
        compile_with = self._compile_with(self._net)
        return _bridge.keras_model(self._net, self._weights, compile_with, self._state)

    def __dir__(self):
        # scikit-learn's HTML display reads every attribute listed here. Leave out model_, so that
        # displaying an estimator doesn't build a Keras model.
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
        # Without the checks of __setstate__, which are for files. scikit-learn's callbacks copy
        # estimators during a fit, when the classes may be new and the weights still old.
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def _loss(self, net):
        """The loss for a net: its Keras name, or the user's object."""
        return self.loss

    def _compile_with(self, net):
        rate = self.learning_rate
        return {
            "optimizer": self.optimizer,
            # Keras accepts no other numbers than Python floats.
            "learning_rate": float(rate) if isinstance(rate, Real) else rate,
            "loss": self._loss(net),
            "head": net.output_layer.activation,
            "metrics": self.metrics,
        }

    def _validate_rows(self, X, y="no_validation", *, reset, dtype=np.float32):
        """Validate rows as an array or CSR matrix; set or check number and names of features."""
        return self._validate_table(X, y, reset=reset, dtype=dtype)

    def _validate_table(self, X, y, *, reset, dtype, is_checked=False):
        """Validate rows with two dimensions; ``is_checked`` skips the check of their values."""
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
                "Sample weights must contain at least one non-zero number. Got weights that are "
                "all zero, which leaves no rows."
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
    """Let values that overflow or underflow become infinite or 0.

    Activations and probabilities saturate there, which isn't an error even if the user has set
    ``np.seterr(all="raise")``. Invalid operations, which give NaN, follow the user's settings.
    """
    return np.errstate(divide="ignore", over="ignore", under="ignore")


@contextmanager
def errors_that_name_the_fix(values: Any, name: str = "X") -> Iterator[None]:
    """Replace NumPy's errors about text and nested sequences by errors that name the fix."""
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
                "Encode the columns first, with a ColumnTransformer of OneHotEncoder, "
                "TfidfVectorizer or skclf.MultiHotVectorizer, or use "
                "skrub.tabular_pipeline(classifier)."
            )
        return f"Got text ({error}); expected numbers as features and weights. {fix}"
    if name == "X" and error.startswith("Input X contains NaN"):
        return (
            "Input X contains NaN. Fill in missing values first, with "
            "SimpleImputer(add_indicator=True) in a pipeline, or use "
            "skrub.tabular_pipeline(classifier)."
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
            f"Got {name} with a sparse matrix in each of its elements; expected one sparse matrix "
            f"with all rows. Pass scipy.sparse.vstack(list({name}))."
        )
    if name == "X" and len({_length(row) for row in values} - {None}) > 1:
        return (
            f"Got rows of different lengths ({error}); expected the same number of features in "
            "each row. Convert lists of word ids with skclf.MultiHotVectorizer."
        )
    join = "np.stack" if name == "X" else "np.concatenate"
    return (
        f"Got {name} with nested sequences ({error}); expected one array of numbers. Convert it, "
        f"for example with {join}, and look for None and for lists among the numbers."
    )


def _holders_of_rows(values, name):
    """Objects that may hold an array for each row, each with the code to access it."""
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
    """Rows stacked into one array of numbers, or None if that fails."""
    try:
        array = np.stack(list(rows))
    except (TypeError, ValueError):
        return None
    return array if array.ndim > 1 and array.dtype.kind in "biuf" else None
