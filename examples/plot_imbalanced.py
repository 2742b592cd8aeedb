"""
Classify data with a rare class
===============================

Class weights and lower thresholds find more of a rare class; weights distort probabilities.

If one class is rare, a classifier that never predicts it has a high accuracy, and is useless. You
can weight the rare class more in training, or predict it at probabilities below 0.5. Both change
the decisions, but only the second leaves the probabilities unchanged.
"""

# %%
# The data
# --------
#
# 5 % of the rows belong to the rare class, 1, and overlap with the others. In addition, the labels
# of 2 % of the rows are random. So about 6 % of the rows are labelled 1, and about a sixth of these
# have random labels, which no classifier can predict.

import os

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
print(f"Rows of the rare class: {y_train.sum()} of {len(y_train):,} training rows")
print(f"Test accuracy if the rare class is never predicted: {1 - y_test.mean():.3f}")

# %%
# Three classifiers
# -----------------
#
# - The plain net predicts the rare class if its probability is above 0.5.
# - With ``class_weight="balanced"``, both classes contribute equally to the training loss, so each
#   row of the rare class counts as much as about sixteen rows of the other.
# - `~sklearn.model_selection.TunedThresholdClassifierCV` trains the plain net, and finds the
#   threshold with the best F1 score by cross-validation. The probabilities don't change.


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
# If the labels are 0 and 1, scikit-learn computes precision and recall for class 1. For other
# labels, pass the positive one: ``scoring=make_scorer(f1_score, pos_label="fraud")``.

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
table.round(3)

# %%
# None of them is best in every column. The plain net has a high precision and a low recall. The
# weighted net has the highest recall and balanced accuracy, and the lowest precision and F1. The
# tuned threshold lies between them, and has the highest F1. Accuracy is not informative here.
#
# Precision and recall
# --------------------
#
# A lower threshold increases recall and usually reduces precision. The curve shows both at all
# thresholds. The grey lines connect points of equal F1.

BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"  # distinguishable with colour blindness

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
figure.suptitle("Precision and recall at all thresholds")
ax.set_ylabel("precision: share of alarms that are right")
ax.spines[["top", "right"]].set_visible(False)

# %%
# The solid curve belongs to the plain net, the dashed one to the weighted net. They are almost the
# same: weights hardly change the ranking of the rows. They only change which point of the curve
# belongs to a threshold of 0.5, and other thresholds reach all other points.
#
# The effect of weights on probabilities
# --------------------------------------
#
# A calibration curve shows, for example, how many of the rows with a predicted probability of about
# 0.4 belong to the rare class. On the dotted line, it is 40 %. With balanced weights, the net is
# trained as if both classes were equally frequent, so the probabilities of the rare class are far
# too high.
#
# All logits are too high by about the same amount.
# `~sklearn.calibration.CalibratedClassifierCV` can correct that: with ``method="sigmoid"`` it fits
# a line to the logits of rows that the net was not trained on.

calibrated = CalibratedClassifierCV(make_net(class_weight="balanced"), method="sigmoid")
calibrated.fit(X_train, y_train)

figure, axes = plt.subplots(ncols=3, figsize=(9.5, 4), layout="constrained", sharey=True)
shown = {
    "plain": (plain, BLUE, "o"),
    "balanced weights": (balanced, VERMILION, "s"),
    "balanced weights, calibrated": (calibrated, GREEN, "D"),
}
for ax, (name, (clf, color, marker)) in zip(axes, shown.items(), strict=True):
    probability = clf.predict_proba(X_test)[:, 1]
    CalibrationDisplay.from_predictions(
        y_test, probability, n_bins=8, ax=ax, color=color, marker=marker
    )
    ax.get_legend().remove()
    error = brier_score_loss(y_test, probability)
    title = f"{name}\nBrier score {error:.3f}"
    ax.set(title=title, xlabel="predicted probability", ylabel="", aspect="equal")
    ax.spines[["top", "right"]].set_visible(False)
    print(f"{name}: mean probability {probability.mean():.3f}")
axes[0].set_ylabel("share of the rare class")
figure.suptitle("Calibration curves")
print(f"Share of the rare class in the test rows: {y_test.mean():.3f}")

# %%
# The Brier score is the mean squared error of the probabilities. Calibration makes the
# probabilities of the weighted net as good as those of the plain net. Its decisions at 0.5 are then
# similar, too:

print(f"F1 of the calibrated net: {f1_score(y_test, calibrated.predict(X_test)):.3f}")

# %%
# What to use when
# ----------------
#
# - **You need probabilities**, for instance to rank rows, or because costs may change: use the
#   plain net. If you know the cost of each kind of mistake, you don't have to tune the threshold:
#   predict the rare class if its probability is above ``false_alarm / (false_alarm + miss)``, with
#   `~sklearn.model_selection.FixedThresholdClassifier`.
# - **You need decisions, judged by F1 or another measure:** use the plain net in
#   `~sklearn.model_selection.TunedThresholdClassifierCV`, with that measure as ``scoring``.
# - **You want to miss few and don't mind false alarms**, as measured by balanced accuracy:
#   use ``class_weight="balanced"``. Its probabilities are too high.
# - **You need weights and probabilities**, for instance because a plain net does not learn the rare
#   class: use ``class_weight`` inside
#   `~sklearn.calibration.CalibratedClassifierCV`.
#
# In any case use stratified splits (``stratify=y``; ``validation_split`` and scikit-learn's folds
# are stratified already), and don't judge by accuracy. ``class_weight`` applies to the training
# loss only: ``val_loss``, which ``patience`` and ``refit_epoch`` use, is not weighted.
#
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/imbalanced_{number}.png")
plt.show()
