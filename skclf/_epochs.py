"""Epochs as a user sees them: progress, the best one, when to stop."""

from __future__ import annotations

import math
import multiprocessing
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from skclf._typing import Snapshot

_SECONDS_BETWEEN_LINES = 0.1


def improves(value: float, best: float | None, lower: bool) -> bool:
    """Whether a value is better than the best so far; NaN never is.

    Parameters
    ----------
    value : float
    best : float or None
    lower : bool
        Whether lower is better.
    """
    if best is None:
        return not math.isnan(value)
    return value < best if lower else value > best


def monitored(values: dict[str, Any], monitor: str) -> Any:
    """The entry of a history or of an epoch's logs that ``monitor`` names, or a ValueError."""
    if monitor in values:
        return values[monitor]
    known = ", ".join(repr(name) for name in values if name.startswith("val_"))
    raise ValueError(f"Got monitor={monitor!r}, which is none of the validation values: {known}.")


def joined_history(
    earlier: dict[str, list[float]], later: dict[str, list[float]], n_earlier: int
) -> dict[str, list[float]]:
    """Two histories as one, with NaN where one of them lacks a value.

    Parameters
    ----------
    earlier, later : dict of str to list of float
    n_earlier : int
        How many of the earlier epochs to keep.

    Returns
    -------
    dict of str to list of float
    """
    n_later = len(later["loss"])
    return {
        name: [
            *_padded(earlier.get(name, [])[:n_earlier], n_earlier),
            *later.get(name, [math.nan] * n_later),
        ]
        for name in {**earlier, **later}
    }


def _padded(values, length):
    return values + [math.nan] * (length - len(values))


def best_epoch(values: list[float], lower: bool) -> int:
    """Number, from 1, of the first epoch with the best value.

    Parameters
    ----------
    values : list of float
        One an epoch.
    lower : bool
        Whether lower is better.

    Returns
    -------
    int
        The last epoch where no value is a number.
    """
    best, epoch = None, len(values)
    for number, value in enumerate(values, 1):
        if improves(value, best, lower):
            best, epoch = value, number
    return epoch


class Watcher:
    """Hears of each epoch of a fit, and may end it."""

    def begin(self, epoch: int) -> None:
        """Hear that an epoch, counted from 1, begins."""

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Hear that an epoch has ended, and how; return whether to stop.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        logs : dict of str to float
            The epoch's loss and metrics.
        take_snapshot : callable
            Gives the epoch, the weights and the state to go on from.
        """
        return False


class EarlyStop(Watcher):
    """Keeps the weights of the best epoch and says when to stop.

    Parameters
    ----------
    monitor : str
        Name of the value that is watched.
    patience : int
        Epochs without a better value after which to stop.
    lower : bool
        Whether lower values are better.

    Attributes
    ----------
    snapshot : object or None
        What the net was at the end of the best epoch so far.
    """

    def __init__(self, monitor: str, patience: int, lower: bool) -> None:
        self.monitor, self.patience, self.lower = monitor, patience, lower
        self.snapshot: Snapshot | None = None
        self._best: float | None = None
        self._since_best = 0

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Take note of an epoch; return whether to stop."""
        value = monitored(logs, self.monitor)
        self._since_best += 1
        if improves(value, self._best, self.lower):
            self._best, self._since_best = value, 0
            self.snapshot = take_snapshot()
        return self._since_best >= self.patience

    def warn_if_still_improving(self, epochs: int) -> None:
        """Warn that training ended at its best, since it was to run for so many epochs."""
        if self.snapshot is not None and self._since_best == 0:
            warnings.warn(
                f"The best epoch by {self.monitor} was the last one, {epochs}: training ended "
                f"before patience={self.patience} could stop it. Further epochs may give a better "
                "net: set epochs higher.",
                ConvergenceWarning,
                stacklevel=2,
            )


class KeptWeights(Watcher):
    """Keeps the weights of every epoch.

    Parameters
    ----------
    earlier : dict of int to list of ndarray
        What was kept, by epoch, before training went on.

    Attributes
    ----------
    weights : dict of int to list of ndarray
        By epoch, the earlier ones too.
    """

    def __init__(self, earlier: dict[int, list[np.ndarray]]) -> None:
        self.weights = dict(earlier)

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Keep an epoch's weights."""
        _, self.weights[epoch], _ = take_snapshot()
        return False


class Progress(Watcher):
    """Prints the progress of a fit.

    Parameters
    ----------
    first_epoch, epochs : int
        Epochs done before, and epochs to do.
    verbose : {0, 1, 2}
        0 prints nothing; 1 rewrites one line where a line can be rewritten, and elsewhere prints
        the last state alone; 2 prints a line an epoch.
    """

    def __init__(self, first_epoch: int, epochs: int, verbose: int) -> None:
        self.verbose = verbose
        self._first_epoch, self._last_epoch = first_epoch, first_epoch + epochs
        self._start = time.monotonic()
        self._rewrites = verbose == 1 and _can_rewrite_lines()
        self._line, self._shown, self._next_time = "", "", self._start

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Print an epoch."""
        if not self.verbose:
            return False
        now = time.monotonic()
        done, elapsed = epoch - self._first_epoch, now - self._start
        values = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        line = f"epoch {epoch}/{self._last_epoch}  {values}"
        if self.verbose == 2:
            print(f"{line}  {elapsed / done:.2g} s an epoch")
            return False
        left = elapsed * (self._last_epoch - epoch) / done
        self._line = f"{line}  {left:.0f} s left"
        if self._rewrites and now >= self._next_time:
            self._show()
            self._next_time = now + _SECONDS_BETWEEN_LINES
        return False

    def close(self) -> None:
        """Print the last state, and end the line."""
        if not self._line:
            return
        if self._rewrites:
            self._show()
            print()
        else:
            print(self._line)

    def _show(self):
        if self._line != self._shown:
            print("\r" + self._line.ljust(len(self._shown)), end="", flush=True)
            self._shown = self._line


def _can_rewrite_lines():
    """Whether standard output is a terminal's or a notebook's, and this fit's alone.

    Fits that run at the same time, in threads or in worker processes, would overwrite each
    other's line.
    """
    alone = threading.current_thread() is threading.main_thread()
    alone = alone and multiprocessing.parent_process() is None
    in_notebook = type(sys.stdout).__module__.startswith("ipykernel.")
    # There may be no standard output, or another object in its place, with no more than ``write``.
    is_terminal = getattr(sys.stdout, "isatty", bool)() and hasattr(sys.stdout, "flush")
    return alone and (in_notebook or is_terminal)
