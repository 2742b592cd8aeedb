"""The validation value that a fit goes by, and which way it improves. Plain Python only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MODES = {"min": True, "max": False}
# Keras has one metric under these names, and logs it under the one that it was asked for by.
_SAME = ({"val_acc", "val_accuracy"},)


@dataclass(frozen=True)
class Monitor:
    """A validation value to watch.

    Attributes
    ----------
    name : str
        As in the history, such as ``"val_loss"``.
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
    """The monitor that a parameter asks for.

    Parameters
    ----------
    parameter : str
        Its name, for messages.
    asked : str or tuple (str, {"min", "max"})
        Its value.
    metric_names : list of str
        As they are logged for the training rows.
    lower_is_better : callable
        Of such a name, True, False, or None where it isn't known.
    is_complete : bool
        Whether ``metric_names`` has all names; a metric of the user's own may log further ones.

    Returns
    -------
    Monitor

    Raises
    ------
    ValueError
        If the metric does not exist, or if its direction is neither known nor passed.
    """
    name, mode = _name_and_mode(parameter, asked)
    if not name.startswith("val_"):
        raise ValueError(
            f"Got {parameter}={asked!r}; it must name a validation value: 'val_loss', or 'val_' "
            "and the name of a metric, such as 'val_accuracy'."
        )
    known = ["val_loss", *(f"val_{metric}" for metric in metric_names)]
    name = _logged_name(name, known)
    if name not in known and is_complete:
        raise ValueError(
            f"Got {parameter}={asked!r}, which is none of the validation values: "
            f"{', '.join(map(repr, known))}. Add the metric to metrics, or name one of these."
        )
    lower = _MODES.get(mode)
    if lower is None:
        lower = lower_is_better(name.removeprefix("val_"))
    if lower is None:
        raise ValueError(
            f"Got {parameter}={asked!r}, and whether lower or higher is better isn't known: say it "
            f"by {parameter}=({name!r}, 'min') or {parameter}=({name!r}, 'max')."
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
        if other.lower() == name.lower() or any({other.lower(), name} <= same for same in _SAME)
    ]
    return alike[0] if len(alike) == 1 else name
