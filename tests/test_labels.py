"""Labels of every type: all methods accept what ``fit`` accepts, and saved nets load."""

import enum
import io
import pickle

import joblib
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from skclf import BinaryDenseClassifier, _labels
from skclf.plots import ImagePredictionsDisplay

matplotlib.use("Agg")

# NumPy's variable-width strings, new in version 2.
NUMPY_STRING = np.dtypes.StringDType() if hasattr(np.dtypes, "StringDType") else object

# ------------------------------------------------------------------------------- pure functions


@pytest.mark.parametrize(
    ("y", "labels", "kind"),
    [
        ([2, 1], [2, 1], "i"),
        ((2, 1), [2, 1], "i"),
        ([True, False], [True, False], "b"),
        (["b", "a"], ["b", "a"], "U"),
        ([2.0, -1.0], [2.0, -1.0], "f"),
        (np.array([2, 1], dtype=np.uint8), [2, 1], "u"),
        (np.array(["b", "a"], dtype=object), ["b", "a"], "O"),
        (np.array(["b", "a"], dtype=NUMPY_STRING), ["b", "a"], "O"),
        (np.array([2, 1], dtype=object), [2, 1], "i"),
        (np.array([np.uint8(2), np.uint8(1)], dtype=object), [2, 1], "u"),
        (np.array([True, False], dtype=object), [True, False], "b"),
        (np.array([2.0, 1], dtype=object), [2.0, 1.0], "f"),
        (np.array(["2020", "2019"], dtype="datetime64[Y]"), [2020, 2019], "M"),
        (pd.Series([2, 1], index=[7, 9]), [2, 1], "i"),
        (pd.Series([2, 1], dtype="Int64"), [2, 1], "i"),
        (pd.Series([True, False], dtype="boolean"), [True, False], "b"),
        (pd.Series(["b", "a"], dtype="string"), ["b", "a"], "O"),
        (pd.Series(["b", "a"], dtype="category"), ["b", "a"], "O"),
        (pd.Series([2, 1], dtype="category"), [2, 1], "i"),
        (pd.Categorical(["b", "a"]), ["b", "a"], "O"),
    ],
    ids=repr,
)
def test_labels_of_every_type(y, labels, kind):
    found = _labels.check_labels(y)
    assert found.dtype.kind == kind
    assert found.ndim == 1
    assert (found.astype(int) + 1970 if kind == "M" else found).tolist() == labels


def test_column_of_labels_is_flattened_with_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        labels = _labels.check_labels([[1], [0]])
    assert labels.tolist() == [1, 0]


RAGGED = np.empty(2, dtype=object)
RAGGED[:] = [[1], [2, 3]]


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([0.0, np.nan], ValueError, r"y contains NaN: the label of row 1 is missing \(nan\).*drop"),
        ([0.0, np.inf], ValueError, "y contains infinity"),
        (["a", None], ValueError, r"the label of row 1 is missing \(None\)"),
        (["a", np.nan], ValueError, "the label of row 1 is missing"),
        (pd.Series(["a", None]), ValueError, "the label of row 1 is missing"),
        (pd.Series([1, None], dtype="Int64"), ValueError, "the label of row 1 is missing"),
        (pd.Series(["a", None], dtype="category"), ValueError, "the label of row 1 is missing"),
        (np.array(["2020", "NaT"], "M8[Y]"), ValueError, "the label of row 1 is missing"),
        ([0.5, 1.5], ValueError, "Unknown label type: continuous"),
        (np.array([0.5, 1.5], dtype=object), ValueError, "Unknown label type: continuous"),
        ([1j, 2], ValueError, "Complex data not supported"),
        (np.array([b"a"]), TypeError, r"labels of type bytes.*y\.astype\(str\)"),
        (np.array([1, "a"], dtype=object), TypeError, r"type int and str.*y\.astype\(str\)"),
        (np.array([True, 2], dtype=object), TypeError, "labels of type bool and int"),
        (RAGGED, TypeError, "labels of type list; expected all strings"),
        ([[1], [2, 3]], ValueError, "1d array, got lists of different lengths"),
        ("spam", ValueError, "1d array, got an object of type str.*pandas Series"),
        (None, ValueError, "1d array, got an object of type NoneType"),
        ({1, 2}, ValueError, "1d array, got an object of type set"),
        (sparse.csr_array([[0, 1]]), ValueError, "1d array, got an object of type csr_array"),
        ([[1, 1, 0], [0, 1, 0]], ValueError, r"1d array, got an array of shape \(2, 3\)"),
        ([[0.5, 0.5], [0, 1]], ValueError, r"1d array, got an array of shape \(2, 2\)"),
    ],
    ids=repr,
)
def test_invalid_labels(y, error, message):
    with pytest.raises(error, match=message):
        _labels.check_labels(y)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_one_hot_error_names_argmax(dtype):
    message = r"one-hot encoded y_val of shape \(3, 2\).*y_val\.argmax\(axis=1\)"
    with pytest.raises(ValueError, match=message):
        _labels.check_labels(np.array([[0, 1], [1, 0], [0, 1]], dtype=dtype), "y_val")


def test_one_hot_error_fix_restores_labels():
    y = pd.get_dummies(pd.Series(["cat", "ant", "cat"]))
    with pytest.raises(ValueError, match="one-hot"):
        _labels.check_labels(y)
    classes = y.columns.to_numpy()
    assert classes[y.to_numpy().argmax(axis=1)].tolist() == ["cat", "ant", "cat"]


# NumPy's fixed-width strings can't end in a NUL character.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
ANY_LABELS = st.one_of(
    st.lists(TEXTS, min_size=1),
    st.lists(TEXTS, min_size=1).map(lambda y: np.array(y, dtype=object)),
    st.lists(TEXTS, min_size=1).map(lambda y: pd.Series(y, dtype="category")),
    st.lists(TEXTS, min_size=1).map(lambda y: pd.Series(y, dtype="string")),
    hnp.arrays(hnp.integer_dtypes() | hnp.unsigned_integer_dtypes(), st.integers(1, 30)),
    hnp.arrays(np.bool_, st.integers(1, 30)),
    hnp.arrays(np.int16, st.integers(1, 30)).map(lambda y: y.astype(object)),
    hnp.arrays(np.int16, st.integers(1, 30)).map(lambda y: y.astype(np.float64)),
    hnp.arrays(np.int16, st.integers(1, 30)).map(lambda y: pd.Series(y, dtype="Int32")),
)


@given(ANY_LABELS)
def test_encoding_round_trip(y):
    labels = _labels.check_labels(y)
    classes, codes = _labels.classes_and_codes(labels)
    assert classes[codes].tolist() == list(y)
    assert classes.tolist() == sorted(set(y))
    assert _labels.encode_labels(labels, classes).tolist() == codes.tolist()
    assert _labels.encode_labels(classes, classes).tolist() == list(range(len(classes)))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([1.0, 0.0]), np.array([0, 1])),
        (np.array([1, 0], dtype=np.int8), np.array([0, 1], dtype=np.uint64)),
        (np.array(["bb", "a"]), np.array(["a", "bb"], dtype=object)),
        (np.array(["bb", "a"], dtype=object), np.array(["a", "bb"])),
        (np.array([2**63 + 1, 2**63], np.uint64), np.array([2**63, 2**63 + 1], np.uint64)),
        (np.array([1, 0], np.float16), np.array([0, 1], np.longdouble)),
        (np.array([2**53 + 1, 2**53]), np.array([2**53, 2**53 + 1], np.longdouble)),
        (np.array([True, False]), np.array([0, 1])),
        (np.array(["\udcff", "a"], dtype=object), np.array(["a", "\udcff"])),
        (np.array(["2027", "2026"], "M8[Y]"), np.array(["2026-01-01", "2027-01-01"], "M8[ns]")),
        (np.array(["2026-02-01", "2026-01-01"], "M8[ns]"), np.array(["2026-01", "2026-02"], "M8")),
        (np.array([2, 1], "m8[h]"), np.array([3600, 7200], "m8[s]")),
    ],
)
def test_equal_labels_of_other_dtypes_have_same_codes(labels, classes):
    assert _labels.encode_labels(labels, classes).tolist() == [1, 0]


YEARS = np.array(["2026", "2027"], "M8[Y]")


@pytest.mark.parametrize(
    ("labels", "classes", "codes"),
    [
        (np.array(["2026-01-01", "2026-01-02"], "M8[D]"), YEARS, [0, -1]),
        (np.array([56, 57]), YEARS, [-1, -1]),
        (np.array(["2026", "2027"]), YEARS, [-1, -1]),
        (np.array([56, 57], "m8[Y]"), YEARS, [-1, -1]),
        (YEARS, np.array([56, 57]), [-1, -1]),
        (YEARS, np.array([1, 2], "M8[as]"), [-1, -1]),
        (np.array([1, 1], "m8[Y]"), np.array([365, 366], "m8[D]"), [-1, -1]),
        # 2**62 seconds, converted to nanoseconds, overflow to exactly 0.
        (np.array([2**62, 0], "M8[s]"), np.array([0, 1], "M8[ns]"), [-1, 0]),
        (np.array([1, 7]), np.array(["1", "7"]), [-1, -1]),
        (np.array([0.5, 7.0]), np.array([0, 7]), [-1, 1]),
    ],
)
def test_labels_not_equal_to_any_class(labels, classes, codes):
    assert _labels.codes_or_minus_one(labels, classes).tolist() == codes


def test_unseen_dates_are_shown_as_dates():
    labels = np.array(["2026-03-01"], "M8[ns]")
    with pytest.raises(ValueError, match=r"'2026-03-01T[0:.]*'\); expected labels .*'2026'\), "):
        _labels.encode_labels(labels, YEARS)


def test_strings_longer_than_classes_are_not_truncated():
    with pytest.raises(ValueError, match="the classes: 'abc'; expected labels among 'ab', 'c'"):
        _labels.encode_labels(np.array(["abc", "ab"]), np.array(["ab", "c"]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([3, 0, 4, 3], "y_val with labels that are not among the classes: 3, 4; expected labels"),
        (["0", "1"], "not among the classes: '0', '1'; expected labels among 0, 1, 2."),
        (np.arange(20), r"3, 4, 5, 6, 7, 8, 9, 10, 11, 12, and 7 more; expected labels"),
    ],
)
def test_unseen_labels_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        _labels.encode_labels(np.array(labels), np.arange(3), "y_val")


@pytest.mark.parametrize("y", [["x", 1], [True, "x"], ("x", 1.5), [b"x", "y"]], ids=repr)
def test_labels_of_mixed_types(y):
    with pytest.raises(TypeError, match="Got y with labels of type"):
        _labels.check_labels(y)


# -------------------------------------------------------------------------------------- all methods

X = np.random.RandomState(0).rand(12, 4)
CODES = np.array([0, 1] * 6)
SMALL = {"epochs": 1, "random_state": 0}
MONTHS = ["2026-01-01", "2026-02-01"]


class Animal(enum.StrEnum):
    ANT = "ant"
    BEE = "bee"


def objects(first, second):
    return np.array([first, second], dtype=object)


# Two labels of each type, in order.
LABELS = {
    "bool": np.array([False, True]),
    "small int": np.array([3, 100], np.int8),
    "small unsigned": np.array([3, 200], np.uint8),
    "beyond int64": np.array([2**63, 2**63 + 1], np.uint64),
    "float16": np.array([0, 1], np.float16),
    "float32": np.array([0, 1], np.float32),
    "longdouble": np.array([2**53, 2**53 + 1], np.longdouble),
    "objects of int": objects(np.int8(3), np.int8(4)),
    "objects of long int": objects(1, 2**63),
    "objects of float16": objects(np.float16(0), np.float16(1)),
    "objects of longdouble": objects(np.longdouble(0), np.longdouble(1)),
    "objects of bool": objects(False, True),
    "str": np.array(["ant", "bee"]),
    "objects of str": objects("ant", "bee"),
    "NumPy strings": np.array(["ant", "bee"], dtype=NUMPY_STRING),
    "enumeration": objects(*Animal),
    "lone surrogate": np.array(["ant", "\udcff"]),
    "objects of lone surrogate": objects("ant", "\udcff"),
    **{f"dates of unit {unit}": np.array(MONTHS, f"M8[{unit}]") for unit in ("M", "D", "s", "ns")},
    "years": np.array(["2026", "12026"], "M8[Y]"),
    **{f"moments of unit {unit}": np.array([3, 4], f"M8[{unit}]") for unit in ("ps", "fs", "as")},
    **{f"times of unit {unit}": np.array([3, 4], f"m8[{unit}]") for unit in ("Y", "D", "s", "as")},
}


def fitted(y, **parameters):
    return BinaryDenseClassifier((), **SMALL, **parameters).fit(X, y)


@pytest.fixture(scope="module", params=LABELS)
def y(request):
    return LABELS[request.param][CODES]


@pytest.fixture(scope="module")
def clf(y):
    return fitted(y)


def test_all_methods_accept_labels_of_fit(y, clf):
    accuracy = clf.score(X, y)
    assert accuracy == (clf.predict(X) == y).mean()
    assert clf.evaluate(X, y)["accuracy"] == pytest.approx(accuracy)
    proba = clf.predict_proba(X)
    validated = BinaryDenseClassifier((), **SMALL).fit(X, y, X_val=X, y_val=y)
    assert validated.history_["val_accuracy"].iloc[-1] == pytest.approx(accuracy)
    in_chunks = BinaryDenseClassifier((), **SMALL).partial_fit(X, y, classes=y)
    assert in_chunks.partial_fit(X, y).classes_.tolist() == clf.classes_.tolist()
    assert not np.array_equal(fitted(y, warm_start=True).fit(X, y).predict_proba(X), proba)
    weighted = fitted(y, class_weight={clf.classes_[1]: 3}).predict_proba(X)
    np.testing.assert_array_equal(weighted, fitted(CODES, class_weight={1: 3}).predict_proba(X))


def test_image_predictions_display_with_any_labels(y, clf):
    display = ImagePredictionsDisplay.from_estimator(clf, X, y, n_images=2)
    display.figure_.savefig(io.BytesIO())
    assert display.frame()["correct"].mean() == clf.score(X[:2], y[:2])
    plt.close("all")


def through_joblib(clf):
    stream = io.BytesIO()
    joblib.dump(clf, stream)
    return joblib.load(stream)


def through_skops(clf):
    skops_io = pytest.importorskip("skops.io")
    trusted = ["skclf._dense.BinaryDenseClassifier"]
    saved = skops_io.dumps(clf)
    assert skops_io.get_untrusted_types(data=saved) == trusted
    return skops_io.loads(saved, trusted=trusted)


FORMATS = {
    "pickle": lambda clf: pickle.loads(pickle.dumps(clf)),
    "joblib": through_joblib,
    "skops": through_skops,
}


@pytest.mark.parametrize("file_format", FORMATS)
def test_saved_classifier_with_any_labels(y, clf, file_format):
    loaded = FORMATS[file_format](clf)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert loaded.classes_.tolist() == clf.classes_.tolist()
    assert {type(label) for label in loaded.classes_} == {type(label) for label in clf.classes_}
    assert loaded.predict(X).tolist() == clf.predict(X).tolist()
    assert loaded.score(X, y) == clf.score(X, y)


def test_enumeration_members_become_plain_strings():
    assert {type(label) for label in fitted(LABELS["enumeration"][CODES]).classes_} == {str}


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([10**30, 5], ValueError, r"that no 64-bit type can hold, the largest in row 0; .*str, y"),
        ([-1, 2**63], ValueError, r"64-bit type can hold, the largest in row 1; .*to strings"),
        (objects(-1, 2**63), ValueError, "64-bit type can hold, the largest in row 1"),
        (objects(1, 10**5000), ValueError, "64-bit type can hold, the largest in row 1"),
        (objects(1.0, 10**400), ValueError, "64-bit type can hold, the largest in row 1"),
        ([1.0, 10**400], ValueError, "64-bit type can hold, the largest in row 1"),
        ([1.0, 2.0**63], ValueError, "64-bit type can hold, the largest in row 1"),
        (np.array([-(2.0**80), 1], np.longdouble), ValueError, "can hold, the largest in row 0"),
        (np.array([b"a", b"b"], "V1"), TypeError, "labels of type void.*Convert them to strings"),
        (np.array([(1, 2), (3, 4)], "i4,i4"), TypeError, "labels of type void"),
        (np.array([1, 2], "m8"), ValueError, r"without a unit.*y\.astype\('timedelta64\[s\]'\)"),
        (pd.Series(pd.date_range("2026", periods=2, tz="UTC")), TypeError, "of type Timestamp"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_fit_rejects_labels_that_no_method_accepts(y, error, message):
    with pytest.raises(error, match=message):
        BinaryDenseClassifier().fit(X[:2], y)


@pytest.mark.parametrize("method", ["score", "evaluate"])
@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ("dates of unit D", "small int"),
        ("small int", "years"),
        ("times of unit Y", "dates of unit D"),
    ],
)
def test_dates_never_equal_other_labels(classes, labels, method):
    clf = fitted(LABELS[classes][CODES])
    with pytest.raises(
        ValueError, match=r"y with labels that are not among the classes: .*; expected"
    ):
        getattr(clf, method)(X, LABELS[labels][CODES])


def test_score_with_dates_of_another_unit():
    days = LABELS["dates of unit D"][CODES]
    clf = fitted(days)
    assert clf.score(X, days.astype("M8[ns]")) == clf.score(X, days)


def test_large_integers_in_list_are_not_rounded():
    y = [2**63 + 1, 2**63, 1]
    clf = BinaryDenseClassifier((), **SMALL).fit(X[:3], [y[0], y[0], y[2]])
    assert clf.classes_.tolist() == [1, 2**63 + 1]
    with pytest.raises(ValueError, match="not among the classes: 9223372036854775808; exp"):
        clf.evaluate(X[:3], y)
