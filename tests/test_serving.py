"""The serving example: servers that can't import TensorFlow answer like the classifier."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest

from skclf.datasets import make_low_high

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "serving"
ROWS = make_low_high(20, random_state=1).data.tolist()


@pytest.fixture(scope="module")
def environment():
    """Let subprocesses import skclf from this checkout, installed or not."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
        monkeypatch.setenv("SKCLF_QUICK", "1")
        yield


@pytest.fixture(scope="module")
def compare():
    """The module that starts the servers."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("compare")
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("compare", None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, environment):
    """The folder with the files that ``train.py`` saves."""
    folder = tmp_path_factory.mktemp("serving")
    subprocess.run([sys.executable, str(FOLDER / "train.py"), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def connection(compare, trained):
    """A connection to a server that can't import TensorFlow, Keras and SciKeras."""
    with compare.running(compare.skclf_command(trained)) as (_, connection):
        yield connection


@pytest.fixture(scope="module")
def onnx_connection(compare, trained):
    """A connection to a server that can't import these, skclf or scikit-learn."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    with compare.running(compare.onnx_command(trained)) as (_, connection):
        yield connection


def test_answers_equal_classifier(compare, trained, connection):
    classifier = joblib.load(trained / "model.joblib")
    status, answer = compare.ask(connection, ROWS)
    assert status == 200
    assert answer["classes"] == classifier.classes_.tolist()
    assert answer["labels"] == classifier.predict(ROWS).tolist()
    assert set(answer["labels"]) == {"low", "high"}
    np.testing.assert_array_equal(answer["probabilities"], classifier.predict_proba(ROWS))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2.0, 3.0]], "ValueError: X has 3 features, but .* is expecting 4"),
        ([["a", "b", "c", "d"]], "ValueError: could not convert string to float"),
        ([], "ValueError: Expected 2D array"),
        (None, "ValueError: Expected 2D array"),
    ],
)
def test_invalid_rows(rows, message, compare, connection):
    status, answer = compare.ask(connection, rows)
    assert status == 400
    assert re.search(message, answer["error"])
    assert compare.ask(connection, ROWS[:1])[0] == 200


def test_onnxruntime_answers_equal_classifier(compare, connection, onnx_connection):
    status, answer = compare.ask(onnx_connection, ROWS)
    _, expected = compare.ask(connection, ROWS)
    assert status == 200
    assert answer["classes"] == expected["classes"]
    assert answer["labels"] == expected["labels"]
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2.0, 3.0]], r"ValueError: Got rows of shape \(1, 3\); expected \(n, 4\)"),
        ([["a", "b", "c", "d"]], "ValueError: could not convert string to float"),
        ([], r"ValueError: Got rows of shape \(0,\)"),
        (None, r"ValueError: Got rows of shape \(\)"),
        ([[1.0, 2.0, 3.0, float("nan")]], "ValueError: .* finite numbers"),
        ([[1.0, 2.0, 3.0, 1e300]], "ValueError: .* finite numbers"),
    ],
)
def test_invalid_rows_with_onnxruntime(rows, message, compare, onnx_connection):
    status, answer = compare.ask(onnx_connection, rows)
    assert status == 400
    assert re.search(message, answer["error"])
    assert compare.ask(onnx_connection, ROWS[:1])[0] == 200


@pytest.mark.parametrize("body", ["no JSON", "[1, 2]", "{}"])
def test_invalid_requests(body, compare, connection):
    connection.request("POST", "/", body)
    response = connection.getresponse()
    assert response.status == 400
    assert b"error" in response.read()


def test_tensorflow_is_blocked(compare, trained, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import tensorflow")
    command = compare.skclf_command(trained)
    command[-2] = str(script)
    done = subprocess.run(command, capture_output=True, text=True)
    assert "import of tensorflow halted" in done.stderr


KERAS = ["Keras, model.predict(rows)", "Keras, model(rows)"]


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_onnx_is_skipped_if_missing(absent, compare, tmp_path, monkeypatch, capsys):
    if absent == "onnxruntime":
        (tmp_path / "model.onnx").touch()
        monkeypatch.setattr(compare.importlib.util, "find_spec", lambda name: None)
    assert list(compare.commands_for(tmp_path)) == ["skclf", *KERAS]
    assert "Without ONNX" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory needs Linux or macOS")
def test_all_servers_agree(compare, trained, monkeypatch):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(compare, "N_ANSWERS", 4)
    monkeypatch.setattr(compare, "ROUNDS", 1)
    results = compare.compare(trained)
    assert list(results) == ["skclf", "onnxruntime", *KERAS]
    assert all(number > 0 for numbers in results.values() for number in numbers)
