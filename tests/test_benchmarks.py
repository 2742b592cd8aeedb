"""The calculations and reports of examples/benchmarks on made-up numbers; nothing is timed."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "benchmarks"

RESULTS = {
    "skclf": {"fit (s)": 0.5, "accuracy": 0.90},
    "Keras": {"fit (s)": 8.0, "accuracy": 0.91},
    "MLPClassifier": {"fit (s)": 0.4, "accuracy": 0.85},
}


@pytest.fixture(scope="module")
def bench():
    """The module that runs the benchmarks and checks their goals."""
    path = sys.path.copy()
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("_run")
    finally:
        sys.path[:] = path
        sys.modules.pop("_run", None)
        sys.modules.pop("_page", None)


@pytest.fixture(scope="module")
def page(bench):
    """The module that writes the documentation page."""
    return importlib.import_module("_page")


RECORD = {
    "title": "Title",
    "command": "python examples/benchmarks/bench_none.py",
    "date": "2001-02-03",
    "quick": False,
    "rounds": 3,
    "machine": "2 x Abacus, Linux",
    "versions": "Python 3.11.0, skclf 0.1.0",
    "results": RESULTS,
    "goals": [
        {"measure": "fit (s)", "peer": "Keras", "at_most": 0.1, "contender": "skclf"},
        {"measure": "fit (s)", "peer": "MLPClassifier", "at_most": 1, "contender": "skclf"},
        {"measure": "fit (s)", "peer": "skorch", "at_most": 1, "contender": "skclf"},
        {"measure": "accuracy", "peer": "Keras", "at_most": None, "contender": "skclf"},
    ],
    "checks": [{"measure": "accuracy", "margin": 0.02, "at_least": None}],
}


def test_medians(bench):
    runs = [{"a": 1.0, "b": 5.0}, {"a": 9.0, "b": 7.0}, {"a": 2.0, "b": 6.0}]
    assert bench.medians(runs) == {"a": 2.0, "b": 6.0}


def test_median_seconds_skips_first_run(bench, monkeypatch):
    elapsed = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(bench, "seconds", lambda work: (next(elapsed), work()))
    runs = []
    assert bench.median_seconds(lambda: runs.append(0), budget=0.0, at_least=3) == 2.0
    assert len(runs) == 4


def test_first_and_later_fits_use_different_seeds(bench, monkeypatch):
    elapsed = iter([7.0, 1.0, 4.0, 2.0])
    monkeypatch.setattr(bench, "seconds", lambda work: (next(elapsed), work()))
    numbers, last = bench.first_and_later(lambda seed: f"net {seed}", seed=10, n_later=3)
    assert numbers == {"first fit (s)": 7.0, "later fit (s)": 2.0}
    assert last == "net 13"


def test_ratio_of_contender_to_peer(bench):
    assert bench.ratio_of(bench.Goal("fit (s)", "Keras"), RESULTS) == 0.0625
    assert bench.ratio_of(bench.Goal("fit (s)"), RESULTS) == 0.5
    assert bench.ratio_of(bench.Goal("fit (s)", "skclf", contender="Keras"), RESULTS) == 16
    assert bench.ratio_of(bench.Goal("fit (s)", "skorch"), RESULTS) is None
    assert bench.ratio_of(bench.Goal("memory", "Keras"), RESULTS) is None


def test_missed_goals(bench):
    met = bench.Goal("fit (s)", "Keras", 1 / 15)
    missed = bench.Goal("fit (s)", "MLPClassifier", 1)
    just_met = bench.Goal("fit (s)", "MLPClassifier", 1.25)
    not_run = bench.Goal("fit (s)", "skorch", 1)
    for_information = bench.Goal("fit (s)", "MLPClassifier")
    goals = [met, missed, just_met, not_run, for_information]
    assert bench.missed_goals(goals, RESULTS) == [missed]


def test_nan_misses_goal_and_fails_check(bench):
    results = {"skclf": {"fit (s)": float("nan")}}
    goal = bench.Goal("fit (s)", at_most=1)
    assert bench.missed_goals([goal], results) == [goal]
    assert bench.failed_checks([bench.Check("fit (s)", at_least=0)], results)


def test_failed_checks_name_number_and_bound(bench):
    (failure,) = bench.failed_checks([bench.Check("accuracy", margin=0.02)], RESULTS)
    assert "MLPClassifier is 0.85" in failure
    assert "skclf's is 0.9" in failure
    (failure,) = bench.failed_checks([bench.Check("accuracy", at_least=0.88)], RESULTS)
    assert "MLPClassifier is 0.85, and must be at least 0.88" in failure
    assert not bench.failed_checks([bench.Check("accuracy", 0.051, 0.85)], RESULTS)


def test_missed_goal_fails_only_if_strict(bench):
    goal, check = bench.Goal("fit (s)", "MLPClassifier", 1), bench.Check("accuracy", 0.1)
    benchmark = bench.Benchmark("Title", __file__, {}, [goal], [check])
    assert not bench.has_failed(benchmark, RESULTS, strict=False)
    assert bench.has_failed(benchmark, RESULTS, strict=True)
    benchmark = bench.Benchmark("Title", __file__, {}, [], [bench.Check("accuracy", 0.01)])
    assert bench.has_failed(benchmark, RESULTS, strict=False)


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, ""), (0.0, "0"), (0.06667, "0.0667"), (99.94, "99.9"), (1234.5, "1,234")],
)
def test_show_rounds_to_three_digits(bench, number, text):
    assert bench.show(number) == text


def test_table_is_aligned_markdown(bench):
    assert bench.table([["", "fit (s)"], ["skclf", "0.5"], ["Keras", "8"]]) == (
        "|       | fit (s) |\n"
        "| ----- | ------: |\n"
        "| skclf |     0.5 |\n"
        "| Keras |       8 |"
    )  # fmt: skip


def test_report_shows_ratio_next_to_goal(bench):
    goals = [
        bench.Goal("fit (s)", "Keras", 1 / 15),
        bench.Goal("fit (s)", "MLPClassifier", 1),
        bench.Goal("fit (s)", "skorch", 1),
    ]
    checks = [bench.Check("accuracy", margin=0.02)]
    path = str(FOLDER / "bench_none.py")
    text = bench.report(bench.Benchmark("Title", path, {}, goals, checks), RESULTS)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["fit (s): skclf / Keras", "0.0625", "≤ 0.0667", "met"] in lines
    assert ["fit (s): skclf / MLPClassifier", "1.25", "≤ 1", "missed"] in lines
    assert ["fit (s): skclf / skorch", "not run", "≤ 1", ""] in lines
    assert "`python examples/benchmarks/bench_none.py`" in text
    assert "- Condition: accuracy, equal within 0.02." in text
    assert "- **Failed**: accuracy of MLPClassifier is 0.85" in text


def test_save_and_load_round_trip(bench, page, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "QUICK", False)
    goals, checks = [bench.Goal("fit (s)", "Keras", 0.1)], [bench.Check("accuracy", 0.02)]
    path = str(FOLDER / "bench_none.py")
    benchmark = bench.Benchmark("Title", path, {}, goals, checks, rounds=3)
    bench.save(tmp_path / "new", benchmark, RESULTS)
    records = page.load(tmp_path / "new", ["other", "none"])
    assert list(records) == ["none"]
    record = records["none"]
    assert record.keys() == RECORD.keys()
    changing = {"date", "machine", "versions"}
    expected = {**RECORD, "goals": RECORD["goals"][:1]}
    assert {key: record[key] for key in record.keys() - changing} == {
        key: expected[key] for key in expected.keys() - changing
    }
    bench.save(tmp_path / "new", benchmark, None, rounds=7)
    record = page.load(tmp_path / "new", ["none"])["none"]
    assert record["results"] is None
    assert record["rounds"] == 7
    assert record["command"] == f"{RECORD['command']} --rounds 7"


def test_page_shows_results_goals_and_machine(page):
    text = page.page([RECORD])
    lines = text.splitlines()
    for line in (
        "- Date: 2001-02-03.",
        "- Machine: 2 x Abacus, Linux.",
        "- Versions: Python 3.11.0, skclf 0.1.0.",
        f"   $ {page.COMMAND}",
        "``python examples/benchmarks/bench_none.py``, 3 rounds, 2001-02-03.",
        '   "","fit (s)","accuracy"',
        '   "MLPClassifier","0.4","0.85"',
        '   "fit (s): skclf / Keras","0.0625","≤\N{NO-BREAK SPACE}0.1","met"',
        '   "fit (s): skclf / MLPClassifier","1.25","≤\N{NO-BREAK SPACE}1","missed"',
        '   "fit (s): skclf / skorch","not run","≤\N{NO-BREAK SPACE}1",""',
        '   "accuracy: skclf / Keras","0.989","",""',
        "1 of 2 goals were met. Missed:",
        "- Title, fit (s): skclf / MLPClassifier: 1.25, goal: at most 1.",
        "- Condition: accuracy, equal within 0.02.",
    ):
        assert lines.count(line) == 1, line
    assert lines[lines.index("Title") + 1] == "-----"
    assert "- **Failed**: accuracy of MLPClassifier is 0.85" in text
    assert "warning" not in text


def test_page_without_missed_goals_lists_none(page):
    text = page.page([{**RECORD, "goals": RECORD["goals"][:1]}])
    assert "\n1 of 1 goals were met.\n" in text
    assert "Missed" not in text


def test_page_names_machine_of_each_benchmark(page):
    other = {**RECORD, "title": "Other", "date": "2001-03-04", "machine": "1 x Slide rule, Linux"}
    text = page.page([RECORD, other])
    assert "- Date: 2001-02-03 to 2001-03-04.\n" in text
    assert "- Machine: 2 x Abacus, Linux (Title).\n" in text
    assert "- Machine: 1 x Slide rule, Linux (Other).\n" in text
    assert text.index("\nTitle\n") < text.index("\nOther\n")
    assert "2 of 4 goals were met" in text


def test_headings_are_short_and_a_wide_row_becomes_a_column(page):
    results = {"skclf": {f"size {number}": float(number) for number in range(9)}}
    record = {**RECORD, "title": "Scale: rows, 10 and 20", "goals": [], "checks": []}
    lines = page.page([{**record, "results": results}]).splitlines()
    place = lines.index("Scale")
    assert lines[place + 1 : place + 4] == ["-----", "", "Rows, 10 and 20."]
    assert '   "","skclf"' in lines
    assert '   "size 8","8"' in lines


def test_page_marks_failed_and_quick_runs(page):
    failed = {**RECORD, "title": "Failed one", "results": None, "rounds": 1}
    quick = {**RECORD, "title": "Quick one", "quick": True}
    text = page.page([failed, quick])
    assert "1 round, 2001-02-03.\n\n**Failed**: the benchmark did not finish." in text
    assert "   Quick one: from a quick run" in text
    assert "No goals were checked." in text
    assert '"fit (s): skclf / MLPClassifier","1.25","",""' in text
    text = page.page([quick])
    assert "   These are from a quick run" in text
    assert f"$ {page.COMMAND} --quick\n" in text
    with pytest.raises(ValueError, match="Run benchmarks with --json first"):
        page.page([])


def test_command_writes_page_from_saved_results(page, tmp_path):
    (tmp_path / "leak.json").write_text(json.dumps(RECORD), encoding="utf-8")
    command = [sys.executable, str(FOLDER), "--from", str(tmp_path), "--output"]
    subprocess.run([*command, str(tmp_path / "page.rst")], check=True)
    assert (tmp_path / "page.rst").read_text(encoding="utf-8") == page.page([RECORD])
    refused = subprocess.run([*command, str(tmp_path / "page.md")], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--from needs --output" in refused.stderr


def test_documentation_page_is_up_to_date(tmp_path):
    docs = FOLDER.parents[1] / "docs"
    command = [sys.executable, str(FOLDER), "--from", str(docs / "_benchmarks"), "--output"]
    subprocess.run([*command, str(tmp_path / "page.rst")], check=True)
    made = (tmp_path / "page.rst").read_text(encoding="utf-8")
    assert (docs / "benchmarks.rst").read_text(encoding="utf-8") == made


def test_contenders_alternate_and_missing_ones_are_skipped(bench, monkeypatch):
    calls = []

    def child(benchmark, *arguments):
        calls.append(arguments)
        return "a line that TensorFlow prints\n" + json.dumps({"fit (s)": float(len(calls))})

    monkeypatch.setattr(bench, "_child", child)
    contenders = dict.fromkeys(["skclf", "Keras", "Missing"])
    needs = {"Missing": ("no_such_module",)}
    benchmark = bench.Benchmark("Title", __file__, contenders, [], needs=needs)
    results = bench.run(benchmark, rounds=3)
    assert [arguments[1] for arguments in calls] == ["skclf", "Keras"] * 3
    assert results == {"skclf": {"fit (s)": 3.0}, "Keras": {"fit (s)": 4.0}}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("bench_*.py")), ids=lambda path: path.stem)
def test_benchmarks_are_consistent_and_import_no_libraries(path):
    program = (
        f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import {path.stem} as bench; "
        "assert not {'numpy', 'sklearn', 'skclf', 'keras'} & sys.modules.keys(); "
        "names = [goal.contender for goal in bench.BENCHMARK.goals]; "
        "names += [goal.peer for goal in bench.BENCHMARK.goals if goal.peer]; "
        "assert set(names) <= set(bench.BENCHMARK.contenders); "
        "assert set(bench.BENCHMARK.needs) <= set(bench.BENCHMARK.contenders)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
