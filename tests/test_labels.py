"""Labels of every type that ``fit`` takes: each method takes them too, and a saved net loads."""

import enum
import io
import pickle

import joblib
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from skclf import BinaryDenseClassifier
from skclf.plots import ImagePredictionsDisplay

matplotlib.use("Agg")

X = np.random.RandomState(0).rand(12, 4)
CODES = np.array([0, 1] * 6)
SMALL = {"epochs": 1, "random_state": 0}
NUMPY_STRING = np.dtypes.StringDType() if hasattr(np.dtypes, "StringDType") else object
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
    "NumPy's strings": np.array(["ant", "bee"], dtype=NUMPY_STRING),
    "enumeration": objects(*Animal),
    "undecodable": np.array(["ant", "\udcff"]),
    "objects, undecodable": objects("ant", "\udcff"),
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


def test_every_method_takes_what_fit_takes(y, clf):
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


def test_images_are_shown_with_any_labels(y, clf):
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


WAYS = {
    "pickle": lambda clf: pickle.loads(pickle.dumps(clf)),
    "joblib": through_joblib,
    "skops": through_skops,
}


@pytest.mark.parametrize("way", WAYS)
def test_nets_load_whatever_their_labels(y, clf, way):
    loaded = WAYS[way](clf)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert loaded.classes_.tolist() == clf.classes_.tolist()
    assert {type(label) for label in loaded.classes_} == {type(label) for label in clf.classes_}
    assert loaded.predict(X).tolist() == clf.predict(X).tolist()
    assert loaded.score(X, y) == clf.score(X, y)


def test_members_of_an_enumeration_become_plain_strings():
    assert {type(label) for label in fitted(LABELS["enumeration"][CODES]).classes_} == {str}


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([10**30, 5], ValueError, r"64 bits can hold, the largest in row 0\. Make strings.*str, y"),
        ([-1, 2**63], ValueError, r"64 bits can hold, the largest in row 1\. Make strings"),
        (objects(-1, 2**63), ValueError, "64 bits can hold, the largest in row 1"),
        (objects(1, 10**5000), ValueError, "64 bits can hold, the largest in row 1"),
        (objects(1.0, 10**400), ValueError, "64 bits can hold, the largest in row 1"),
        ([1.0, 10**400], ValueError, "64 bits can hold, the largest in row 1"),
        ([1.0, 2.0**63], ValueError, "64 bits can hold, the largest in row 1"),
        (np.array([-(2.0**80), 1], np.longdouble), ValueError, "can hold, the largest in row 0"),
        (np.array([b"a", b"b"], "V1"), TypeError, "labels of type void.*Make strings of them"),
        (np.array([(1, 2), (3, 4)], "i4,i4"), TypeError, "labels of type void"),
        (np.array([1, 2], "m8"), ValueError, r"without a unit.*y\.astype\('timedelta64\[s\]'\)"),
        (pd.Series(pd.date_range("2026", periods=2, tz="UTC")), TypeError, "of type Timestamp"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_no_method_could_take_is_refused_by_fit(y, error, message):
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
def test_dates_and_other_labels_are_not_compared(classes, labels, method):
    clf = fitted(LABELS[classes][CODES])
    with pytest.raises(
        ValueError, match=r"y contains labels that are not among the classes: .*; the"
    ):
        getattr(clf, method)(X, LABELS[labels][CODES])


def test_dates_of_another_unit_are_scored():
    days = LABELS["dates of unit D"][CODES]
    clf = fitted(days)
    assert clf.score(X, days.astype("M8[ns]")) == clf.score(X, days)


def test_long_whole_numbers_in_a_list_are_not_rounded():
    y = [2**63 + 1, 2**63, 1]
    clf = BinaryDenseClassifier((), **SMALL).fit(X[:3], [y[0], y[0], y[2]])
    assert clf.classes_.tolist() == [1, 2**63 + 1]
    with pytest.raises(ValueError, match="not among the classes: 9223372036854775808; the"):
        clf.evaluate(X[:3], y)
