"""What works without TensorFlow, Keras and SciKeras, and the errors about what doesn't.

``.ci/without_tensorflow`` and ``test_without_tensorflow.py`` run these tests in environments
without them. ``SKCLF_SAVED_NETS`` is the folder with the files of ``saved_nets.py``.
"""

import importlib.util
import os
import pickle
import re
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import saved_nets
from numpy.testing import assert_allclose
from sklearn.base import clone

import skclf
from skclf.plots import HistoryDisplay

FOLDER = Path(os.environ["SKCLF_SAVED_NETS"])
COMPUTED_BY_NUMPY = ["binary", "multiclass", "multilabel", "images", "network", "words", "padded"]
ROWS = {"images": saved_nets.IMAGES, "words": saved_nets.WORDS, "padded": saved_nets.WORDS}
ABSENT = ("tensorflow", "keras", "scikeras")
MESSAGE = r"^This needs TensorFlow, Keras and SciKeras, but \w+ is not installed; {}\.$".format(
    "install them with 'pip install tensorflow keras scikeras'"
    if sys.version_info < (3, 14)
    else r"TensorFlow has no build for Python 3\.\d+ yet, so use Python 3[^;]*"
)


def load(name):
    return joblib.load(FOLDER / f"{name}.joblib")


def rows_of(name):
    return ROWS.get(name, saved_nets.X)


@pytest.mark.parametrize("module", ABSENT)
def test_package_is_not_installed(module):
    assert importlib.util.find_spec(module) is None


@pytest.mark.parametrize("form", ["joblib", "pickle", "skops"])
@pytest.mark.parametrize("name", COMPUTED_BY_NUMPY)
def test_loaded_estimator_predicts_the_same(name, form):
    file = FOLDER / f"{name}.{form}"
    if form == "joblib":
        estimator = joblib.load(file)
    elif form == "pickle":
        estimator = pickle.loads(file.read_bytes())
    else:
        skops_io = pytest.importorskip("skops.io")
        estimator = skops_io.load(file, trusted=skops_io.get_untrusted_types(file=file))
    expected = np.load(FOLDER / f"{name}.npy")
    assert_allclose(estimator.predict_proba(rows_of(name)), expected, rtol=1e-4, atol=1e-6)
    assert len(estimator.predict(rows_of(name))) == len(expected)


@pytest.mark.parametrize("name", [*COMPUTED_BY_NUMPY, "opaque"])
def test_loaded_estimator_can_be_saved_cloned_and_displayed(name):
    estimator = load(name)
    again = pickle.loads(pickle.dumps(estimator))
    assert repr(again) == repr(estimator) == repr(clone(estimator))
    assert type(estimator).__name__ in estimator._repr_html_()


def test_history_can_be_plotted():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    net = load("binary")[-1]
    assert list(net.history_.index) == [1, 2]
    display = HistoryDisplay.from_estimator(net)
    assert display.figure_ is not None
    pyplot.close("all")


@pytest.mark.parametrize("name", ["multiclass", "images", "network"])
def test_onnx_file(name, tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    from skclf.onnx import to_onnx

    rows = rows_of(name).reshape(len(rows_of(name)), -1)
    path = tmp_path / "net.onnx"
    to_onnx(load(name), path)
    session = runtime.InferenceSession(path)
    _, probabilities = session.run(None, {session.get_inputs()[0].name: rows})
    assert_allclose(probabilities, np.load(FOLDER / f"{name}.npy"), rtol=1e-4, atol=1e-6)


def test_transformers_can_be_fitted():
    counts = skclf.MultiHotVectorizer().fit_transform(saved_nets.WORDS)
    padded = skclf.SequencePadder(maxlen=2).fit_transform(saved_nets.WORDS)
    assert counts.shape[0] == len(padded) == 40


@pytest.mark.parametrize("name", COMPUTED_BY_NUMPY)
def test_fit_raises_each_time(name):
    estimator, y = load(name), saved_nets.CLASSES
    if name in ("binary", "words", "padded"):
        y = saved_nets.BINARY
    if name == "multilabel":
        y = saved_nets.LABELS
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match=MESSAGE) as caught:
            estimator.fit(rows_of(name), y)
        assert caught.value.name in ABSENT


def test_keras_model_raises():
    with pytest.raises(ModuleNotFoundError, match=MESSAGE):
        load("multiclass").model_  # noqa: B018


def test_net_that_only_keras_computes_raises():
    with pytest.raises(ModuleNotFoundError, match=MESSAGE):
        load("opaque").predict(saved_nets.X)


def test_error_names_version_of_python():
    if sys.version_info < (3, 14):
        pytest.skip("TensorFlow has builds for this Python")
    version = re.escape("{}.{}".format(*sys.version_info))
    with pytest.raises(ModuleNotFoundError, match=f"no build for Python {version} yet"):
        load("multiclass").fit(saved_nets.X, saved_nets.CLASSES)
