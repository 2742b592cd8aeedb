"""Versions in saved states, the warnings about them, and states that no estimator has."""

import pytest
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

import skclf
from skclf._versions import refusal, with_versions, without_versions

ATTRIBUTES = {"epochs": 2, "n_epochs_": 1}


def load(state):
    return without_versions(state, "Some", ("epochs",))


def test_versions_come_and_go(recwarn):
    state = with_versions(ATTRIBUTES)
    versions = {"_skclf_version": skclf.__version__, "_sklearn_version": sklearn.__version__}
    assert state == ATTRIBUTES | versions
    assert load(state) == ATTRIBUTES
    assert state == ATTRIBUTES | versions
    assert ATTRIBUTES.keys() == {"epochs", "n_epochs_"}
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    ("key", "saved", "shown"),
    [
        ("_skclf_version", "0.0.1", "skclf 0.0.1"),
        ("_skclf_version", None, "skclf unknown"),
        ("_sklearn_version", "0.1", "0.1"),
        ("_sklearn_version", None, "unknown"),
    ],
)
def test_other_versions_are_told(key, saved, shown):
    state = with_versions(ATTRIBUTES) | {key: saved}
    if saved is None:
        del state[key]
    with pytest.warns(InconsistentVersionWarning, match=f"Some from version {shown} when") as seen:
        assert load(state) == ATTRIBUTES
    (warning,) = [each.message for each in seen]
    assert warning.estimator_name == "Some"
    assert warning.original_sklearn_version == shown
    current = sklearn.__version__ if key == "_sklearn_version" else f"skclf {skclf.__version__}"
    assert warning.current_sklearn_version == current


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([], "it holds a list and no dict"),
        ((None, {"epochs": 2}), "it holds a tuple and no dict"),
        (with_versions({}), "it lacks epochs"),
        (with_versions({"epochs": 2, 3: 4}), "the names of its attributes are not all strings"),
    ],
)
def test_states_of_no_estimator_are_refused(state, message):
    with pytest.raises(ValueError, match=f"^Can't load this Some: {message}. The file is damaged"):
        load(state)


def test_an_error_names_both_versions():
    error = refusal("Some", "it is torn", {"_skclf_version": "0.0.1"})
    assert f"(saved by 0.0.1, this is {skclf.__version__})" in str(error)
    assert "(saved by unknown, this is" in str(refusal("Some", "it is torn", {}))
