"""The epochs of a fit: progress, best epoch, early stopping, history."""

from __future__ import annotations

import math
import multiprocessing
import os
import shutil
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
    """The entry of a history, or of an epoch's logs, that ``monitor`` names.

    Raises
    ------
    ValueError
        If there is no such entry.
    """
    if monitor in values:
        return values[monitor]
    known = ", ".join(repr(name) for name in values if name.startswith("val_"))
    raise ValueError(f"Got monitor={monitor!r}; expected one of the validation values: {known}.")


def joined_history(
    earlier: dict[str, list[float]], later: dict[str, list[float]], n_earlier: int
) -> dict[str, list[float]]:
    """Join two histories, with NaN for the values that one of them lacks.

    Parameters
    ----------
    earlier, later : dict of str to list of float
    n_earlier : int
        Number of the earlier epochs to keep.

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
        One per epoch.
    lower : bool
        Whether lower is better.

    Returns
    -------
    int
        The last epoch if all values are NaN.
    """
    best, epoch = None, len(values)
    for number, value in enumerate(values, 1):
        if improves(value, best, lower):
            best, epoch = value, number
    return epoch


class Watcher:
    """Notified at the start and end of each epoch; may stop the fit."""

    def begin(self, epoch: int) -> None:
        """Called when an epoch begins; epochs are counted from 1."""

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Called when an epoch has ended; return whether to stop.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        logs : dict of str to float
            The epoch's loss and metrics.
        take_snapshot : callable
            Returns the epoch, the weights, and the state that training can continue from.
        """
        return False


class EarlyStop(Watcher):
    """Keep the weights of the best epoch, and stop when there is no better one for a while.

    Parameters
    ----------
    monitor : str
        Name of the monitored value.
    patience : int
        Number of epochs without a better value after which to stop.
    lower : bool
        Whether lower values are better.

    Attributes
    ----------
    snapshot : object or None
        Epoch, weights and state at the end of the best epoch so far.
    """

    def __init__(self, monitor: str, patience: int, lower: bool) -> None:
        self.monitor, self.patience, self.lower = monitor, patience, lower
        self.snapshot: Snapshot | None = None
        self._best: float | None = None
        self._since_best = 0

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Compare an epoch with the best one; return whether to stop."""
        value = monitored(logs, self.monitor)
        self._since_best += 1
        if improves(value, self._best, self.lower):
            self._best, self._since_best = value, 0
            self.snapshot = take_snapshot()
        return self._since_best >= self.patience

    def warn_if_still_improving(self, epochs: int) -> None:
        """Warn that the last of ``epochs`` was the best, so that more epochs may help."""
        if self.snapshot is not None and self._since_best == 0:
            warnings.warn(
                f"The best epoch by {self.monitor} was the last one, {epochs}: training ended "
                f"before patience={self.patience} could stop it. More epochs may give a better "
                "net: increase epochs.",
                ConvergenceWarning,
                stacklevel=2,
            )


class KeptWeights(Watcher):
    """Keep the weights of every epoch.

    Parameters
    ----------
    earlier : dict of int to list of ndarray
        Weights of the epochs before training was resumed, by epoch.

    Attributes
    ----------
    weights : dict of int to list of ndarray
        By epoch, including the earlier epochs.
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
    """Print the progress of a fit.

    Parameters
    ----------
    first_epoch, epochs : int
        Number of epochs already done, and number of epochs to do.
    verbose : {0, 1, 2}
        0 prints nothing. 1 updates a single line in a terminal or a notebook, and prints only the
        last state anywhere else. 2 prints one line per epoch.
    is_refit : bool, default=False
        Whether this is the second training of a fit with ``refit_epoch``.
    """

    def __init__(self, first_epoch: int, epochs: int, verbose: int, is_refit: bool = False) -> None:
        self.verbose = verbose
        self._name = "refit epoch" if is_refit else "epoch"
        self._first_epoch, self._last_epoch = first_epoch, first_epoch + epochs
        self._start = time.monotonic()
        self._rewrites = verbose == 1 and _can_rewrite_lines()
        self._head, self._logs, self._shown = "", dict[str, float](), ""
        self._next_time = self._start

    def end(
        self, epoch: int, logs: dict[str, float], take_snapshot: Callable[[], Snapshot]
    ) -> bool:
        """Print an epoch."""
        if not self.verbose:
            return False
        now = time.monotonic()
        done, elapsed = epoch - self._first_epoch, now - self._start
        self._head, self._logs = f"{self._name} {epoch}/{self._last_epoch}", logs
        if self.verbose == 2:
            print(progress_line(self._head, logs, f"{elapsed / done:.2g} s per epoch"))
        elif self._rewrites and now >= self._next_time:
            left = elapsed * (self._last_epoch - epoch) / done
            self._show(f"{duration(left)} left")
            self._next_time = now + _SECONDS_BETWEEN_LINES
        return False

    def close(self) -> None:
        """Print the last state with the total time, and end the line."""
        if self.verbose != 1 or not self._head:
            return
        total = f"took {duration(time.monotonic() - self._start)}"
        if self._rewrites:
            self._show(total)
            print()
        else:
            print(progress_line(self._head, self._logs, total))

    def _show(self, tail):
        columns = _columns()
        # A line that reaches the last column would wrap in some terminals.
        most = columns and max(columns - 1, 1)
        line = progress_line(self._head, self._logs, tail, most)
        if line == self._shown.rstrip():
            return
        begin, n_shown = "\r", len(self._shown)
        if columns and n_shown > columns:
            # The terminal has become narrower and has wrapped the line, as most terminals do.
            begin, n_shown = f"\r\x1b[{(n_shown - 1) // columns}A\x1b[J", 0
        # Spaces erase the rest of a longer line. A terminal wraps them like other characters, so
        # they count as shown.
        self._shown = line.ljust(n_shown)[:most]
        print(begin + self._shown, end="", flush=True)


def duration(seconds: float) -> str:
    """A time as text: ``"0.5 s"``, ``"12 s"``, ``"3 min 5 s"`` or ``"2 h 10 min"``."""
    if round(seconds) < 10:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def progress_line(head: str, logs: dict[str, float], tail: str, most: int | None = None) -> str:
    """A line that shows as many of an epoch's values as there is room for.

    If the line is too long, values are shortened, and then left out: first the training metrics,
    then the validation metrics, then the training loss, then the validation loss. If the line is
    still too long, it ends after ``head``.

    Parameters
    ----------
    head, tail : str
        The epoch, and the time.
    logs : dict of str to float
        The epoch's loss and metrics.
    most : int or None
        Maximum number of characters.

    Returns
    -------
    str
    """
    by_importance = sorted(logs, key=_importance)
    choices = [(by_importance, 4, ""), (by_importance, 4, "acc"), (by_importance, 3, "acc")]
    choices += [(by_importance[:n], 3, "acc") for n in range(len(logs) - 1, -1, -1)]
    for shown, decimals, accuracy in choices:
        values = [
            f"{name.replace('accuracy', accuracy or 'accuracy')} {value:.{decimals}f}"
            for name, value in logs.items()
            if name in shown
        ]
        line = "  ".join([head, *values, tail])
        if most is None or len(line) <= most:
            return line
    return head[:most]


def _importance(name):
    return {"val_loss": 0, "loss": 1}.get(name, 2 if name.startswith("val_") else 3)


def _columns():
    """Width of the terminal, or None where lines are not limited."""
    if _in_notebook():
        return None
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (AttributeError, OSError, ValueError):
        columns = 0
    # A terminal that doesn't know its size says 0.
    return columns or shutil.get_terminal_size().columns


def _in_notebook():
    # Its output isn't a terminal, but returns to the beginning of a line at "\r".
    return type(sys.stdout).__module__.startswith("ipykernel.")


def _can_rewrite_lines():
    """Whether standard output is a terminal or a notebook, and no other fit prints to it.

    Fits that run at the same time, in threads or in worker processes, would overwrite each other's
    line.
    """
    alone = threading.current_thread() is threading.main_thread()
    alone = alone and multiprocessing.parent_process() is None
    # Standard output may be None, or an object that only has ``write``.
    is_terminal = getattr(sys.stdout, "isatty", bool)() and hasattr(sys.stdout, "flush")
    return alone and (_in_notebook() or is_terminal)
