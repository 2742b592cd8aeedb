"""MultiHotVectorizer in scikit-learn's tools, and its saved state."""

import ast
import copy
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from id_rows import ROWS, VOCABULARY
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skclf import MultiHotVectorizer, _bags, _ids, _multi_hot, _vocabulary
from skclf._multi_hot import _CHECKED
from skclf._versions import with_versions

# ----------------------------------------------------------------------------- scikit-learn's tools


def make_reviews():
    """Return 80 rows, which have label 1 if they contain the id 7."""
    random = np.random.default_rng(0)
    y = np.arange(80) % 2
    return [[*random.integers(0, 7, size=9).tolist(), *[7] * label] for label in y], y


def test_works_in_a_pipeline_and_grid_search():
    X, y = make_reviews()
    pipeline = make_pipeline(MultiHotVectorizer(), LogisticRegression(C=100))
    grid = {"multihotvectorizer__num_words": [7, 8, None]}
    search = GridSearchCV(pipeline, grid, cv=4, error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] < 0.9
    assert scores[1] == scores[2] == 1
    assert search.predict(pd.Series(X)).tolist() == y.tolist()
    names = search.best_estimator_[:-1].get_feature_names_out()
    assert names.tolist() == [f"id_{i}" for i in range(8)]


@pytest.mark.parametrize("copier", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_copies_give_the_same_matrix(copier):
    vectorizer = MultiHotVectorizer(handle_unknown=2, vocabulary=VOCABULARY).fit(ROWS)
    assert (copier(vectorizer).transform(ROWS) != vectorizer.transform(ROWS)).nnz == 0


def test_clone_keeps_the_parameters_and_repr_shows_them():
    vectorizer = MultiHotVectorizer(7, handle_unknown="error", dtype=bool, vocabulary=VOCABULARY)
    again = clone(vectorizer.set_params(handle_unknown=1).fit(ROWS))
    assert again.get_params() == vectorizer.get_params()
    assert not hasattr(again, "num_words_")
    assert "handle_unknown=1" in repr(again)


def test_set_output_returns_frames():
    vectorizer = MultiHotVectorizer(sparse_output=False, vocabulary=VOCABULARY)
    vectorizer.set_output(transform="pandas")
    rows = pd.Series([[1, 4], [2]])
    frame = vectorizer.fit_transform(rows)
    assert frame.loc[0].to_dict() == {"<pad>": 0, "good": 1, "bad": 0, "id_3": 0, "film": 1}
    pd.testing.assert_frame_equal(frame, vectorizer.transform(rows))
    assert vectorizer.decode(frame) == [["good", "film"], ["bad"]]
    vectorizer.set_output(transform="default")
    assert type(vectorizer.transform(rows)) is np.ndarray


def test_tags_declare_ragged_nonnegative_input():
    tags = get_tags(MultiHotVectorizer())
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.input_tags.positive_only
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == []


def test_modules_import_neither_tensorflow_nor_estimators():
    modules = ("_bags", "_constraints", "_ids", "_repr", "_typing", "_versions", "_vocabulary")
    own = {f"skclf.{module}" for module in modules}
    for module, allowed in (
        (_multi_hot, own),
        (_vocabulary, {"skclf._bags"}),
        (_bags, {"skclf._ids"}),
        (_ids, set()),
    ):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        imported = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module)
        assert {name for name in imported if name.startswith("skclf")} == allowed
        packages = {name.split(".")[0] for name in imported}
        assert packages.isdisjoint({"tensorflow", "keras", "scikeras", "pandas"})
        assert packages <= {"numpy", "scipy", "sklearn", "skclf", *sys.stdlib_module_names}


# -------------------------------------------------------------------------------------- saved state


def loaded_with(vectorizer, **changes):
    loaded = MultiHotVectorizer.__new__(MultiHotVectorizer)
    state = vectorizer.__getstate__() | changes
    state = {key: value for key, value in state.items() if value is not ...}
    loaded.__setstate__(with_versions(state, _CHECKED))
    return loaded


def test_state_is_the_attributes_with_versions():
    vectorizer = MultiHotVectorizer(vocabulary=VOCABULARY).fit(ROWS)
    assert vectorizer.__getstate__() == with_versions(vars(vectorizer), _CHECKED)
    assert vars(loaded_with(vectorizer)) == vars(vectorizer)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_words_": 7},
        {"vocabulary": None},
        {"vocabulary": VOCABULARY | {"?": 9}},
        {"vocabulary": dict(zip(VOCABULARY, [7, *list(VOCABULARY.values())[1:]], strict=True))},
    ],
)
def test_a_state_changed_after_saving_is_an_error(changes):
    state = MultiHotVectorizer(vocabulary=VOCABULARY).fit(ROWS).__getstate__()
    with pytest.raises(ValueError, match=r"^Can't load this MultiHotV.*: the checksum differs"):
        MultiHotVectorizer().__setstate__(state | changes)


@pytest.mark.parametrize("num_words", [1, 2**31 - 1, np.int64(7)])
def test_valid_numbers_of_columns_are_loaded(num_words):
    loaded = loaded_with(MultiHotVectorizer().fit(ROWS), num_words_=num_words)
    assert loaded.transform([[0]]).shape == (1, num_words)


def test_states_with_parameters_set_after_fit_are_loaded():
    vectorizer = MultiHotVectorizer(10).fit(ROWS).set_params(num_words=3, vocabulary={"a": 0})
    for copier in (copy.copy, copy.deepcopy, loaded_with):
        assert copier(vectorizer).transform(ROWS).shape == (4, 10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_words_": 0}, "num_words_ is 0, not an integer from 1 to 2147483647"),
        ({"num_words_": 2**31}, "num_words_ is 2147483648, not an integer"),
        ({"num_words_": -3}, "num_words_ is -3, not an integer"),
        ({"num_words_": 3.0}, r"num_words_ is 3\.0, not an integer"),
        ({"num_words_": True}, "num_words_ is True, not an integer"),
        ({"num_words_": None}, "num_words_ is None, not an integer"),
        ({"num_words_": "7"}, "num_words_ is '7', not an integer"),
        ({"dtype": ...}, "it lacks dtype"),
        ({"num_words": ..., "vocabulary": ...}, "it lacks num_words, vocabulary"),
    ],
)
def test_invalid_states_are_an_error(changes, message):
    with pytest.raises(ValueError, match=rf"^Can't load this MultiHotVectorizer: {message}.*again"):
        loaded_with(MultiHotVectorizer().fit(ROWS), **changes)
