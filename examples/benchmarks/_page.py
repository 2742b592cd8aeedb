"""The page of the documentation, as reStructuredText, from what the benchmarks saved as JSON.

Nothing is measured here: `page` needs the records that `_run.save` wrote, of one run or of
several, and says of each where and when it was made. Only the standard library is imported.
"""

import csv
import io
import json
from dataclasses import replace

import _run

COMMAND = "python examples/benchmarks --json docs/_benchmarks --output docs/benchmarks.rst"

HEAD = """\
.. Made by the command that it names; to change the text, change examples/benchmarks/_page.py.

Benchmarks
==========

skclf beside the libraries that do the same work. Each contender runs alone in a fresh process, in
rounds, one contender after another; the tables show the medians over the rounds. Ratios are
skclf's number over the other's, so that below 1 skclf takes less. A goal is the ratio that was to
be reached; one that was missed stays on this page. What has to hold for times to mean anything,
such as equal accuracy, stands below the tables, and where it doesn't hold, that is said there.
Peak memory is that of the whole process.

The whole page is made anew by

.. code-block:: console

   $ {command}
"""

QUICK_NOTE = """\
.. warning::

   {whose} a quick run with tiny sizes.
   It shows that the benchmarks run, and says nothing about speed.
"""


def load(folder, names):
    """The saved records by name: those of `names` in that order, without the ones not there."""
    paths = {name: folder / f"{name}.json" for name in names}
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.is_file()
    }


def _csv_table(rows):
    """A table of reStructuredText, whose first row is the header."""
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    body = "".join(f"   {line}\n" for line in lines.getvalue().splitlines())
    return f".. csv-table::\n   :header-rows: 1\n\n{body}"


def _goals(record):
    """The goals; a quick run says nothing of speed, so that its ratios are not judged."""
    goals = [_run.Goal(**goal) for goal in record["goals"]]
    return [replace(goal, at_most=None) for goal in goals] if record["quick"] else goals


def _environments(records):
    """Machine and versions, once where all records share them, else with the names of each."""
    found = {}
    for record in records:
        found.setdefault((record["machine"], record["versions"]), []).append(record["title"])
    texts = []
    for (machine, versions), titles in found.items():
        whose = f" ({'; '.join(titles)})" if len(found) > 1 else ""
        texts.append(f"- Machine: {machine}{whose}.\n- Versions: {versions}.\n")
    dates = sorted({record["date"] for record in records})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"- Date: {span}.\n{''.join(texts)}"


def _summary(records):
    """How many goals are met, and all that are not."""
    judged, missed = 0, []
    for record in records:
        results = record["results"] or {}
        goals = [goal for goal in _goals(record) if goal.at_most is not None]
        judged += sum(_run.ratio_of(goal, results) is not None for goal in goals)
        for goal in _run.missed_goals(goals, results):
            found, limit = _run.show(_run.ratio_of(goal, results)), _run.show(goal.at_most)
            title = record["title"].split(":")[0]
            missed.append(f"- {title}, {goal}: {found} instead of {limit} at most.")
    if not judged:
        return "No goals were judged.\n"
    text = f"{judged - len(missed)} of {judged} goals are met."
    return "\n".join([f"{text} Missed:\n" if missed else text, *missed]) + "\n"


def _section(record):
    """One benchmark: its command, its tables, what must hold, and what doesn't."""
    rounds = f"{record['rounds']} round{'s' if record['rounds'] > 1 else ''}"
    parts = [
        f"{record['title']}\n{'-' * len(record['title'])}\n",
        f"``{record['command']}``, {rounds}, {record['date']}.\n",
    ]
    results = record["results"]
    if results is None:
        return "\n".join([*parts, "**Failed**: did not run to its end.\n"])
    checks = [_run.Check(**check) for check in record["checks"]]
    remarks = [f"- Must hold: {check}.\n" for check in checks]
    remarks += [f"- **Failed**: {failed}.\n" for failed in _run.failed_checks(checks, results)]
    parts.append(_csv_table(_run.results_rows(results)))
    if record["goals"]:
        parts.append(_csv_table(_run.goals_rows(_goals(record), results)))
    return "\n".join(parts + (["".join(remarks)] if remarks else []))


def page(records):
    """The whole page.

    Parameters
    ----------
    records : list of dict
        As `_run.save` writes them, in the order of the page.

    Returns
    -------
    str
    """
    if not records:
        raise ValueError("Got no records, but expected some: run benchmarks with --json first.")
    quick = [record["title"] for record in records if record["quick"]]
    command = COMMAND + (" --quick" if len(quick) == len(records) else "")
    parts = [HEAD.format(command=command), _environments(records)]
    if quick:
        whose = "These are from" if len(quick) == len(records) else f"{'; '.join(quick)}: from"
        parts.append(QUICK_NOTE.format(whose=whose))
    parts += [_summary(records), *map(_section, records)]
    return "\n".join(parts)
