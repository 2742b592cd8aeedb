"""Versions in saved states, warnings about other versions, and errors about invalid states."""

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

import skclf
from skclf._checksum import checksum
from skclf._migrations import FORMAT
from skclf._versions import refusal, with_versions, without_versions

ATTRIBUTES = {"epochs": 2, "n_epochs_": 1}


CHECKED = ("n_epochs_", "_weights")


def saved(attributes):
    return with_versions(attributes, CHECKED)


def load(state):
    return without_versions(state, "Some", ("epochs",), CHECKED)


def test_versions_are_added_and_removed(recwarn):
    state = saved(ATTRIBUTES)
    versions = {
        "_skclf_version": skclf.__version__,
        "_sklearn_version": sklearn.__version__,
        "_skclf_format": FORMAT,
        "_skclf_checksum": checksum({"n_epochs_": 1}),
    }
    assert state == ATTRIBUTES | versions
    assert load(state) == ATTRIBUTES
    assert state == ATTRIBUTES | versions
    assert ATTRIBUTES.keys() == {"epochs", "n_epochs_"}
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    ("key", "version", "shown"),
    [
        ("_skclf_version", "0.0.1", "skclf 0.0.1"),
        ("_skclf_version", None, "skclf unknown"),
        ("_sklearn_version", "0.1", "0.1"),
        ("_sklearn_version", None, "unknown"),
    ],
)
def test_other_versions_warn(key, version, shown):
    state = saved(ATTRIBUTES) | {key: version}
    if version is None:
        del state[key]
    with pytest.warns(InconsistentVersionWarning, match=f"Some from version {shown} when") as seen:
        assert load(state) == ATTRIBUTES
    (warning,) = [each.message for each in seen]
    assert warning.estimator_name == "Some"
    assert warning.original_sklearn_version == shown
    current = sklearn.__version__ if key == "_sklearn_version" else f"skclf {skclf.__version__}"
    assert warning.current_sklearn_version == current


def without(key):
    return {name: value for name, value in saved(ATTRIBUTES).items() if name != key}


KEYS_OF_FORMAT_1 = {*ATTRIBUTES, "_skclf_version", "_sklearn_version"}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([], "its state is a list, not a dict"),
        ((None, {"epochs": 2}), "its state is a tuple, not a dict"),
        (saved({}), "it lacks epochs"),
        (saved({"epochs": 2, 3: 4}), "the names of its attributes are not all strings"),
        (saved(ATTRIBUTES) | {"n_epochs_": 2}, "its arrays are not those .*: the checksum differs"),
        (saved(ATTRIBUTES) | {"_weights": []}, "its arrays are not those .*: the checksum differs"),
        (saved(ATTRIBUTES) | {"_skclf_checksum": ""}, "its arrays are not those .* differs"),
        (saved(ATTRIBUTES) | {"_skclf_checksum": np.zeros(2)}, "its arrays are not those .* diff"),
        (without("_skclf_checksum"), "it has no checksum, which format 2 requires"),
        (without("_skclf_format"), "it has a checksum, which format 1 doesn't"),
        (saved(ATTRIBUTES) | {"_skclf_format": 0}, "its format is 0, not a positive integer"),
        (saved(ATTRIBUTES) | {"_skclf_format": True}, "its format is True, not a positive integer"),
        (saved(ATTRIBUTES) | {"_skclf_format": "2"}, "its format is '2', not a positive integer"),
    ],
)
def test_invalid_states_raise(state, message):
    message = f"^Can't load this Some: {message}.*[.] The file is damaged.*save the estimator again"
    with pytest.raises(ValueError, match=message):
        load(state)


@pytest.mark.parametrize("number", [FORMAT + 1, 99, 10**30])
def test_states_of_newer_skclf_raise(number):
    state = saved(ATTRIBUTES) | {"_skclf_format": number, "_skclf_version": "999.0"}
    message = (
        rf"it was saved by a newer skclf in format {number}, but this version reads only formats "
        rf"1 to {FORMAT}\. .*saved by 999\.0, .*; load it with the newer skclf, or fit and save"
    )
    with (
        pytest.warns(InconsistentVersionWarning, match=r"skclf 999\.0"),
        pytest.raises(ValueError, match=message),
    ):
        load(state)


def test_states_of_format_1_have_no_checksum():
    state = {key: value for key, value in saved(ATTRIBUTES).items() if key in KEYS_OF_FORMAT_1}
    assert load(state) == ATTRIBUTES
    assert load(state | {"n_epochs_": 2}) == {"epochs": 2, "n_epochs_": 2}


def test_error_names_both_versions():
    error = refusal("Some", "it is torn", {"_skclf_version": "0.0.1"})
    assert f"(saved by 0.0.1, this is {skclf.__version__})" in str(error)
    assert "(saved by unknown, this is" in str(refusal("Some", "it is torn", {}))
