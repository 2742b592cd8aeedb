"""scikit-learn's own callbacks: a fit is a task, and each of its epochs a task within it.

They came with scikit-learn 1.9. With an older one the classifiers work without them.
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
    """What scikit-learn's own `CallbackSupportMixin` adds to an estimator.

    That one comes with a library that draws in terminals, so it is imported where it is used.
    """

    @keeps_type(available_if(_has_callbacks))
    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set scikit-learn's callbacks, which hear of each fit and each of its epochs.

        Needs scikit-learn 1.9 or later.

        Parameters
        ----------
        *callbacks : instances of callbacks
            For example `sklearn.callback.ProgressBar` and `sklearn.callback.ScoringMonitor`; none
            takes those away that were set.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        TypeError
            If one of them is no such callback.
        """
        from sklearn.callback import CallbackSupportMixin

        return CallbackSupportMixin.set_callbacks(self, *callbacks)

    def _init_callback_context(self, **options):
        """The context of a fit, or None where no callback is set."""
        if not hasattr(self, "_skl_callbacks"):
            return None
        from sklearn.callback import CallbackSupportMixin

        return CallbackSupportMixin._init_callback_context(self, **options)


class FitTask:
    """The task of one fit or of a part of it; a context manager that begins and ends it.

    Parameters
    ----------
    estimator : NetClassifier
    context : sklearn.callback.CallbackContext or None
        None does nothing.
    X, y, sample_weight
        What it trains on, as the user has it.
    """

    def __init__(self, estimator, context, X, y, sample_weight):
        self._estimator, self._context = estimator, context
        self._columns = [X, y, sample_weight]
        # Only who asks for the data pays for them.
        self._chosen = lru_cache(lambda: self._columns)

    @property
    def is_heard(self):
        """Whether there is a callback to tell of it."""
        return self._context is not None

    def part(self, name, max_subtasks=0):
        """A task within this one, on the same rows."""
        if not self.is_heard:
            return self
        task = copy(self)
        task._context = self._context.subcontext(task_name=name, max_subtasks=max_subtasks)
        return task

    def on_rows(self, numbers):
        """The same task, on the rows with these numbers alone."""
        if not self.is_heard or len(numbers) == _num_samples(self._columns[1]):
            return self
        task = copy(self)
        task._chosen = lru_cache(
            lambda: [None if c is None else _safe_indexing(c, numbers) for c in self._columns]
        )
        return task

    def __enter__(self):
        """Tell the callbacks that it begins."""
        if self.is_heard:
            self._context.call_on_fit_task_begin(estimator=self._estimator, **self._data())
        return self

    def __exit__(self, error_type, error, traceback):
        """Tell the callbacks that it has ended, unless it has failed."""
        if error_type is None:
            self.end()

    def end(self, fitted=dict):
        """Tell the callbacks that it has ended; return whether one of them wants to stop.

        Parameters
        ----------
        fitted : callable
            Gives the attributes that make the estimator, as it stands, a fitted one.
        """
        if not self.is_heard:
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
    """Makes each epoch a task within the task of its training run.

    Parameters
    ----------
    task : FitTask
    fitted : callable
        Makes the attributes of a fitted estimator of a history and a snapshot.
    earlier : dict of str to list of float
        The history of the epochs before.
    first_epoch : int
        How many these are.
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
