"""What every saved estimator says of itself, and what its loader hears if that isn't so.

The state of an estimator, fitted or not, holds its parameters and the versions of skclf and
scikit-learn that saved it. What else it holds is checked by `_saved` and `_multi_hot`.
"""

import warnings

import sklearn
from sklearn.exceptions import InconsistentVersionWarning


def with_versions(attributes):
    """The state of an estimator with these attributes: these, and the versions at hand."""
    return {**attributes, **_current_versions()}


def without_versions(state, name, parameters):
    """The attributes of an estimator from its state.

    Parameters
    ----------
    state : dict
        As `with_versions` gives it; left as it is.
    name : str
        Of the estimator's class, for messages.
    parameters : iterable of str
        Names of the parameters, which every estimator must have.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the state can't be that of such an estimator.

    Warns
    -----
    InconsistentVersionWarning
        If another version of skclf or of scikit-learn has saved it.
    """
    if not isinstance(state, dict):
        raise refusal(name, f"it holds a {type(state).__name__} and no dict", {})
    _warn_of_other_versions(state, name)
    versions = _current_versions()
    attributes = {key: value for key, value in state.items() if key not in versions}
    if not all(isinstance(key, str) for key in attributes):
        raise refusal(name, "the names of its attributes are not all strings", state)
    lacking = [key for key in parameters if key not in attributes]
    if lacking:
        raise refusal(name, f"it lacks {', '.join(lacking)}", state)
    return attributes


def refusal(name, fault, state):
    """The error about a state that can't be loaded.

    Parameters
    ----------
    name : str
        Of the estimator's class.
    fault : str
        Half a sentence.
    state : dict

    Returns
    -------
    ValueError
    """
    key = "_skclf_version"
    saved, current = state.get(key, "unknown"), _current_versions()[key]
    return ValueError(
        f"Can't load this {name}: {fault}. The file is damaged, was altered, or is of a version of "
        f"skclf that this one can't read (saved by {saved}, this is {current}); fit and save the "
        "estimator again."
    )


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
