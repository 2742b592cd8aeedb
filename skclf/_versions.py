"""What every saved estimator says of itself, and the errors and warnings if that isn't so.

The state of an estimator, fitted or not, holds its parameters, the versions of skclf and
scikit-learn that saved it, the number of its format, and a checksum over what was fitted. What else
it holds is checked by `_saved` and `_multi_hot`.
"""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any

import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from skclf._checksum import checksum
from skclf._migrations import FORMAT, migrated

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRST_WITH_CHECKSUM = 2
_OWN_KEYS = ("_skclf_version", "_sklearn_version", "_skclf_format", "_skclf_checksum")


def with_versions(attributes: dict[str, Any], checked: Iterable[str]) -> dict[str, Any]:
    """The state of an estimator with these attributes.

    Parameters
    ----------
    attributes : dict
        In the form in which they are saved; left as it is.
    checked : iterable of str
        The names of those attributes that the checksum covers, where the estimator has them.

    Returns
    -------
    dict
        The attributes, the versions at hand, the format and the checksum.
    """
    return {
        **attributes,
        **_current_versions(),
        "_skclf_format": FORMAT,
        "_skclf_checksum": _checksum_of(attributes, checked),
    }


def without_versions(
    state: Any, name: str, parameters: Iterable[str], checked: Iterable[str]
) -> dict[str, Any]:
    """The attributes of an estimator from its state, in today's format.

    Parameters
    ----------
    state : dict
        As `with_versions` gives it; left as it is.
    name : str
        Of the estimator's class, for messages.
    parameters : iterable of str
        Names of the parameters, which every estimator must have.
    checked : iterable of str
        Names of the attributes that the checksum covers.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the state can't be that of such an estimator, is not the one that was saved, or is of a
        format that only a newer skclf knows.

    Warns
    -----
    InconsistentVersionWarning
        If another version of skclf or of scikit-learn has saved it.
    """
    if not isinstance(state, dict):
        raise refusal(name, f"it holds a {type(state).__name__} and no dict", {})
    _warn_of_other_versions(state, name)
    if not all(isinstance(key, str) for key in state):
        raise refusal(name, "the names of its attributes are not all strings", state)
    number = _checked_format(state, name)
    # First of all that looks at a value: the rest may rely on what was saved.
    if number >= _FIRST_WITH_CHECKSUM and not _is_as_saved(state, checked):
        fault = "its arrays are not those that were saved: the checksum differs"
        raise refusal(name, fault, state)
    try:
        attributes = migrated(state, number)
    except Exception as error:  # whatever a damaged state leads to
        fault = f"format {number} can't be read: {type(error).__name__}: {error}"
        raise refusal(name, fault, state) from error
    attributes = {key: value for key, value in attributes.items() if key not in _OWN_KEYS}
    lacking = [key for key in parameters if key not in attributes]
    if lacking:
        raise refusal(name, f"it lacks {', '.join(lacking)}", state)
    return attributes


def refusal(
    name: str, fault: str, state: Any, fix: str = "fit and save the estimator again"
) -> ValueError:
    """The error about a state that can't be loaded.

    Parameters
    ----------
    name : str
        Of the estimator's class.
    fault : str
        Half a sentence.
    state : dict
    fix : str
        What to do, the other half.

    Returns
    -------
    ValueError
    """
    key = "_skclf_version"
    saved, current = state.get(key, "unknown"), _current_versions()[key]
    return ValueError(
        f"Can't load this {name}: {fault}. The file is damaged, was altered, or is of a version of "
        f"skclf that this one can't read (saved by {saved}, this is {current}); {fix}."
    )


def _checked_format(state, name):
    """The number of a state's format, one that is known."""
    number = state.get("_skclf_format", 1)
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
        raise refusal(name, f"its format is {number!r}, and no whole number from 1 on", state)
    if number > FORMAT:
        fault = (
            f"it was saved by a newer skclf, in format {number}, and this version reads formats "
            f"1 to {FORMAT}"
        )
        fix = "load it with the newer skclf, or fit and save the estimator again with this one"
        raise refusal(name, fault, state, fix)
    has_checksum = "_skclf_checksum" in state
    if has_checksum != (number >= _FIRST_WITH_CHECKSUM):
        fault = f"it has {'a' if has_checksum else 'no'} checksum, and is of format {number}"
        raise refusal(name, fault, state)
    return number


def _is_as_saved(state, checked):
    saved = state["_skclf_checksum"]
    return isinstance(saved, str) and saved == _checksum_of(state, checked)


def _checksum_of(attributes, checked):
    return checksum({name: attributes[name] for name in checked if name in attributes})


def _current_versions():
    from skclf import __version__

    return {"_skclf_version": __version__, "_sklearn_version": sklearn.__version__}


def _warn_of_other_versions(state, name):
    for key, current in _current_versions().items():
        saved = str(state.get(key, "unknown"))
        if saved != current:
            # The warning's text names no library: scikit-learn has it for its own version alone.
            prefix = "skclf " if key == "_skclf_version" else ""
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=name,
                    current_sklearn_version=f"{prefix}{current}",
                    original_sklearn_version=f"{prefix}{saved}",
                ),
                stacklevel=5,
            )
