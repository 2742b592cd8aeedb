"""How the legend names the best epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def number(value: float) -> str:
    """A number with three decimals, or with two significant digits if it is small."""
    return f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.2g}"


def best_label(net: Any, history: pd.DataFrame) -> str | None:
    """The value that ``best_epoch_`` is the best of, the epoch and the value there.

    Parameters
    ----------
    net : estimator instance
        A fitted classifier of skclf.
    history : pandas.DataFrame
        Its ``history_``.

    Returns
    -------
    str or None
        For example "lowest val_loss: epoch 35 (0.123)". None if the value is unknown at this epoch,
        or if it is neither the lowest nor the highest, which happens if parameters were changed
        after the fit or if a callback chose the epoch.
    """
    column = _monitored_column(net, history)
    if column is None:
        return None
    values = history[column]
    value = values.get(net.best_epoch_, np.nan)
    is_lowest, is_highest = value == values.min(), value == values.max()
    if not np.isfinite(value) or not (is_lowest or is_highest):
        return None
    if is_lowest and is_highest:
        # A constant value, or a single epoch, doesn't tell the direction.
        which = "lowest" if column == "val_loss" else "best"
    else:
        which = "lowest" if is_lowest else "highest"
    return f"{which} {column}: epoch {net.best_epoch_} ({number(value)})"


def _monitored_column(net, history):
    """The column that the classifier's parameters name, or None."""
    set_values = (getattr(net, name, None) for name in ("refit_epoch", "monitor"))
    monitor = next((value for value in set_values if value is not None), "val_loss")
    name = monitor if isinstance(monitor, str) else monitor[0]
    # Classifiers also accept other cases, and "val_acc" for "val_accuracy".
    names = {name.lower(), {"val_acc": "val_accuracy"}.get(name, name)}
    alike = [column for column in history if column.lower() in names]
    return name if name in history else next(iter(alike), None)
