"""Epochs as a user sees them: progress, the best one, when to stop."""

import math
import sys
import time


def improves(monitor, value, best):
    """Whether a monitored value is better than the best so far; NaN never is.

    A loss is better when lower, anything else when higher.
    """
    if best is None:
        return not math.isnan(value)
    return value < best if monitor.endswith("loss") else value > best


def joined_history(earlier, later, n_earlier):
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
            *earlier.get(name, [math.nan] * n_earlier)[:n_earlier],
            *later.get(name, [math.nan] * n_later),
        ]
        for name in {**earlier, **later}
    }


def best_epoch(history, monitor):
    """Number, from 1, of the first epoch with the best monitored value.

    Parameters
    ----------
    history : dict of str to list of float
    monitor : str
        A column of it.

    Returns
    -------
    int
        The last epoch where no value is a number.
    """
    values, best, epoch = history[monitor], None, len(history[monitor])
    for number, value in enumerate(values, 1):
        if improves(monitor, value, best):
            best, epoch = value, number
    return epoch


class EarlyStop:
    """Keeps the weights of the best epoch and says when to stop.

    Parameters
    ----------
    monitor : str
        Name of the value that is watched.
    patience : int
        Epochs without a better value after which to stop.

    Attributes
    ----------
    snapshot : object or None
        What the net was at the end of the best epoch so far.
    """

    def __init__(self, monitor, patience):
        self.monitor, self.patience = monitor, patience
        self.snapshot = self._best = None
        self._since_best = 0

    def __call__(self, epoch, logs, take_snapshot):
        """Take note of an epoch; return whether to stop."""
        self._since_best += 1
        if improves(self.monitor, logs[self.monitor], self._best):
            self._best, self._since_best = logs[self.monitor], 0
            self.snapshot = take_snapshot()
        return self._since_best >= self.patience


class Progress:
    """Prints the progress of a fit.

    Parameters
    ----------
    first_epoch, epochs : int
        Epochs done before, and epochs to do.
    verbose : {0, 1, 2}
        0 prints nothing; 1 rewrites one line on a terminal, and elsewhere prints the last state
        alone; 2 prints a line an epoch.
    """

    def __init__(self, first_epoch, epochs, verbose):
        self.verbose = verbose
        self._first_epoch, self._last_epoch = first_epoch, first_epoch + epochs
        self._start = time.monotonic()
        self._line = ""

    def __call__(self, epoch, logs, take_snapshot):
        """Print an epoch; return False, since training goes on."""
        if not self.verbose:
            return False
        done, elapsed = epoch - self._first_epoch, time.monotonic() - self._start
        values = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        line = f"epoch {epoch}/{self._last_epoch}  {values}"
        if self.verbose == 2:
            print(f"{line}  {elapsed / done:.2g} s an epoch")
            return False
        line += f"  {elapsed * (self._last_epoch - epoch) / done:.0f} s left"
        if sys.stdout.isatty():
            print("\r" + line.ljust(len(self._line)), end="", flush=True)
        self._line = line
        return False

    def close(self):
        """End the line."""
        if self._line:
            print() if sys.stdout.isatty() else print(self._line)
