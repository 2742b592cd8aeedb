"""
A rare class: one row in seventeen
==================================

When one class is rare, a classifier that never names it is right nearly always, and of no use. Two
remedies are at hand: weigh the rare class more in training, or train as usual and name it already
at a probability below one half. Both move the same decision; only the second leaves the
probabilities true.
"""

# %%
# The data
# --------
#
# 5 % of the rows belong to the rare class, 1, and lie partly among the others. Besides, a coin
# decides the label of one row in fifty. That makes about 6 % of the rare class, and a sixth of
# these no classifier can find.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import BinaryDenseClassifier

QUICK = os.environ.get("SKCLF_QUICK") == "1"
X, y = make_classification(
    n_samples=8_000 if QUICK else 20_000,
    n_features=10,
    n_informative=2,
    n_redundant=2,
    n_clusters_per_class=1,
    weights=[0.95],
    flip_y=0.02,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
print(f"{y_train.sum()} of {len(y_train):,} training rows are of the rare class.")
print(f"Never naming it has an accuracy of {1 - y_test.mean():.3f} on the test rows.")

# %%
# Three ways
# ----------
#
# - The plain net names the rare class where its probability is above 0.5.
# - With ``class_weight="balanced"`` both classes weigh the same in the training loss, so each row
#   of the rare one counts for about sixteen of the other.
# - `~sklearn.model_selection.TunedThresholdClassifierCV` trains the plain net, finds by
#   cross-validation the threshold with the best F1, and moves the decision there. The probabilities
#   stay as they are.


def make_net(class_weight=None):
    """A scaler and a small net."""
    return make_pipeline(
        StandardScaler(),
        BinaryDenseClassifier(
            class_weight=class_weight,
            epochs=15,
            batch_size=64,
            random_state=0,
        ),
    )


plain = make_net().fit(X_train, y_train)
balanced = make_net(class_weight="balanced").fit(X_train, y_train)
tuned = TunedThresholdClassifierCV(make_net(), scoring="f1").fit(X_train, y_train)
threshold = tuned.best_threshold_
print(f"Best threshold: {threshold:.2f}")

# %%
# With the labels 0 and 1, scikit-learn takes 1 for the class that precision and recall are about.
# With words for labels, tell it: ``scoring=make_scorer(f1_score, pos_label="fraud")``.

measures = {
    "F1": f1_score,
    "precision": precision_score,
    "recall": recall_score,
    "balanced accuracy": balanced_accuracy_score,
    "accuracy": accuracy_score,
}
classifiers = {"plain": plain, "class_weight": balanced, "tuned threshold": tuned}
table = pd.DataFrame(
    {
        name: {measure: score(y_test, clf.predict(X_test)) for measure, score in measures.items()}
        for name, clf in classifiers.items()
    }
).T
print(table.round(3).to_string())

assert table.loc["tuned threshold", "F1"] > (0.5 if QUICK else 0.58)
assert table["balanced accuracy"].idxmax() == "class_weight"

# %%
# No way is best in every column. The plain net is mostly right when it names the rare class, and
# misses many rows of it. The weighted one finds most, among many false alarms: it has the highest
# recall and balanced accuracy, and the lowest precision and F1. The tuned threshold lies between
# them, where F1 is highest. Accuracy says next to nothing.
#
# One curve, three points on it
# -----------------------------
#
# A threshold trades precision for recall; going through all of them gives a curve. The grey lines
# join points of equal F1.

BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"  # told apart by colour-blind eyes

figure, ax = plt.subplots(figsize=(7.2, 4.8), layout="constrained")

recall = np.linspace(0.01, 1, 2_000)
for f1 in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
    with np.errstate(divide="ignore"):
        precision = f1 * recall / (2 * recall - f1)
    on_line = (precision > 0) & (precision <= 1)
    ax.plot(recall[on_line], precision[on_line], color="0.85", linewidth=1, zorder=0)
    label = f"F1 = {f1}" if f1 == 0.8 else f"{f1}"
    ax.text(1.01, f1 / (2 - f1), label, color="0.45", fontsize="small", va="center")

for clf, color, style in [(plain, BLUE, "-"), (balanced, VERMILION, "--")]:
    precision, recall, _ = precision_recall_curve(y_test, clf.predict_proba(X_test)[:, 1])
    ax.plot(recall, precision, color=color, linestyle=style, linewidth=1.8)

marks = {
    "plain": (BLUE, "o", "plain net at 0.5", (-10, -10), "right"),
    "tuned threshold": (
        GREEN,
        "D",
        f"plain net at {threshold:.2f},\nthe tuned threshold",
        (10, 6),
        "left",
    ),
    "class_weight": (VERMILION, "s", 'class_weight="balanced"\nat 0.5', (-26, -14), "right"),
}
for name, (color, marker, label, offset, side) in marks.items():
    point = table.loc[name, "recall"], table.loc[name, "precision"]
    ax.plot(*point, marker, color=color, markersize=10, markeredgecolor="white")
    ax.annotate(
        label,
        point,
        offset,
        textcoords="offset points",
        color=color,
        ha=side,
        bbox={"color": "white", "pad": 1},
    )

ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall: share of the rare class that is found")
ax.set_ylabel("precision: share of alarms that are right")
ax.spines[["top", "right"]].set_visible(False)

# %%
# The solid curve is the plain net's, the dashed one the weighted net's. They are all but
# the same: weights hardly change which rows come before which. They change where 0.5 lies on the
# curve, and a threshold can lie anywhere on it.
#
# What weights do to probabilities
# --------------------------------
#
# A calibration curve asks: of the rows that are given a probability of about 0.4, how many are of
# the rare class? On the dotted line it is 40 %. Balanced weights make training see as many rows of
# one class as of the other, so that the net takes the rare one for common, and its probabilities
# are far too high.
#
# Seen as logits, all are too high by about the same amount. That is just what
# `~sklearn.calibration.CalibratedClassifierCV` can take back: with ``method="sigmoid"`` it fits a
# line to the logits of rows that the net was not trained on.

mended = CalibratedClassifierCV(make_net(class_weight="balanced"), method="sigmoid")
mended.fit(X_train, y_train)

figure, axes = plt.subplots(ncols=3, figsize=(9.5, 3.7), layout="constrained", sharey=True)
shown = {
    "plain": (plain, BLUE, "o"),
    'class_weight="balanced"': (balanced, VERMILION, "s"),
    "… and calibrated": (mended, GREEN, "D"),
}
for ax, (name, (clf, color, marker)) in zip(axes, shown.items(), strict=True):
    probability = clf.predict_proba(X_test)[:, 1]
    CalibrationDisplay.from_predictions(
        y_test, probability, n_bins=8, ax=ax, color=color, marker=marker
    )
    ax.get_legend().remove()
    ax.set(title=name, xlabel="predicted probability", ylabel="", aspect="equal")
    error = brier_score_loss(y_test, probability)
    ax.text(0, 0.95, f"Brier score {error:.3f}")
    ax.spines[["top", "right"]].set_visible(False)
    print(f"{name}: {probability.mean():.3f} on average, Brier score {error:.3f}")
axes[0].set_ylabel("share of the rare class")
print(f"Share of the rare class in the test rows: {y_test.mean():.3f}")

# %%
# The Brier score is the mean squared error of the probabilities. Calibration brings the weighted
# net back to where the plain one is without any effort, and its decisions at 0.5 with it:

print(f"F1 of the calibrated net: {f1_score(y_test, mended.predict(X_test)):.3f}")

# %%
# What to use when
# ----------------
#
# - **You need probabilities**, to rank, to add up, or to weigh against costs that may change: the
#   plain net. With a price for each kind of mistake no tuning is needed: name the rare class where
#   its probability is above ``false_alarm / (false_alarm + miss)``, with
#   `~sklearn.model_selection.FixedThresholdClassifier`.
# - **You need decisions, judged by F1 or another measure:** the plain net in
#   `~sklearn.model_selection.TunedThresholdClassifierCV`, with that measure as ``scoring``.
# - **You want to miss few and don't mind false alarms**, as balanced accuracy does:
#   ``class_weight="balanced"`` gets there in one word. Don't read its probabilities as such.
# - **You need weights and probabilities**, say because the rare class is so rare that a plain net
#   does not learn it: ``class_weight`` inside
#   `~sklearn.calibration.CalibratedClassifierCV`.
#
# In any case split by class (``stratify=y``, as ``validation_split`` and scikit-learn's folds do),
# and keep accuracy out of it. ``class_weight`` counts in training alone: ``val_loss``, and with it
# ``patience`` and ``refit_epoch``, take the validation rows as they come.
#
# On a screen the pictures open in windows; with ``SKCLF_PLOTS=folder`` in the environment they are
# saved there as well.

if "SKCLF_PLOTS" in os.environ:
    for number in plt.get_fignums():
        path = Path(os.environ["SKCLF_PLOTS"]) / f"imbalanced_{number}.png"
        plt.figure(number).savefig(path)
plt.show()
