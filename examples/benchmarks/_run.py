"""Run the contenders of a benchmark in fresh processes, in turn, and evaluate the results.

A benchmark is a file ``bench_*.py`` with a `Benchmark`. Its contenders are functions that return
numbers by name. Each contender runs alone in a new process, in rounds (A B C, A B C, ...); the
results are the medians over the rounds. Only the standard library is imported here, because the
peak memory of a child starts at that of its parent process. Peak memory needs Linux or macOS.

Options of every benchmark:

--quick        tiny sizes, one round: shows that it runs, not how fast (also ``SKCLF_QUICK=1``)
--rounds N     number of rounds
--strict       a missed goal counts as a failure, too
--json FOLDER  save the results there, for the page of the documentation
--only A B     run only these contenders
--contender A  run one contender in this process, and print its results as JSON (for profilers)
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

if "--quick" in sys.argv:
    os.environ["SKCLF_QUICK"] = "1"
QUICK = os.environ.get("SKCLF_QUICK") == "1"

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # measure the checkout that this file lies in

OURS = "skclf"
PEAK_MEMORY = "peak memory (MB)"
_DISTRIBUTIONS = ("scikit-learn", "numpy", "scipy", "keras", "tensorflow", "scikeras")
_DISTRIBUTIONS += ("torch", "skorch")


@dataclass(frozen=True)
class Goal:
    """A number measured for skclf, or its ratio to that of a peer, and the largest allowed value.

    Parameters
    ----------
    measure : str
    peer : str or None
        If None, the goal is for skclf's number itself.
    at_most : float or None
        If None, there is no goal, and the ratio is shown for information.
    contender : str
        The contender that is compared with the peer: skclf, or a variant of it.
    """

    measure: str
    peer: str | None = None
    at_most: float | None = None
    contender: str = OURS

    def __str__(self):
        who = self.contender if self.peer is None else f"{self.contender} / {self.peer}"
        return f"{self.measure}: {who}"


@dataclass(frozen=True)
class Check:
    """A condition for comparing the times; a benchmark fails if it is not met.

    Parameters
    ----------
    measure : str
    margin : float or None
        Each peer's number must be this close to skclf's.
    at_least : float or None
        Each contender's number must be at least this.
    """

    measure: str
    margin: float | None = None
    at_least: float | None = None

    def __str__(self):
        margin = "" if self.margin is None else f", equal within {self.margin}"
        floor = "" if self.at_least is None else f", at least {self.at_least}"
        return f"{self.measure}{margin}{floor}"


@dataclass(frozen=True)
class Benchmark:
    """A task and its contenders.

    Parameters
    ----------
    title : str
    path : str
        The file that defines it.
    contenders : dict of str to callable
        Each takes the folder that `prepare` filled and a seed, and returns numbers by name.
    goals : list of Goal
    checks : list of Check
    prepare : callable or None
        Takes an empty folder, and puts the data there.
    rounds : int
    needs : dict of str to tuple of str
        Modules that a contender needs; it is skipped if one is not installed.
    """

    title: str
    path: str
    contenders: dict[str, Callable]
    goals: list[Goal]
    checks: list[Check] = field(default_factory=list)
    prepare: Callable | None = None
    rounds: int = 3
    needs: dict[str, tuple] = field(default_factory=dict)


# Measuring, in a child.


def seconds(work):
    """Run `work`; return the seconds that it took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def first_and_later(fit, seed, n_later):
    """Time the first fit of the process and the later ones.

    Parameters
    ----------
    fit : callable
        Takes a seed, makes and fits a new classifier, and returns it.
    seed : int
    n_later : int

    Returns
    -------
    numbers : dict
        Seconds of the first fit, and the median of the later ones.
    classifier : object
        The last one.
    """
    first, classifier = seconds(lambda: fit(seed))
    later = []
    for number in range(1, n_later + 1):
        elapsed, classifier = seconds(lambda seed=seed + number: fit(seed))
        later.append(elapsed)
    numbers = {"first fit (s)": first}
    return numbers | ({"later fit (s)": statistics.median(later)} if later else {}), classifier


def median_seconds(work, budget=1.0, at_least=5, at_most=1000):
    """Median of repeated runs, after one run to warm up, for about `budget` seconds."""
    work()
    times = []
    while len(times) < at_least or (sum(times) < budget and len(times) < at_most):
        times.append(seconds(work)[0])
    return statistics.median(times)


def peak_memory():
    """The most memory that this process, or one that it started, had: in megabytes."""
    import resource

    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    peak = max(resource.getrusage(who).ru_maxrss for who in whose)
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


# Running, in the parent.


def run(benchmark, rounds=None, only=None):
    """Run all contenders in turn.

    Returns
    -------
    dict of str to dict of str to float
        For each contender the median of each of its numbers.
    """
    names = [
        name
        for name in benchmark.contenders
        if (only is None or name in only) and all(map(find_spec, benchmark.needs.get(name, ())))
    ]
    rounds = rounds or (1 if QUICK else benchmark.rounds)
    measured = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        if benchmark.prepare is not None:
            _child(benchmark, "--prepare", "--folder", folder)
        for number in range(rounds):
            for name in names:
                options = "--folder", folder, "--seed", str(100 * number)
                output = _child(benchmark, "--contender", name, *options)
                measured[name].append(json.loads(output.splitlines()[-1]))
                print(f"round {number + 1} of {rounds}, {name}: {measured[name][-1]}", flush=True)
    return {name: medians(numbers) for name, numbers in measured.items()}


def _child(benchmark, *arguments):
    """What a fresh process writes; what it says on standard error shows only if it fails."""
    command = [sys.executable, benchmark.path, *arguments]
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{child.stderr[-4000:]}")
    return child.stdout


# Judging.


def medians(runs):
    """Median of each number over several runs, given as dicts."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def ratio_of(goal, results):
    """The number that a goal is about, or None where a contender did not run."""
    ours = results.get(goal.contender, {}).get(goal.measure)
    if goal.peer is None or ours is None:
        return ours
    theirs = results.get(goal.peer, {}).get(goal.measure)
    return None if theirs is None else ours / theirs


def missed_goals(goals, results):
    """The goals whose number is above what it should be at most."""
    ratios = [(goal, ratio_of(goal, results)) for goal in goals]
    return [
        goal
        for goal, ratio in ratios
        if None not in (goal.at_most, ratio) and not ratio <= goal.at_most
    ]


def failed_checks(checks, results):
    """A sentence for each number that is off."""
    failures = []
    for check in checks:
        numbers = {
            name: run[check.measure] for name, run in results.items() if check.measure in run
        }
        for name, number in numbers.items():
            whose = f"{check.measure} of {name} is {number:.4g}"
            if check.at_least is not None and not number >= check.at_least:
                failures.append(f"{whose}, and must be at least {check.at_least:.4g}")
            ours = numbers.get(OURS, number)  # without skclf's there is nothing to compare
            if check.margin is not None and not abs(number - ours) <= check.margin:
                failures.append(f"{whose}, {OURS}'s is {ours:.4g}: more than {check.margin} apart")
    return failures


# Showing.


def table(rows):
    """A Markdown table: the first column to the left, the others to the right."""
    cells = list(rows)
    first, *others = (max(3, *map(len, column)) for column in zip(*cells, strict=True))
    rule = ["-" * first, *("-" * (width - 1) + ":" for width in others)]
    cells.insert(1, rule)
    lines = (
        [row[0].ljust(first), *(cell.rjust(n) for cell, n in zip(row[1:], others, strict=True))]
        for row in cells
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def show(number):
    """A number in three digits or, from 100 on, without decimals."""
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def results_rows(results):
    """Contenders down, numbers across, below a header."""
    measures = list(dict.fromkeys(name for numbers in results.values() for name in numbers))
    rows = [
        [name, *(show(numbers.get(measure)) for measure in measures)]
        for name, numbers in results.items()
    ]
    return [["", *measures], *rows]


def goals_rows(goals, results):
    """Each goal, the ratio found beside it, and whether it is met, below a header."""
    missed = missed_goals(goals, results)
    rows = [["", "result", "goal", ""]]
    for goal in goals:
        ratio = ratio_of(goal, results)
        limit = verdict = ""
        if goal.at_most is not None:
            limit = f"≤ {show(goal.at_most)}"
            verdict = "" if ratio is None else "missed" if goal in missed else "met"
        rows.append([str(goal), show(ratio) or "not run", limit, verdict])
    return rows


def processor():
    """The number of cores, the processor's name and the system."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    return f"{os.cpu_count()} x {cpu}, {platform.system()}"


def versions():
    """The versions of this checkout, of Python, and of the libraries that are installed."""
    source = (ROOT / "skclf" / "__init__.py").read_text(encoding="utf-8")
    own = re.search(r'__version__ = "(.+)"', source)[1]
    found = [f"skclf {own}", f"Python {platform.python_version()}"]
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def machine():
    """The machine, its load and the versions, in two lines."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{processor()}{load}\n{versions()}"


def report(benchmark, results):
    """What a benchmark found, as Markdown."""
    failures = failed_checks(benchmark.checks, results)
    parts = [
        f"## {benchmark.title}{', quick run with tiny sizes' if QUICK else ''}",
        f"`python {Path(benchmark.path).resolve().relative_to(ROOT)}`",
        table(results_rows(results)),
        table(goals_rows(benchmark.goals, results)),
        "\n".join(f"- Condition: {check}." for check in benchmark.checks),
        "\n".join(f"- **Failed**: {failure}." for failure in failures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def save(folder, benchmark, results, rounds=None):
    """Write the results, goals and conditions of a benchmark to a JSON file in that folder.

    Parameters
    ----------
    folder : Path
    benchmark : Benchmark
    results : dict or None
        None means that the benchmark did not finish.
    rounds : int or None
        As in `run`.
    """
    path = Path(benchmark.path).resolve().relative_to(ROOT)
    options = f"{' --quick' if QUICK else ''}{f' --rounds {rounds}' if rounds else ''}"
    record = {
        "title": benchmark.title,
        "command": f"python {path.as_posix()}{options}",
        "date": datetime.date.today().isoformat(),
        "quick": QUICK,
        "rounds": rounds or (1 if QUICK else benchmark.rounds),
        "machine": processor(),
        "versions": versions(),
        "results": results,
        "goals": [asdict(goal) for goal in benchmark.goals],
        "checks": [asdict(check) for check in benchmark.checks],
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{path.stem.removeprefix('bench_')}.json"
    file.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def options(parser):
    """Add the options that one benchmark and all of them share."""
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round")
    parser.add_argument("--strict", action="store_true", help="fail on a missed goal, too")
    parser.add_argument("--rounds", type=int, help="number of rounds")
    parser.add_argument("--json", type=Path, help="the folder in which to save the results")
    return parser


def has_failed(benchmark, results, strict):
    """Whether a check failed or, with `strict`, a goal was missed."""
    missed = strict and missed_goals(benchmark.goals, results)
    return bool(failed_checks(benchmark.checks, results) or missed)


def main(benchmark):
    """Run one benchmark as a command."""
    parser = options(argparse.ArgumentParser(description=benchmark.title))
    parser.add_argument("--only", nargs="+", help="contenders to run")
    parser.add_argument("--contender", help="run this one in the present process")
    parser.add_argument("--prepare", action="store_true", help="put the data into the folder")
    parser.add_argument("--folder", type=Path, help="where the data are")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.prepare:
        benchmark.prepare(given.folder)
    elif given.contender:
        numbers = benchmark.contenders[given.contender](given.folder, given.seed)
        print(json.dumps({**numbers, PEAK_MEMORY: peak_memory()}))
    else:
        results = run(benchmark, given.rounds, given.only)
        if given.json:
            save(given.json, benchmark, results, given.rounds)
        print(f"\n{report(benchmark, results)}\n{machine()}")
        sys.exit(int(has_failed(benchmark, results, given.strict)))
