"""Support for scikit-learn's callbacks: a fit is a task, and each of its epochs a subtask.

scikit-learn has callbacks since version 1.9. With older versions the classifiers work without them.
"""

from __future__ import annotations

from copy import copy
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Self

from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples

from skclf._epochs import Watcher, joined_history
from skclf._typing import keeps_type


def _has_callbacks(estimator):
    return find_spec("sklearn.callback") is not None


class CallbackSupport:
    """The methods of scikit-learn's `CallbackSupportMixin`.

    Importing that class loads Rich, a library for terminals, so it is imported when it is used.
    """

    @keeps_type(available_if(_has_callbacks))
    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set scikit-learn's callbacks, which are called at each fit and each of its epochs.

        Requires scikit-learn 1.9 or later. Keras's callbacks are set by the parameter
        ``callbacks`` instead.

        Parameters
        ----------
        *callbacks : callback instances
            For example `sklearn.callback.ProgressBar` and `sklearn.callback.ScoringMonitor`. A
            call without arguments removes all callbacks.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        TypeError
            If an argument is not a callback of scikit-learn.

        Examples
        --------
        >>> from sklearn.callback import ScoringMonitor
        >>> from skclf import BinaryDenseClassifier
        >>> from skclf.datasets import make_low_high
        >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
        >>> monitor = ScoringMonitor(scoring="balanced_accuracy")
        >>> clf = BinaryDenseClassifier(epochs=3, random_state=0).set_callbacks(monitor)
        >>> clf = clf.fit(X / 100, y)
        >>> log = monitor.get_logs().data_as_pandas
        >>> log[log.task_name == "epoch"].task_id.tolist()
        [0, 1, 2]
        """
        from sklearn.callback import CallbackSupportMixin

        return CallbackSupportMixin.set_callbacks(self, *callbacks)

    def _init_callback_context(self, **options):
        """The context of a fit, or None if no callback is set."""
        if not hasattr(self, "_skl_callbacks"):
            return None
        from sklearn.callback import CallbackSupportMixin

        return CallbackSupportMixin._init_callback_context(self, **options)


class FitTask:
    """The task of a fit or of a part of it, as a context manager that begins and ends it.

    Parameters
    ----------
    estimator : NetClassifier
    context : sklearn.callback.CallbackContext or None
        None if there are no callbacks; the task then does nothing.
    X, y, sample_weight
        The training data as the user passed them.
    """

    def __init__(self, estimator, context, X, y, sample_weight):
        self._estimator, self._context = estimator, context
        self._columns = [X, y, sample_weight]
        # Computed only if a callback asks for the data.
        self._chosen = lru_cache(lambda: self._columns)

    @property
    def has_callbacks(self):
        """Whether there are callbacks to call."""
        return self._context is not None

    def part(self, name, max_subtasks=0):
        """A subtask of this task, on the same rows."""
        if not self.has_callbacks:
            return self
        task = copy(self)
        task._context = self._context.subcontext(task_name=name, max_subtasks=max_subtasks)
        return task

    def on_rows(self, numbers):
        """The same task, on the rows at these positions only."""
        if not self.has_callbacks or len(numbers) == _num_samples(self._columns[1]):
            return self
        task = copy(self)
        task._chosen = lru_cache(
            lambda: [None if c is None else _safe_indexing(c, numbers) for c in self._columns]
        )
        return task

    def __enter__(self):
        """Call the callbacks at the beginning of the task."""
        if self.has_callbacks:
            self._context.call_on_fit_task_begin(estimator=self._estimator, **self._data())
        return self

    def __exit__(self, error_type, error, traceback):
        """Call the callbacks at the end of the task, unless it failed."""
        if error_type is None:
            self.end()

    def end(self, fitted=dict):
        """Call the callbacks at the end of the task; return whether one of them wants to stop.

        Parameters
        ----------
        fitted : callable
            Returns the attributes that turn the estimator in its current state into a fitted one.
        """
        if not self.has_callbacks:
            return False
        return self._context.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=fitted, **self._data()
        )

    def _data(self):
        has_weights = self._columns[2] is not None
        return {
            "X": lambda: self._chosen()[0],
            "y": lambda: self._chosen()[1],
            "metadata": lambda: {"sample_weight": self._chosen()[2]} if has_weights else None,
        }


class EpochTasks(Watcher):
    """Makes each epoch a subtask of the task of its training run.

    Parameters
    ----------
    task : FitTask
    fitted : callable
        Returns the attributes of a fitted estimator, given a history and a snapshot.
    earlier : dict of str to list of float
        History of the epochs before this run.
    first_epoch : int
        Number of epochs in ``earlier``.
    """

    def __init__(self, task, fitted, earlier, first_epoch):
        self._task, self._fitted = task, fitted
        self._earlier, self._first_epoch = earlier, first_epoch
        self._history = {}

    def begin(self, epoch):
        """Begin the epoch's task."""
        self._epoch_task = self._task.part("epoch").__enter__()

    def end(self, epoch, logs, take_snapshot):
        """End the epoch's task; return whether a callback wants to stop."""
        for name, value in logs.items():
            self._history.setdefault(name, []).append(value)

        def fitted():
            history = joined_history(self._earlier, self._history, self._first_epoch)
            return self._fitted(history, take_snapshot())

        return self._epoch_task.end(fitted)
