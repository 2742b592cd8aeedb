"""``fit`` and ``partial_fit``: draw seeds, train, and set the fitted attributes.

This module doesn't use Keras or TensorFlow. Training goes through `skclf._bridge`, which is
imported inside the methods that need it. It returns arrays and plain values, and a fitted estimator
stores nothing else. `skclf._preparation` validates and encodes the rows, and the methods of a
fitted classifier are in `skclf._fitted`.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from skclf import _rows
from skclf._arguments import names_misplaced_arguments, validation_columns
from skclf._epochs import (
    EarlyStop,
    KeptWeights,
    Progress,
    best_epoch,
    joined_history,
    monitored,
)
from skclf._monitors import VAL_LOSS, monitor_for
from skclf._preparation import RowPreparation
from skclf._rollback import UnchangedOnFailure
from skclf._row_view import each_part
from skclf._samples import Samples
from skclf._tasks import CallbackSupport, EpochTasks, FitTask
from skclf._typing import keeps_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skclf._typing import ArrayLike, LabelsLike, MatrixLike

_LARGEST_SEED = 2**31 - 1
# The sum of this and a number of rows has to fit into 32 bits.
_LARGEST_BATCH = 2**30
# The random streams of a fit. Each has its own seed.
_SEEDS = ("dropout", "split", "weights", "order")


class NetClassifier(CallbackSupport, RowPreparation, metaclass=ABCMeta):
    """Base class of the classifiers, which add their parameters, target and net."""

    @abstractmethod
    def _target_kind(self, n_classes=None):
        """The subclass of `skclf._targets.Target`; ``n_classes`` is None if not yet known."""

    @abstractmethod
    def _make_net(self, X, target):
        """The net of `skclf.nets` for the given rows and target."""

    @names_misplaced_arguments
    @keeps_type(_fit_context(prefer_skip_nested_validation=True))
    def fit(
        self,
        X: MatrixLike,
        y: LabelsLike,
        sample_weight: ArrayLike | None = None,
        X_val: MatrixLike | None = None,
        y_val: LabelsLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        validation_data: Sequence[Any] | None = None,
    ) -> Self:
        """Train the net.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows to train on: an array, a DataFrame or a sparse matrix, without missing
            values. `ShapeConvClassifier` and `NetworkClassifier` also take arrays with more
            dimensions, such as images of shape (n_samples, height, width, channels).
        y : array-like of shape (n_samples,), or an indicator of shape (n_samples, n_labels)
            Label of each row: strings, booleans, integers or dates. For several labels per row, an
            indicator matrix of 0 and 1, as an array, a DataFrame or a sparse matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weight of each row. A weight of 2 counts as a repeated row; a row of
            weight 0 is left out.
        X_val : {array-like, sparse matrix} of shape (n_validation_samples, n_features), \
                default=None
            Feature rows to validate on, instead of ``validation_split``. Use ``X_val`` in a
            pipeline, which transforms it like ``X`` if its ``transform_input`` names it. In a
            search, use ``validation_data`` instead: scikit-learn indexes an array of the length of
            ``X`` by the rows of each fold.
        y_val : array-like of shape (n_validation_samples,), or an indicator of shape \
                (n_validation_samples, n_labels), default=None
            Labels of the validation rows, in the same form as ``y``.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Non-negative weights of the validation rows.
        groups : array-like of shape (n_samples,), default=None
            An id for each row, such as a number, a string or a tuple. ``validation_split`` then
            never splits a group between training and validation.
        validation_data : tuple, default=None
            Validation rows as in Keras: ``(X_val, y_val)`` or ``(X_val, y_val,
            sample_weight_val)``, instead of the three separate arguments. A search passes the
            tuple on unchanged.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If data, labels, weights or parameters are invalid, or training diverges. The result of
            an earlier fit is then kept.

        Warns
        -----
        UserWarning
            If most validation rows lie far outside the range of the training rows in a feature.
        sklearn.exceptions.ConvergenceWarning
            If ``patience`` is set and the monitored value was still improving in the last epoch.

        Examples
        --------
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(epochs=3, random_state=0)
        >>> clf.fit(X[:300] / 100, y[:300], validation_data=(X[300:] / 100, y[300:]))
        BinaryDenseClassifier(epochs=3, random_state=0)
        >>> list(clf.history_)
        ['loss', 'accuracy', 'val_loss', 'val_accuracy']
        """
        columns_val = validation_columns(validation_data, X_val, y_val, sample_weight_val)
        n_tasks = int(self.epochs) if self.refit_epoch is None else 2
        context = self._init_callback_context(max_subtasks=n_tasks)
        with UnchangedOnFailure(self):
            resume = self.warm_start and hasattr(self, "_weights")
            samples = self._training_samples(X, y, sample_weight, groups, resume)
            if not resume:
                self._seeds = self._draw_seeds()
            passed = self._validation_samples(samples, *columns_val)
            self._check_plan(passed, groups)
            training, validation = samples, passed
            if self.validation_split:
                training, validation = self._hold_out(samples)
            with FitTask(self, context, X, y, sample_weight) as task:
                if self.refit_epoch is None:
                    self._run(training, validation, task.on_rows(training.positions), resume)
                else:
                    search = task.part("find-best-epoch", int(self.epochs))
                    with search.on_rows(training.positions) as part:
                        self._run(training, validation, part, resume)
                    if passed is not None:
                        samples = samples.followed_by(passed)
                    with task.part("refit", self.best_epoch_) as part:
                        self._refit(samples, part)
        return self

    @names_misplaced_arguments
    @keeps_type(_fit_context(prefer_skip_nested_validation=True))
    def partial_fit(
        self,
        X: MatrixLike,
        y: LabelsLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on a batch of rows, continuing from the current weights.

        The optimizer's state is kept between calls. Unlike in ``fit``, weights are not scaled to a
        mean of 1, since their mean over all batches is not known.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Feature rows to train on, in any form that ``fit`` accepts.
        y : array-like of shape (n_samples,), or an indicator of shape (n_samples, n_labels)
            Label or labels of each row, in any form that ``fit`` accepts.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call will pass. Required in the first call, except with several
            labels per row.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weight of each row.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If data, labels, weights or parameters are invalid, ``classes`` is missing in the first
            call, or training diverges. The result of earlier calls is then kept.

        Examples
        --------
        >>> from sklearn.utils import gen_batches
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> clf = BinaryDenseClassifier(learning_rate=0.05, random_state=0)
        >>> for rows in gen_batches(len(X), 100):
        ...     clf = clf.partial_fit(X[rows] / 100, y[rows], classes=["low", "high"])
        >>> clf.n_epochs_
        4
        """
        self._validate_params()  # _fit_context skips this for an estimator that is fitted
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, since the number of rows "
                "of each class in later calls is not known. Pass a dict: {label: weight}."
            )
        with UnchangedOnFailure(self):
            resume = hasattr(self, "_weights")
            X = self._validate_rows(X, y, reset=not resume)
            labels = self._target_kind().check(y)
            check_consistent_length(X, labels)
            if resume:
                self._check_same_target()
            else:
                self._seeds = self._draw_seeds()
                self._learn_target(y, self._first_classes(labels, classes))
            if classes is not None:
                self._target.check_classes(classes)
            self._target.check_names(y)
            codes = self._target.encode(labels)
            weights = self._validate_weights(sample_weight, X)
            class_weight = self._target.class_weights(self.class_weight, None)
            _rows.check_in_float32(weights, class_weight)
            samples = Samples(X, codes, weights).without_weightless()
            task = FitTask(self, None, X, y, sample_weight)
            self._train(
                samples, None, class_weight, resume=resume, task=task, epochs=1, keep_state=True
            )
        return self

    def _monitors(self, net):
        """The values that ``patience`` and ``best_epoch_`` are determined by."""
        return (
            self._monitor(net, "monitor", "refit_epoch"),
            self._monitor(net, "refit_epoch", "monitor"),
        )

    def _monitor(self, net, *parameters):
        """The monitor of the first of these parameters that is set, else of the loss."""
        parameter = next((p for p in parameters if getattr(self, p) is not None), None)
        if parameter is None or getattr(self, parameter) == VAL_LOSS.name:
            return VAL_LOSS
        from skclf import _bridge

        compile_with = self._compile_with(net)
        return monitor_for(
            parameter,
            getattr(self, parameter),
            _bridge.metric_names(compile_with),
            partial(_bridge.lower_is_better, compile_with),
            is_complete=_bridge.weighs_rows(compile_with),
        )

    def _draw_seeds(self):
        """Seeds of a new net, which depend on random_state alone."""
        # Don't use NumPy's global generator, so that a fit changes no global state.
        own = np.random.RandomState() if self.random_state is None else self.random_state
        drawn = int(check_random_state(own).randint(_LARGEST_SEED))
        streams = np.random.SeedSequence(drawn).generate_state(len(_SEEDS))
        return dict(zip(_SEEDS, streams.tolist(), strict=True))

    def _run(self, training, validation, task, resume):
        """Train with early stopping if ``patience`` is set, and find the best epoch."""
        early_stop, monitors = None, None
        planned = (self.n_epochs_ if resume else 0) + int(self.epochs)
        if validation is not None:
            monitors = self._monitors(self._make_net(training.X, self._target))
            if self.patience is not None:
                watched = monitors[0]
                early_stop = EarlyStop(watched.name, int(self.patience), watched.lower)
        found = self._train(
            *self._weighted(training, validation),
            resume=resume,
            task=task,
            watchers=[] if early_stop is None else [early_stop],
            keep_state=self.warm_start,
        )
        if early_stop is not None and found.epochs == planned:
            early_stop.warn_if_still_improving(planned)
        if early_stop is not None and early_stop.snapshot is not None:
            fitted = _fitted_attributes(
                self._net, self._history, self._first_epoch, early_stop.snapshot
            )
            self._set_fitted(fitted, self._epoch_weights)
        goes_by_callback = found.restored_epoch is not None and monitors == (VAL_LOSS, VAL_LOSS)
        if validation is not None and not goes_by_callback:
            values = monitored(self._history, monitors[1].name)
            self.best_epoch_ = self._first_epoch + best_epoch(values, monitors[1].lower)

    def _refit(self, samples, task):
        """Train a new net on all rows for ``best_epoch_`` epochs; keep the first history."""
        chosen = {"_history": self._history, "best_epoch_": self.best_epoch_}
        weighted = self._weighted(samples, None)
        self._train(*weighted, resume=False, task=task, epochs=self.best_epoch_, is_refit=True)
        vars(self).update(chosen)

    def _train(
        self,
        samples,
        validation,
        class_weight,
        *,
        resume,
        task,
        epochs=None,
        watchers=(),
        keep_state=False,
        is_refit=False,
    ):
        """Train through the bridge, set the fitted attributes, and return the training's result."""
        from skclf import _bridge

        built = _bridge.build(self._make_net(samples.X, self._target), self._seeds["weights"])
        net = built.net
        for rows in (samples, validation):
            if rows is not None:
                each_part(rows.X, net.check_rows)
        first_epoch = self.n_epochs_ if resume else 0
        n_earlier = first_epoch - self._first_epoch if resume else 0
        earlier = self._history if resume else {}
        epochs = int(self.epochs if epochs is None else epochs)
        watchers = list(watchers)
        kept = KeptWeights(self._epoch_weights if resume else {})
        if self.keep_epochs:
            watchers.append(kept)
        if task.has_callbacks:
            fitted = partial(_fitted_at_epoch, net)
            watchers.append(EpochTasks(task, fitted, earlier, n_earlier))
        with closing(Progress(first_epoch, epochs, self.verbose, is_refit)) as progress:
            training = _bridge.train(
                built,
                self._target,
                samples,
                validation,
                compile_with=self._compile_with(net),
                class_weight=class_weight,
                seeds=self._seeds,
                first_epoch=first_epoch,
                epochs=epochs,
                batch_size=min(int(self.batch_size), _LARGEST_BATCH),
                callbacks=self._callbacks(),
                watchers=[progress, *watchers],
                start=(self._weights, self._state) if resume else None,
                keep_state=keep_state,
                announces=bool(self.verbose),
            )
        if resume:
            # Epochs that a callback has skipped have no values.
            n_earlier += training.first_epoch - first_epoch
        history = joined_history(earlier, training.history, n_earlier)
        snapshot = training.epochs, training.weights, training.state
        before = training.first_epoch - n_earlier
        fitted = _fitted_attributes(net, history, before, snapshot)
        self._set_fitted(fitted, kept.weights)
        return training

    def _set_fitted(self, fitted, epoch_weights):
        """Set the fitted attributes; keep the epochs' weights up to the last epoch."""
        vars(self).update(fitted)
        self._epoch_weights = {e: w for e, w in epoch_weights.items() if e <= self.n_epochs_}

    def _callbacks(self):
        if self.callbacks is None:
            return ()
        callbacks = self.callbacks
        callbacks = callbacks if isinstance(callbacks, list | tuple) else (callbacks,)
        for callback in callbacks:
            if isinstance(callback, type) or not hasattr(callback, "set_model"):
                raise TypeError(
                    f"Got {callback!r} in callbacks; expected instances of "
                    "keras.callbacks.Callback."
                )
        return callbacks


def _fitted_attributes(net, history, first_epoch, snapshot):
    """The attributes that training sets, after those of classes and features."""
    epochs, weights, state = snapshot
    return {
        "_net": net,
        "_history": history,
        "_first_epoch": first_epoch,
        "_weights": weights,
        "_state": state,
        "_epoch_weights": {},
        "n_epochs_": epochs,
        "best_epoch_": epochs,
    }


def _fitted_at_epoch(net, history, snapshot):
    """The same attributes during training, at the end of the history's last epoch."""
    first_epoch = snapshot[0] - len(history["loss"])
    return _fitted_attributes(net, history, first_epoch, snapshot)
