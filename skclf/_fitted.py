"""Methods of a fitted classifier: predict, evaluate, and access the history and the Keras model.

A fitted net is an object of `skclf.nets` and a list of arrays. TensorFlow is loaded only by
``evaluate`` and ``model_``, and to predict with layers and activations that `skclf.nets` can't
compute.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from skclf._array_errors import errors_that_name_the_fix
from skclf._persistence import Persistence
from skclf._samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    import pandas as pd

    from skclf._targets import Target
    from skclf._typing import ArrayLike, LabelsLike, MatrixLike
    from skclf.nets import LayeredNet, OpaqueNet


class FittedNet(ClassifierMixin, Persistence):
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

        Examples
        --------
        >>> import numpy as np
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
        >>> clf.classes_
        array(['high', 'low'], dtype='<U4')
        >>> np.sign(clf.decision_function([[0.9, 0.8, 0.7, 0.9], [0.1, 0.3, 0.2, 0.2]]))
        array([-1.,  1.])
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

        Examples
        --------
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
        >>> clf.predict([[0.9, 0.8, 0.7, 0.9], [0.1, 0.3, 0.2, 0.2]])
        array(['high', 'low'], dtype='<U4')
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

        Examples
        --------
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
        >>> clf.classes_
        array(['high', 'low'], dtype='<U4')
        >>> clf.predict_proba([[0.9, 0.8, 0.7, 0.9], [0.1, 0.3, 0.2, 0.2]]).round()
        array([[1., 0.],
               [0., 1.]])
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

        Examples
        --------
        >>> from sklearn.metrics import log_loss
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(epochs=5, keep_epochs=True, random_state=0)
        >>> clf = clf.fit(X[:300] / 100, y[:300])
        >>> losses = [log_loss(y[300:], p) for p in clf.staged_predict_proba(X[300:] / 100)]
        >>> losses.index(min(losses)) + 1
        5
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

        Examples
        --------
        >>> import numpy as np
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
        >>> far_away = [[1000.0, 1000.0, 1000.0, 1000.0]]
        >>> clf.predict_proba(far_away)
        array([[1., 0.]])
        >>> int(np.isfinite(clf.predict_log_proba(far_away)).sum())
        2
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

        Examples
        --------
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
        >>> scores = clf.evaluate(X / 100, y)
        >>> sorted(scores)
        ['accuracy', 'loss']
        >>> round(scores["accuracy"])
        1
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


def _saturating():
    """Let values that overflow or underflow become infinite or 0.

    Activations and probabilities saturate there, which isn't an error even if the user has set
    ``np.seterr(all="raise")``. Invalid operations, which give NaN, follow the user's settings.
    """
    return np.errstate(divide="ignore", over="ignore", under="ignore")
