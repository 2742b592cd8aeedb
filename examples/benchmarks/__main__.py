"""Run all benchmarks, and write the results as Markdown or as a page of the documentation.

``python examples/benchmarks --output results.md`` takes about half an hour, with ``--quick`` two
or three minutes. ``--json folder`` also saves the results, one file per benchmark, and ``--from
folder`` reads such files instead of running the benchmarks. To write the page of the documentation,
use

    python examples/benchmarks --json docs/_benchmarks --output docs/benchmarks.rst

or, after running a single benchmark again with ``--json docs/_benchmarks``,

    python examples/benchmarks --from docs/_benchmarks --output docs/benchmarks.rst
"""

import argparse
import datetime
import importlib
import sys
import tempfile
from pathlib import Path

import _page
import _run

NAMES = ("small_net", "grid_search", "imdb", "reuters", "validation", "predict", "shapes")
NAMES += ("images", "own_nets", "sizes", "large", "scale", "processes", "vectorizer")
NAMES += ("texts", "import", "leak")

HEAD = """# Benchmarks

The numbers are medians over rounds, in which each contender ran in a fresh process, one after
another. Ratios below 1 are in skclf's favour. To run all benchmarks, use
`python examples/benchmarks`{options}.

{date}, {machine}
"""


def run_all(given, folder):
    """Run the benchmarks, save what they find, return Markdown, and whether any has failed."""
    texts, failed = [], False
    for name in given.names:
        benchmark = importlib.import_module(f"bench_{name}").BENCHMARK
        try:
            results = _run.run(benchmark, given.rounds)
        except RuntimeError as error:  # a contender failed: the other benchmarks can run
            print(error, file=sys.stderr)
            texts.append(f"## {benchmark.title}\n\n- **Failed**: did not run to its end.\n")
            _run.save(folder, benchmark, None, given.rounds)
            failed = True
            continue
        _run.save(folder, benchmark, results, given.rounds)
        failed |= _run.has_failed(benchmark, results, given.strict)
        texts.append(_run.report(benchmark, results))
        print(texts[-1], flush=True)
    head = HEAD.format(
        options=";\nthese are from a quick run with tiny sizes" if _run.QUICK else "",
        date=datetime.date.today().isoformat(),
        machine=_run.machine(),
    )
    return "\n".join([head, *texts]), failed


def main():
    """Run benchmarks as a command."""
    parser = _run.options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("names", nargs="*", default=NAMES, help=f"which ones: {', '.join(NAMES)}")
    parser.add_argument("--output", type=Path, help="the file for the Markdown, or *.rst: the page")
    parser.add_argument("--from", type=Path, dest="saved", help="a folder of --json: run nothing")
    given = parser.parse_args()
    if given.saved and not (given.output and given.output.suffix == ".rst"):
        parser.error("--from needs --output with a file *.rst")
    with tempfile.TemporaryDirectory() as unsaved:
        folder = given.saved or given.json or Path(unsaved)
        text, failed = (None, False) if given.saved else run_all(given, folder)
        if given.output and given.output.suffix == ".rst":
            text = _page.page(list(_page.load(folder, given.names).values()))
    if given.output:
        given.output.write_text(text, encoding="utf-8")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
