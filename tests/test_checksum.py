"""The checksum of a saved state, and the detection of flipped bits in each file format."""

import copy
import io
import pickle
import struct
import warnings
import zipfile

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from skclf import (
    BinaryDenseClassifier,
    MulticlassDenseClassifier,
    MultiHotVectorizer,
    ShapeConvClassifier,
)
from skclf._checksum import checksum

# ------------------------------------------------------------------------------ checksums of values

DISTINCT = [
    None,
    False,
    True,
    0,
    1,
    -1,
    2**70,
    10**5000,
    0.0,
    -0.0,
    1.0,
    np.nextafter(1, 2),
    float("nan"),
    "",
    "1",
    "ab",
    "\ud800",
    [],
    (),
    {},
    [1],
    (1,),
    {1: 1},
    [1, 2],
    [12],
    [[1], 2],
    [[1, 2]],
    [1.0, 2],
    ["ab"],
    ["a", "b"],
    ["b", "a"],
    ["", "ab"],
    {"a": 1, "b": 2},
    {"b": 2, "a": 1},
    {"a": 2, "b": 1},
    {"a": "b"},
    np.zeros(0),
    np.zeros(0, dtype=np.float32),
    np.zeros((0, 2)),
    np.zeros(()),
    np.zeros(2),
    np.zeros(2, dtype=np.int64),
    np.zeros(2, dtype="M8[s]"),
    np.zeros(2, dtype="M8[ms]"),
    np.zeros((2, 1)),
    np.array([0.0, -0.0]),
    np.array(["a", "b"]),
    np.array(["a", "b"], dtype="U2"),
    np.array(["a", "b"], dtype=object),
    np.array([["a", "b"]], dtype=object),
    np.array(["a", None], dtype=object),
    np.array([1, 2], dtype=object),
    np.array(["", ""], dtype="U0"),
    np.arange(6).reshape(2, 3),
    np.arange(6).reshape(2, 3).T,
]


def test_distinct_values_have_distinct_checksums():
    seen = [checksum({"a": value}) for value in DISTINCT]
    seen += [checksum({}), checksum({"b": None}), checksum({"a": None, "b": None})]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("value", DISTINCT, ids=lambda value: type(value).__name__)
def test_copied_and_pickled_values_have_same_checksum(value):
    expected = checksum({"a": value})
    assert checksum({"a": copy.deepcopy(value)}) == expected
    assert checksum({"a": pickle.loads(pickle.dumps(value))}) == expected
    assert len(expected) == 32


MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
# Arrays of equal values: the checksum must not depend on the memory layout.
EQUAL_ARRAYS = {
    "Fortran order": np.asfortranarray(MATRIX),
    "view": np.repeat(MATRIX, 2, axis=0)[::2],
    "other byte order": MATRIX.astype(MATRIX.dtype.newbyteorder()),
    "read only": np.frombuffer(MATRIX.tobytes(), dtype=np.float32).reshape(3, 4),
    "subclass": MATRIX.view(np.matrix),
}


@pytest.mark.parametrize("name", EQUAL_ARRAYS)
def test_checksum_ignores_memory_layout(name):
    assert checksum({"a": EQUAL_ARRAYS[name]}) == checksum({"a": MATRIX})


def test_checksum_ignores_order_of_names():
    assert checksum({"a": 1, "b": 2}) == checksum({"b": 2, "a": 1})


def test_other_objects_count_only_by_position():
    assert checksum({"a": [object()]}) == checksum({"a": [len]}) != checksum({"a": [len, len]})


def test_checksums_are_stable():
    # If this changes, existing files of this format can't be loaded: see skclf._migrations.
    values = {
        "array": np.array([[1, 2], [3, 4]], dtype=np.float32),
        "strings": np.array(["ant", "bé"], dtype=object),
        "words": {"ant": 3, "\ud800": 2**70},
        "nested": {1: [np.float64(0.5), (None, True, -7, 0.25, "é")], "": []},
    }
    assert checksum(values) == "67cce1c645036636e933c8181faac9c3"


@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.bool_, "U3"]),
        arrays.array_shapes(max_dims=3, max_side=5),
    ),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_flipped_bit_changes_checksum(array, data):
    if array.dtype.kind == "U":  # not every bit pattern is a character
        array = np.full(array.shape, "abc")
    changed = array.copy()
    bits = changed.reshape(-1).view(np.uint8)
    # For characters and booleans only the lowest bit, so that the value stays valid.
    at = data.draw(st.integers(0, len(bits) - 1)) if array.dtype.kind in "fi" else 0
    bits[at] ^= 1 << (data.draw(st.integers(0, 7)) if array.dtype.kind in "fi" else 0)
    assert checksum({"a": [array, changed]}) != checksum({"a": [array, array]})
    assert checksum({"a": changed}) != checksum({"a": array})


# ------------------------------------------------------------------------------------ flipped bits

RNG = np.random.RandomState(0)
X = RNG.rand(30, 4).astype(np.float32)
Y = np.array(["ant", "bee"])[(X[:, 0] > 0.5).astype(int)]
SMALL = {"hidden_layer_sizes": 3, "epochs": 2, "random_state": 0, "batch_size": 10}
CASES = {
    "warm": (
        BinaryDenseClassifier(
            warm_start=True, keep_epochs=True, validation_split=0.2, dropout=0.2, **SMALL
        ),
        X,
        Y,
    ),
    "sparse": (MulticlassDenseClassifier(**SMALL), sparse.csr_array(X), np.arange(30) % 3),
    "conv": (ShapeConvClassifier(filters=2, **SMALL), X.reshape(30, 2, 2), Y == "ant"),
}
VOCABULARY = {"ants": 1, "bees": 2, "cicadas": 70_000}


@pytest.fixture(scope="module")
def fitted():
    made = {name: copy.deepcopy(clf).fit(rows, y) for name, (clf, rows, y) in CASES.items()}
    return made | {"vectorizer": MultiHotVectorizer(vocabulary=VOCABULARY).fit([[1, 2]])}


def joblib_bytes(estimator):
    stream = io.BytesIO()
    joblib.dump(estimator, stream)
    return stream.getvalue()


def skops_dumps(estimator):
    return pytest.importorskip("skops.io").dumps(estimator)


def skops_loads(content):
    skops_io = pytest.importorskip("skops.io")
    classes = [MultiHotVectorizer, *(type(clf) for clf, _, _ in CASES.values())]
    trusted = [f"{cls.__module__}.{cls.__name__}" for cls in classes]
    return skops_io.loads(content, trusted=trusted)


FORMS = {
    "pickle": (pickle.dumps, pickle.loads),
    "joblib": (joblib_bytes, lambda content: joblib.load(io.BytesIO(content))),
    "skops": (skops_dumps, skops_loads),
}


def arrays_in(value):
    if isinstance(value, np.ndarray | np.generic):
        yield np.asarray(value)
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from arrays_in(each)


def regions(content, estimator):
    """Yield the byte ranges of weights, optimizer state, history, labels and words."""
    state = estimator.__getstate__()
    parts = [array.tobytes() for array in arrays_in(state) if array.dtype != object]
    parts += [word.encode() for word in [*state.get("_history", ()), *VOCABULARY]]
    parts += [struct.pack("<i", i) for i in VOCABULARY.values() if i > 2**16]
    for part in set(parts):
        # Short byte strings and zeros may occur elsewhere, too.
        start = content.find(part) if len(part) > 3 and any(part) else -1
        while start >= 0:
            yield range(start, start + len(part))
            start = content.find(part, start + 1)


def is_same(loaded, estimator):
    """Whether two estimators have bitwise equal states."""
    found, expected = loaded.__getstate__(), estimator.__getstate__()
    return found["_skclf_checksum"] == expected["_skclf_checksum"] and found.keys() == (
        expected.keys()
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*CASES, "vectorizer"])
def test_file_with_flipped_bit_never_loads_as_other_estimator(fitted, name, form):
    dumps, loads = FORMS[form]
    estimator, content = fitted[name], dumps(fitted[name])
    assert is_same(loads(content), estimator)
    positions = sorted({at for region in regions(content, estimator) for at in region})
    assert len(positions) > (14 if name == "vectorizer" else 150)
    picked = np.random.RandomState(0).permutation(len(positions) * 8)[:300]
    refused = 0
    for at, bit in (divmod(number, 8) for number in picked.tolist()):
        damaged = bytearray(content)
        damaged[positions[at]] ^= 1 << bit
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                loaded = loads(bytes(damaged))
            except Exception:
                refused += 1
                continue
        assert is_same(loaded, estimator), (positions[at], bit)
    assert refused > len(picked) * 0.9


@pytest.mark.parametrize("form", ["pickle", "joblib"])
@pytest.mark.parametrize("name", CASES)
def test_flipped_bit_of_weight_raises(fitted, name, form):
    dumps, loads = FORMS[form]
    content, weights = dumps(fitted[name]), fitted[name]._weights[0].tobytes()
    start = content.index(weights)
    message = r"^Can't load this \w+Classifier: its arrays are not those that were saved: the check"
    for at in range(start, start + len(weights)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[at] ^= 1 << bit
            with pytest.raises(ValueError, match=message):
                loads(bytes(damaged))


def test_flipped_bit_in_skops_file_with_valid_crc_raises(fitted):
    clf = fitted["sparse"]
    weights, changed = clf._weights[0].tobytes(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(skops_dumps(clf))) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            damaged = bytes([weights[0] ^ 1]) + weights[1:]
            new.writestr(name, old.read(name).replace(weights, damaged))
    with pytest.raises(ValueError, match=r"Can't load this Multiclass.*: the checksum differs"):
        skops_loads(changed.getvalue())


# ------------------------------------------------------------------------------ unchanged behaviour


@pytest.mark.parametrize("name", CASES)
def test_memory_mapped_files_load(fitted, name, tmp_path):
    clf, rows = fitted[name], CASES[name][1]
    joblib.dump(clf, tmp_path / "clf.joblib")
    loaded = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    assert any(isinstance(array, np.memmap) for array in loaded._weights)
    np.testing.assert_array_equal(loaded.predict_proba(rows), clf.predict_proba(rows))
    assert is_same(pickle.loads(pickle.dumps(loaded)), clf)


@pytest.mark.parametrize("name", CASES)
def test_equal_estimators_have_equal_hashes_and_states(fitted, name):
    clf, (unfitted, rows, y) = fitted[name], CASES[name]
    again = copy.deepcopy(unfitted).fit(rows, y)
    assert joblib.hash(again) == joblib.hash(clf) == joblib.hash(copy.deepcopy(clf))
    assert is_same(again, clf)
    assert pickle.dumps(again) == pickle.dumps(clf)
    again._weights[0][0] += 1
    assert joblib.hash(again) != joblib.hash(clf)


class SubclassWithState(BinaryDenseClassifier):
    """A user's subclass with more attributes, some of which its state omits."""

    def fit(self, X, y):
        self.cache_, self.notes_ = {"rows": X}, ["made", object]
        return super().fit(X, y)

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("cache_", None)
        return state | {"callbacks": None, "notes_": ["saved"]}


def test_attributes_added_by_subclass_are_not_checked():
    clf = SubclassWithState(**SMALL).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(clf))
    assert loaded.notes_ == ["saved"]
    assert not hasattr(loaded, "cache_")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
