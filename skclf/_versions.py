"""The metadata of every saved estimator, and the errors and warnings if they don't match.

The state of an estimator, fitted or not, holds its parameters, the versions of skclf and
scikit-learn that saved it, the number of its format, and a checksum over the fitted attributes.
`_saved`, `_multi_hot` and `_sequences` check everything else.
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
    """Return the state to save for an estimator with these attributes.

    Parameters
    ----------
    attributes : dict
        The attributes in the form in which they are saved. Not modified.
    checked : iterable of str
        Names of the attributes that the checksum covers. The estimator may lack some of them.

    Returns
    -------
    dict
        The attributes, the installed versions, the format and the checksum.
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
    """Return the attributes of an estimator from its saved state, in the current format.

    Parameters
    ----------
    state : dict
        A state as returned by `with_versions`. Not modified.
    name : str
        Name of the estimator's class, for messages.
    parameters : iterable of str
        Names of the parameters, which every estimator must have.
    checked : iterable of str
        Names of the attributes that the checksum covers.

    Returns
    -------
    dict
        The attributes, without versions, format and checksum.

    Raises
    ------
    ValueError
        If the state doesn't belong to such an estimator, differs from the one that was saved, or
        has a format that only a newer skclf can read.

    Warns
    -----
    InconsistentVersionWarning
        If it was saved by another version of skclf or scikit-learn.
    """
    if not isinstance(state, dict):
        raise refusal(name, f"its state is a {type(state).__name__}, not a dict", {})
    _warn_of_other_versions(state, name)
    if not all(isinstance(key, str) for key in state):
        raise refusal(name, "the names of its attributes are not all strings", state)
    number = _checked_format(state, name)
    # Before all other checks of values: they may then rely on the saved ones.
    if number >= _FIRST_WITH_CHECKSUM and not _is_as_saved(state, checked):
        fault = "its arrays are not those that were saved: the checksum differs"
        raise refusal(name, fault, state)
    try:
        attributes = migrated(state, number)
    except Exception as error:  # a damaged state can cause any error
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
    """Return the error for a state that can't be loaded.

    Parameters
    ----------
    name : str
        Name of the estimator's class.
    fault : str
        What is wrong with the state: a clause without a capital letter and full stop.
    state : dict
        The state, for the version that saved it.
    fix : str
        What the user can do, also such a clause.

    Returns
    -------
    ValueError
        The error, to be raised by the caller.
    """
    key = "_skclf_version"
    saved, current = state.get(key, "unknown"), _current_versions()[key]
    return ValueError(
        f"Can't load this {name}: {fault}. The file is damaged, was altered, or was saved by a "
        f"version of skclf that this one can't read (saved by {saved}, this is {current}); {fix}."
    )


def _checked_format(state, name):
    """Return the number of a state's format, after a check that it is a known one."""
    number = state.get("_skclf_format", 1)
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
        raise refusal(name, f"its format is {number!r}, not a positive integer", state)
    if number > FORMAT:
        fault = (
            f"it was saved by a newer skclf in format {number}, but this version reads only "
            f"formats 1 to {FORMAT}"
        )
        fix = "load it with the newer skclf, or fit and save the estimator again with this one"
        raise refusal(name, fault, state, fix)
    has_checksum = "_skclf_checksum" in state
    if has_checksum != (number >= _FIRST_WITH_CHECKSUM):
        fault = (
            f"it has a checksum, which format {number} doesn't have"
            if has_checksum
            else f"it has no checksum, which format {number} requires"
        )
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
            # scikit-learn uses this warning only for its own version, so its text names no library.
            prefix = "skclf " if key == "_skclf_version" else ""
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=name,
                    current_sklearn_version=f"{prefix}{current}",
                    original_sklearn_version=f"{prefix}{saved}",
                ),
                stacklevel=5,
            )
