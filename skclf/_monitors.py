"""The validation value that a fit follows, and its direction of improvement. Plain Python only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MODES = {"min": True, "max": False}
# Both names request the same metric of Keras, which logs it under the requested name.
_SYNONYMS = ({"val_acc", "val_accuracy"},)


@dataclass(frozen=True)
class Monitor:
    """A validation value to follow.

    Attributes
    ----------
    name : str
        Its name in the history, such as ``"val_loss"``.
    lower : bool
        Whether lower is better.
    """

    name: str
    lower: bool


VAL_LOSS = Monitor("val_loss", True)


def monitor_for(
    parameter: str,
    asked: Any,
    metric_names: list[str],
    lower_is_better: Callable[[str], bool | None],
    is_complete: bool = True,
) -> Monitor:
    """The monitor that the value of a parameter names.

    Parameters
    ----------
    parameter : str
        Name of the parameter, for messages.
    asked : str or tuple of (str, {"min", "max"})
        Value of the parameter.
    metric_names : list of str
        Names under which the metrics are logged for the training rows.
    lower_is_better : callable
        Returns for such a name whether lower is better, or None if that isn't known.
    is_complete : bool
        Whether ``metric_names`` has all names. A custom metric may log more.

    Returns
    -------
    Monitor

    Raises
    ------
    ValueError
        If the metric doesn't exist, or its direction is neither known nor given.
    """
    name, mode = _name_and_mode(parameter, asked)
    if not name.startswith("val_"):
        raise ValueError(
            f"Got {parameter}={asked!r}; expected the name of a validation value: 'val_loss', or "
            "'val_' and the name of a metric, such as 'val_accuracy'."
        )
    known = ["val_loss", *(f"val_{metric}" for metric in metric_names)]
    name = _logged_name(name, known)
    if name not in known and is_complete:
        raise ValueError(
            f"Got {parameter}={asked!r}; expected one of the validation values "
            f"{', '.join(map(repr, known))}. Use one of these, or add the metric to metrics."
        )
    lower = _MODES.get(mode)
    if lower is None:
        lower = lower_is_better(name.removeprefix("val_"))
    if lower is None:
        raise ValueError(
            f"Got {parameter}={asked!r}; expected its direction too, since it isn't known whether "
            f"lower or higher is better. Set {parameter}=({name!r}, 'min') or "
            f"{parameter}=({name!r}, 'max')."
        )
    return Monitor(name, lower)


def _name_and_mode(parameter, asked):
    if isinstance(asked, str):
        return asked, None
    pair = tuple(asked)
    if len(pair) != 2 or not isinstance(pair[0], str) or pair[1] not in _MODES:
        raise ValueError(
            f"Got {parameter}={asked!r}; expected the name of a validation value, or such a name "
            "and its direction, such as ('val_loss', 'min') or ('val_accuracy', 'max')."
        )
    return pair


def _logged_name(name, known):
    if name in known:
        return name
    alike = [
        other
        for other in known
        if other.lower() == name.lower() or any({other.lower(), name} <= same for same in _SYNONYMS)
    ]
    return alike[0] if len(alike) == 1 else name
