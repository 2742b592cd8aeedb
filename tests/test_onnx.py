"""ONNX models give the labels and probabilities of the classifier, run with onnxruntime."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small_nets import layered_net

import skclf
from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, ShapeConvClassifier
from skclf._targets import Binary, Multiclass
from skclf.nets import ACTIVATIONS
from skclf.onnx import to_onnx

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

RNG = np.random.RandomState(0)
ROWS = RNG.normal(size=(60, 5)).astype(np.float32)
CODES = np.arange(60) % 3
SMALL = {"epochs": 1, "random_state": 0}


def session_of(estimator, folder):
    """Save the estimator as an ONNX file, check it and load it with onnxruntime."""
    path = folder / "net.onnx"
    assert to_onnx(estimator, path) is None
    onnx.checker.check_model(str(path), full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def assert_same(estimator, X, folder):
    """Labels and probabilities equal skclf's for all rows, one row and no rows."""
    session = session_of(estimator, folder)
    X = np.asarray(X, dtype=np.float32).reshape(len(X), -1)
    for rows in (X, X[:1]):
        label, probabilities = session.run(None, {"X": rows})
        assert probabilities.dtype == np.float32
        assert np.isfinite(probabilities).all()
        np.testing.assert_allclose(probabilities, estimator.predict_proba(rows), atol=1e-5)
        np.testing.assert_array_equal(label, estimator.predict(rows))
    label, probabilities = session.run(None, {"X": X[:0]})
    assert label.shape == (0,)
    assert probabilities.shape == (0, len(estimator.classes_))
    return session


def with_net(estimator, net, classes=("ant", "bee", "cat"), seed=0):
    """Give an estimator a net with random weights instead of fitting it."""
    random = np.random.RandomState(seed)
    shapes = net.weight_shapes()
    estimator._weights = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    estimator._net = net
    estimator.classes_ = np.array(classes[: max(2, net.n_outputs)])
    estimator._target = (Binary if net.n_outputs == 1 else Multiclass)(estimator.classes_)
    estimator.n_features_in_ = int(np.prod(net.input_shape))
    if net.takes_images:
        estimator.image_shape_ = net.input_shape
    return estimator


LABELS = {
    "strings": np.array(["ant", "bée", "čat"]),
    "objects": np.array(["ant", "bée", "čat"], dtype=object),
    "int64": np.array([-5, 0, 2**60]),
    "int8": np.array([1, 2, 3], dtype=np.int8),
    "integral floats": np.array([1.0, 2.0, 3.0]),
}
CLASSIFIERS = {
    "binary": (BinaryDenseClassifier(4, **SMALL), ROWS, 2),
    "binary without hidden layers": (BinaryDenseClassifier((), **SMALL), ROWS, 2),
    "dropout": (BinaryDenseClassifier((8, 8), dropout=0.9, **SMALL), ROWS, 2),
    "two classes": (MulticlassDenseClassifier((4, 3), **SMALL), ROWS, 2),
    "three classes": (MulticlassDenseClassifier((4, 3), dropout=0.5, **SMALL), ROWS, 3),
    "without hidden layers": (MulticlassDenseClassifier((), **SMALL), ROWS, 3),
    "images": (ShapeConvClassifier(4, filters=2, **SMALL), RNG.rand(60, 6, 5), 2),
    "colours": (ShapeConvClassifier(4, filters=2, **SMALL), RNG.rand(60, 4, 4, 3), 3),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_fitted_classifiers(name, labels, tmp_path):
    estimator, X, n_classes = CLASSIFIERS[name]
    y = LABELS[labels][CODES % n_classes]
    assert_same(clone(estimator).fit(X, y), X, tmp_path)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_dense_nets(activation, n_outputs, tmp_path):
    net = layered_net((5,), (7, 6), n_outputs, activation)
    estimator = with_net(BinaryDenseClassifier(), net)
    estimator._weights = [weight / 2 for weight in estimator._weights]
    assert_same(estimator, ROWS, tmp_path)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_convolutions(activation, tmp_path):
    net = layered_net((5, 4, 2), (6,), 3, activation, filters=(3, 2))
    estimator = with_net(ShapeConvClassifier(), net)
    # The exponential of an exponential overflows float32 unless the weights are small.
    divisor = 16 if activation == "exponential" else 4
    estimator._weights = [weight / divisor for weight in estimator._weights]
    assert_same(estimator, RNG.normal(size=(20, 40)), tmp_path)


@pytest.mark.parametrize("shape", [(7, 9, 1), (8, 5, 3), (1, 13, 1), (1, 1, 2)])
@pytest.mark.parametrize("kernel_size", [(3, 3), (2, 2), (4, 1), (1, 5), (7, 7)])
@pytest.mark.parametrize("pool_size", [(2, 2), (3, 3), (1, 4), (5, 2)])
def test_sizes_of_images_kernels_and_pools(shape, kernel_size, pool_size, tmp_path):
    sizes = {"filters": (2, 3, 2), "kernel_size": kernel_size, "pool_size": pool_size}
    net = layered_net(shape, (4,), 1, "relu", **sizes)
    X = RNG.normal(size=(10, np.prod(shape)))
    assert_same(with_net(ShapeConvClassifier(), net), X, tmp_path)


def test_conv_net_without_hidden_layers(tmp_path):
    net = layered_net((6, 6, 1), (), 2, "relu", filters=(2,))
    assert_same(with_net(ShapeConvClassifier(), net), RNG.normal(size=(9, 36)), tmp_path)


@pytest.mark.parametrize("name", ["binary", "three classes"])
def test_labels_of_confident_nets(name, tmp_path):
    # Two logits far from 0 have probabilities that float32 rounds to the same number.
    estimator, X, n_classes = CLASSIFIERS[name]
    estimator = clone(estimator).fit(X, CODES % n_classes)
    estimator._weights = [weight * 20 for weight in estimator._weights]
    assert_same(estimator, X * 20, tmp_path)


@pytest.mark.parametrize(("bias", "label"), [(0, "ant"), (1e-3, "bee"), (-1e-3, "ant")])
def test_first_class_wins_ties(bias, label, tmp_path):
    estimator = with_net(BinaryDenseClassifier(), layered_net((5,), (), 1, "relu"))
    estimator._weights = [np.zeros((5, 1), np.float32), np.array([bias], np.float32)]
    found = session_of(estimator, tmp_path).run(["label"], {"X": ROWS[:1]})
    assert found[0].tolist() == [label] == estimator.predict(ROWS[:1]).tolist()


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
def test_labels_near_decision_boundary(n_outputs, tmp_path):
    # 5,000 random rows, and 5,000 that bisection moves close to a change of the label.
    net = layered_net((5,), (16, 8), n_outputs, "relu")
    estimator = with_net(MulticlassDenseClassifier(), net)
    random = np.random.RandomState(1)
    ends, others = random.normal(size=(2, 5_000, 5)).astype(np.float32)
    labels = estimator.predict(ends)
    for _ in range(30):
        halfway = (ends + others) / 2
        same = (estimator.predict(halfway) == labels)[:, np.newaxis]
        ends, others = np.where(same, halfway, ends), np.where(same, others, halfway)
    rows = np.vstack([random.normal(size=(5_000, 5)), ends]).astype(np.float32)
    probabilities = np.sort(estimator.predict_proba(rows), axis=1)
    sure = probabilities[:, -1] - probabilities[:, -2] > 1e-5
    assert 5_000 < sure.sum() < 9_000
    (label,) = session_of(estimator, tmp_path).run(["label"], {"X": rows})
    np.testing.assert_array_equal(label[sure], estimator.predict(rows)[sure])


def test_net_trained_on_sparse_rows(tmp_path):
    net = layered_net((5,), (4,), 1, "relu", sparse=True)
    assert_same(with_net(BinaryDenseClassifier(), net), ROWS, tmp_path)


def test_boolean_labels_become_0_and_1(tmp_path):
    estimator = BinaryDenseClassifier(4, **SMALL).fit(ROWS, ROWS[:, 0] > 0)
    label, _ = session_of(estimator, tmp_path).run(None, {"X": ROWS})
    assert label.dtype == np.int64
    np.testing.assert_array_equal(label, estimator.predict(ROWS))


# --------------------------------------------------------------------- inputs, outputs and metadata


def interface_of(session):
    found = session.get_inputs() + session.get_outputs()
    # The names of dynamic dimensions don't matter.
    shapes = [[n if isinstance(n, int) else "dynamic" for n in each.shape] for each in found]
    return [(each.name, each.type) for each in found], shapes


@pytest.mark.parametrize(("labels", "kind"), [("strings", "string"), ("int8", "int64")])
def test_inputs_and_outputs(labels, kind, tmp_path):
    estimator = MulticlassDenseClassifier(4, **SMALL).fit(ROWS, LABELS[labels][CODES])
    names, shapes = interface_of(session_of(estimator, tmp_path))
    assert names == [
        ("X", "tensor(float)"),
        ("label", f"tensor({kind})"),
        ("probabilities", "tensor(float)"),
    ]
    assert shapes == [["dynamic", 5], ["dynamic"], ["dynamic", 3]]


@pytest.mark.parametrize(
    "y", [LABELS["strings"][CODES], CODES, ROWS[:, 0] > 0], ids=["strings", "integers", "booleans"]
)
def test_inputs_and_outputs_equal_skl2onnx(y, tmp_path):
    theirs = LogisticRegression().fit(ROWS, y)
    model = skl2onnx.to_onnx(theirs, ROWS[:1], options={"zipmap": False}, target_opset=17)
    model.ir_version = 8  # as ours: the oldest onnxruntime can't read the newest
    ours = MulticlassDenseClassifier(4, **SMALL).fit(ROWS, y)
    expected = interface_of(onnxruntime.InferenceSession(model.SerializeToString()))
    assert interface_of(session_of(ours, tmp_path)) == expected


def test_file_metadata(tmp_path):
    estimator = with_net(BinaryDenseClassifier(), layered_net((5,), (4,), 1, "relu"))
    path = str(tmp_path / "net.onnx")
    to_onnx(estimator, path)
    model = onnx.load(path)
    assert (model.producer_name, model.producer_version) == ("skclf", skclf.__version__)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    assert Path(path).stat().st_size < sum(w.nbytes for w in estimator._weights) + 2000
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def test_existing_file_is_replaced(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"x" * 100_000)
    to_onnx(with_net(BinaryDenseClassifier(), layered_net((5,), (), 1, "relu")), path)
    onnx.checker.check_model(str(path))


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    "other",
    [
        make_pipeline(BinaryDenseClassifier()),
        skclf.MultiHotVectorizer(3),
        BinaryDenseClassifier,
        None,
    ],
    ids=["pipeline", "vectorizer", "class", "None"],
)
def test_other_estimators_raise(other, tmp_path):
    with pytest.raises(TypeError, match=r"to_onnx\(pipeline\[-1\], path\).*skl2onnx can convert"):
        to_onnx(other, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_unfitted_classifier_raises(tmp_path):
    with pytest.raises(NotFittedError, match="BinaryDenseClassifier instance is not fitted yet"):
        to_onnx(BinaryDenseClassifier(), tmp_path / "net.onnx")


def test_keras_only_activation_raises(tmp_path):
    estimator = with_net(BinaryDenseClassifier(), layered_net((5,), (4,), 1, "sparse_plus"))
    with pytest.raises(
        ValueError, match=r"activation='sparse_plus', which only Keras .* celu, elu"
    ):
        to_onnx(estimator, tmp_path / "net.onnx")


@pytest.mark.parametrize(
    "classes",
    [
        [b"ant", b"bee"],
        [0.5, 1.5],
        np.array([1, 2**63], "u8"),
        np.array([0, 2.0**63]),
        np.array([1, 10**30], dtype=object),
        np.array(["2026-01-01", "2026-02-01"], "M8[D]"),
        np.array([1, 2], "M8[ns]"),
        np.array([1, 2], "m8[ns]"),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("error")
def test_unsupported_label_types_raise(classes, tmp_path):
    estimator = with_net(BinaryDenseClassifier(), layered_net((5,), (4,), 1, "relu"))
    estimator.classes_ = np.asarray(classes)
    estimator._target = type(estimator._target)(estimator.classes_)
    with pytest.raises(ValueError, match=r"Got labels of type .* strings or whole numbers"):
        to_onnx(estimator, tmp_path / "net.onnx")


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_that_utf_8_can_not_encode_raise(dtype, tmp_path):
    estimator = with_net(BinaryDenseClassifier(), layered_net((5,), (4,), 1, "relu"))
    estimator.classes_ = np.array(["ant", "\udcff"], dtype=dtype)
    estimator._target = type(estimator._target)(estimator.classes_)
    with pytest.raises(ValueError, match=r"Got the label '\\udcff'; expected .* UTF-8 can encode"):
        to_onnx(estimator, tmp_path / "net.onnx")


def test_missing_onnx_error_names_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    estimator = with_net(BinaryDenseClassifier(), layered_net((5,), (4,), 1, "relu"))
    with pytest.raises(ImportError, match=r"pip install 'skclf\[onnx\]'"):
        to_onnx(estimator, tmp_path / "net.onnx")


WITHOUT_TENSORFLOW = """
import pickle, sys
for name in ("tensorflow", "keras", "scikeras"):
    sys.modules[name] = None
from skclf.onnx import to_onnx
assert "onnx" not in sys.modules
with open(sys.argv[1], "rb") as file:
    to_onnx(pickle.load(file), sys.argv[2])
"""


@pytest.mark.slow
def test_to_onnx_without_tensorflow(tmp_path):
    estimator, X, n_classes = CLASSIFIERS["images"]
    estimator = clone(estimator).fit(X, CODES % n_classes)
    saved, path = tmp_path / "saved.pkl", tmp_path / "net.onnx"
    saved.write_bytes(pickle.dumps(estimator))
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(saved), str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    to_onnx(estimator, tmp_path / "here.onnx")
    assert path.read_bytes() == (tmp_path / "here.onnx").read_bytes()
