"""SequencePadder in scikit-learn's tools, and its saved state."""

import ast
import copy
import pickle
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from id_rows import ROWS
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from skclf import SequencePadder, _sequences
from skclf._sequences import _CHECKED
from skclf._versions import with_versions

# ----------------------------------------------------------------------------- scikit-learn's tools


class TablePadder(SequencePadder):
    """Accepts tables of floats, which scikit-learn's checks pass."""

    def fit(self, X, y=None):
        return super().fit(whole_numbers(X), y)

    def fit_transform(self, X, y=None):
        return super().fit_transform(whole_numbers(X), y)

    def transform(self, X):
        return super().transform(whole_numbers(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def whole_numbers(X):
    X = np.asarray(X)
    return np.round(100 * X).astype(int) if X.dtype.kind == "f" and np.isfinite(X).all() else X


# These expect columns of features, their number and names, or the error messages of check_array.
CHECKS_OF_TABLES = [
    "check_complex_data",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_fit1d",
    "check_fit2d_predict1d",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_transformer_general",
]


def expected_failures(estimator):
    return dict.fromkeys(CHECKS_OF_TABLES, "a row of ids is not a row of features")


@parametrize_with_checks([TablePadder()], expected_failed_checks=expected_failures)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def make_sequences():
    """Return 80 rows whose last id is their label."""
    random = np.random.default_rng(0)
    y = np.arange(80) % 2
    return [[*random.integers(2, 9, size=4 + i % 5).tolist(), y[i]] for i in range(80)], y


def test_works_in_a_pipeline_and_grid_search():
    X, y = make_sequences()
    one_hot = OneHotEncoder(handle_unknown="ignore")
    pipeline = make_pipeline(SequencePadder(), one_hot, LogisticRegression(C=100))
    grid = {"sequencepadder__truncating": ["pre", "post"], "sequencepadder__maxlen": [3, None]}
    search = GridSearchCV(pipeline, grid, cv=4, error_score="raise").fit(X, y)
    scores = dict(
        zip(
            [tuple(each.values()) for each in search.cv_results_["params"]],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    )
    assert scores[3, "pre"] == scores[None, "pre"] == 1
    assert scores[3, "post"] < 0.9
    assert search.predict(pd.Series(X)).tolist() == y.tolist()


def test_a_net_with_an_embedding_accepts_the_padded_array():
    X = SequencePadder(5).transform(ROWS)
    net = keras.Sequential(
        [keras.layers.Embedding(10, 2, mask_zero=True), keras.layers.SimpleRNN(1)]
    )
    assert net(X).shape == (4, 1)


@pytest.mark.parametrize("copier", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy])
def test_copies_give_the_same_array(copier):
    padder = SequencePadder(padding="post", value=7).fit(ROWS)
    assert vars(copier(padder)) == vars(padder)
    np.testing.assert_array_equal(copier(padder).transform(ROWS), padder.transform(ROWS))


def test_clone_keeps_the_parameters_and_repr_shows_them():
    padder = SequencePadder(7, padding="post", truncating="post", value=2).fit(ROWS)
    again = clone(padder)
    assert again.get_params() == padder.get_params()
    assert not hasattr(again, "maxlen_")
    assert repr(again) == "SequencePadder(maxlen=7, padding='post', truncating='post', value=2)"


def test_feature_names_are_numbered():
    names = SequencePadder().fit([[1, 2]]).get_feature_names_out()
    assert names.tolist() == ["sequencepadder0", "sequencepadder1"]
    assert names.dtype == object


def test_set_output_returns_frames():
    padder = SequencePadder().set_output(transform="pandas")
    rows = pd.Series([[1, 4], [2]])
    frame = padder.fit_transform(rows)
    assert frame.to_dict("list") == {"sequencepadder0": [1, 0], "sequencepadder1": [4, 2]}
    pd.testing.assert_frame_equal(frame, padder.transform(rows))
    padder.set_output(transform="default")
    assert type(padder.transform(rows)) is np.ndarray


def test_tags_declare_ragged_input():
    tags = get_tags(SequencePadder())
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert not tags.input_tags.positive_only
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == []


def test_module_imports_neither_keras_nor_estimators():
    tree = ast.parse(Path(_sequences.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {name for name in imported if name.startswith("skclf")}
    modules = ("_constraints", "_ids", "_repr", "_typing", "_versions")
    assert own == {f"skclf.{module}" for module in modules}
    code = """
import sys
from skclf import SequencePadder
SequencePadder().fit_transform([[1], [2, 3]])
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# -------------------------------------------------------------------------------------- saved state


def loaded_with(padder, **changes):
    loaded = SequencePadder.__new__(SequencePadder)
    state = padder.__getstate__() | changes
    state = {key: value for key, value in state.items() if value is not ...}
    loaded.__setstate__(with_versions(state, _CHECKED))
    return loaded


def test_state_is_the_attributes_with_versions():
    padder = SequencePadder().fit(ROWS)
    assert padder.__getstate__() == with_versions(vars(padder), _CHECKED)
    assert vars(loaded_with(padder)) == vars(padder)
    assert vars(loaded_with(SequencePadder(3))) == vars(SequencePadder(3))


def test_a_state_changed_after_saving_is_an_error():
    state = SequencePadder().fit(ROWS).__getstate__()
    with pytest.raises(ValueError, match=r"^Can't load this SequencePadder: .*checksum differs"):
        SequencePadder().__setstate__(state | {"maxlen_": 5})


def test_a_state_of_another_version_warns():
    state = SequencePadder().fit(ROWS).__getstate__() | {"_skclf_version": "0.0.1"}
    with pytest.warns(InconsistentVersionWarning, match=r"SequencePadder from version skclf 0\.0"):
        SequencePadder().__setstate__(state)


def test_states_with_parameters_set_after_fit_are_loaded():
    padder = SequencePadder().fit(ROWS).set_params(maxlen=2)
    for copier in (copy.copy, copy.deepcopy, loaded_with):
        assert copier(padder).transform(ROWS).shape == (4, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxlen_": 0}, "maxlen_ is 0, not an integer from 1 to 2147483647"),
        ({"maxlen_": 2**31}, "maxlen_ is 2147483648, not an integer"),
        ({"maxlen_": 3.0}, r"maxlen_ is 3\.0, not an integer"),
        ({"maxlen_": True}, "maxlen_ is True, not an integer"),
        ({"maxlen_": None}, "maxlen_ is None, not an integer"),
        ({"maxlen_": "7"}, "maxlen_ is '7', not an integer"),
        ({"padding": ...}, "it lacks padding"),
        ({"maxlen": ..., "value": ...}, "it lacks maxlen, value"),
    ],
)
def test_invalid_states_are_an_error(changes, message):
    with pytest.raises(ValueError, match=rf"^Can't load this SequencePadder: {message}.*again"):
        loaded_with(SequencePadder().fit(ROWS), **changes)


@pytest.mark.parametrize("padder", [SequencePadder(), SequencePadder(3, value=1).fit(ROWS)])
def test_skops_saves_and_loads_the_padder(padder):
    skops_io = pytest.importorskip("skops.io")
    saved = skops_io.dumps(padder)
    name = "skclf._sequences.SequencePadder"
    assert skops_io.get_untrusted_types(data=saved) == [name]
    assert vars(skops_io.loads(saved, trusted=[name])) == vars(padder)
