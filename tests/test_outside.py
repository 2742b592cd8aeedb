"""The benchmark on public data sets and its page, on made-up numbers."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    """The benchmark's modules, by the last part of their names."""
    path, loaded = sys.path.copy(), set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    try:
        names = ("data", "statistics", "contenders", "page")
        yield {name: importlib.import_module(f"_outside_{name}") for name in names}
    finally:
        sys.path[:] = path
        for name in sys.modules.keys() - loaded:
            if name.startswith("_outside_"):
                del sys.modules[name]


@pytest.fixture(scope="module")
def statistics(modules):
    return modules["statistics"]


def test_calibration_error_by_hand(statistics):
    # Two bins: (0.5, 1] holds three rows, one of them wrong; (0, 0.5] one row, which is right.
    probabilities = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.3, 0.7, 0], [0.3, 0.3, 0.4]])
    y = np.array([0, 1, 1, 2])
    expected = (3 * abs(2 / 3 - 0.8) + abs(1 - 0.4)) / 4
    found = statistics.expected_calibration_error(y, probabilities, n_bins=2)
    assert found == pytest.approx(expected)


def test_certain_and_correct_is_calibrated(statistics):
    assert statistics.expected_calibration_error(np.array([0, 1]), np.eye(2)) == 0


def test_log_loss_and_balanced_accuracy_by_hand(statistics):
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    found = statistics.scores(np.array([0, 1, 1]), np.array([0, 1, 0]), probabilities)
    assert found["error"] == pytest.approx(1 / 3)
    assert found["balanced_accuracy"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["log_loss"] == pytest.approx(-np.log([0.5, 0.75, 1e-15]).mean())


def test_mean_ranks_share_ties(statistics):
    ranks = statistics.mean_ranks([[0.1, 0.2, 0.3], [0.2, 0.2, 0.1]])
    np.testing.assert_allclose(ranks, [(1 + 2.5) / 2, (2 + 2.5) / 2, (3 + 1) / 2])


# Quantiles from table 5 of Demšar (2006), at 5%.
@pytest.mark.parametrize(("n", "quantile"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_critical_difference_equals_paper(n, quantile, statistics):
    expected = quantile * np.sqrt(n * (n + 1) / (6 * 30))
    assert statistics.critical_difference(n, 30) == pytest.approx(expected, rel=1e-3)


def test_groups_without_significant_difference(statistics):
    ranks = np.array([1.0, 1.5, 2.4, 4.0])
    assert statistics.alike(ranks, 1.0) == [(0, 1), (1, 2)]
    assert statistics.alike(ranks, 0.1) == []
    assert statistics.alike(ranks, 5.0) == [(0, 3)]


def test_halves_alternate(modules):
    data = modules["data"]
    chosen, held = data.halves(["d", "a", "c", "b"])
    assert (chosen, held) == (["a", "c"], ["b", "d"])
    chosen, held = data.halves(data.TABLES)
    assert len(chosen) == len(held) == 14
    assert set(data.SMALL_CHOSEN) <= set(chosen)
    assert set(data.CALIBRATED) <= set(held)


def test_split_table(modules):
    frame = pd.DataFrame({0: [1, 2, 3], 1: [" a", "b ", "a"], 2: ["yes", "no", "yes"]})
    X, y = modules["data"].split_table(frame)
    assert X["x1"].tolist() == [1.0, 2.0, 3.0]
    assert X["x2"].tolist() == ["a", "b", "a"]
    assert X.dtypes.astype(str).tolist() == ["float64", "category"]
    assert y.tolist() == [1, 0, 1]


def numbers(error):
    names = ("error", "log_loss", "calibration_error", "seconds")
    return {"balanced_accuracy": 1 - error, **dict.fromkeys(names, error)}


@pytest.fixture
def record(modules):
    """Results on three tables, with errors of the recipe that are 0.02 below all others."""
    contenders = modules["contenders"]
    others = contenders.MLP, contenders.BOOSTING, contenders.LOGISTIC, *modules["page"].EQUAL
    tables = {
        f"table {number}": {
            "rows": 100,
            "classes": 2,
            "results": {contenders.RECIPE: numbers(0.1 * number - 0.02)}
            | {who: numbers(0.1 * number) for who in others},
        }
        for number in (1, 2, 3)
    }
    environment = {"date": "2001-02-03", "machine": "2 x Abacus", "versions": "skclf 0.1.0"}
    more = {f"further {name}": found for name, found in tables.items()}
    return {"held": tables, "chosen": more, "unbalanced": tables, **environment}


def test_page_reports_recipe(modules, record):
    text = modules["page"].page(record)
    assert re.search(r'"at least 0\.5","2\.00 ± 0\.00"', text)
    assert '"at most 3.00, as gradient boosting","1.00"' in text
    assert "on all 6 tables" in " ".join(text.split())
    assert '"table 2","100","2","18.00","20.00"' in text
    assert "balanced accuracy (%)" in text
    assert "Calibration\n" not in text  # not measured in this record


def test_page_and_figure_are_written(modules, record, tmp_path):
    modules["page"].write(record, tmp_path)
    assert (tmp_path / "outside.rst").read_text(encoding="utf-8").count(".. image::") == 1
    assert (tmp_path / modules["page"].FIGURE).read_bytes()[1:4] == b"PNG"
