"""
Predict several labels per row
==============================

One net finds the shapes in an image, another the topics of a text, with a threshold per label.

An image can show both a square and a circle, and a text can be about several topics. A
convolutional net finds the shapes in images with none, one or several of them. A dense net finds
the topics of bags of words, for which we choose a threshold for each label.
"""

# %%
# Images with several shapes
# --------------------------
#
# With ``multilabel=True``, `make_shapes` decides for each kind of shape at random whether an image
# contains it. Shapes may overlap. The target is an indicator matrix with a column for each kind.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import (
    classification_report,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
)
from sklearn.model_selection import train_test_split

from skclf import MultilabelDenseClassifier, ShapeConvClassifier
from skclf.datasets import make_shapes
from skclf.plots import ImagePredictionsDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"


def draw_shapes(n_images, random_state):
    """Images, and an indicator matrix with the names of the shapes."""
    shapes = make_shapes(
        n_images,
        image_shape=(32, 32),
        radius=(4, 7),
        shapes=("square", "circle", "triangle"),
        multilabel=True,
        random_state=random_state,
    )
    return shapes.images, pd.DataFrame(shapes.target, columns=shapes.target_names)


X, y = draw_shapes(1_500 if QUICK else 3_000, random_state=0)
y.head()

# %%
# These are the first images, with their labels.

figure, axes = plt.subplots(1, 6, figsize=(9.5, 2.5), layout="compressed")
for ax, image, (_, present) in zip(axes, X, y.iterrows(), strict=False):
    ax.imshow(image, cmap="gray")
    ax.set(xticks=[], yticks=[], xlabel="\n".join(y.columns[present == 1]) or "none")
figure.suptitle("Images with none, one or several shapes")

# %%
# The net has a sigmoid unit for each kind of shape. With ``multilabel=True``, the columns of
# ``y`` are independent labels. The column names become ``label_names_``.

classifier = ShapeConvClassifier(
    multilabel=True,
    filters=(8, 16),
    hidden_layer_sizes=(32,),
    learning_rate=0.003,
    epochs=8 if QUICK else 12,
    random_state=0,
).fit(X, y)

X_fresh, y_fresh = draw_shapes(1_000, random_state=1)
predicted = classifier.predict(X_fresh)
print(
    classification_report(
        y_fresh, predicted, target_names=classifier.label_names_, digits=3, zero_division=0
    )
)

# %%
# There are two kinds of accuracy. The share of labels that are right is what Keras calls accuracy,
# in ``history_`` and in ``evaluate``. ``score`` is scikit-learn's subset accuracy, the share of
# images for which all labels are right.

of_labels = classifier.evaluate(X_fresh, y_fresh)["accuracy"]
of_images = classifier.score(X_fresh, y_fresh)
print(f"Labels that are right:            {of_labels:.3f}")
print(f"Images with all labels right:     {of_images:.3f}")

# %%
# The predicted labels and their probabilities are shown above each image. If one of the labels is
# wrong, the image has a frame, and the true labels are shown below the predicted ones.

display = ImagePredictionsDisplay.from_estimator(classifier, X_fresh, y_fresh, n_images=12)
display.figure_.suptitle("Predicted labels of twelve new images")

# %%
# Texts with several topics
# -------------------------
#
# `~sklearn.datasets.make_multilabel_classification` generates bags of words: sparse rows with the
# number of times that each word occurs in a text. Each text is about any number of topics, and some
# topics are rare.

X, indicator = make_multilabel_classification(
    n_samples=4_000 if QUICK else 10_000,
    n_features=2_000,
    n_classes=6,
    n_labels=2,
    length=60,
    sparse=True,
    random_state=3,
)
y = pd.DataFrame(indicator, columns=[f"topic {letter}" for letter in "ABCDEF"])
X_train, X_test, y_train, y_test = train_test_split(X.tocsr(), y, test_size=0.4, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, test_size=0.4, random_state=0)
y_train.mean().to_frame("share of the rows").round(2)

# %%
# The rows stay sparse in training and prediction. Training stops when the loss on the validation
# rows no longer improves.

net = MultilabelDenseClassifier(hidden_layer_sizes=64, dropout=0.5, patience=3, random_state=0)
net.fit(X_train, y_train, validation_data=(X_val, y_val))
print(f"Stopped after {len(net.history_)} epochs; epoch {net.best_epoch_} is the best one.")

# %%
# A threshold for each label
# --------------------------
#
# A label is predicted if its probability is at least ``threshold``, by default 0.5. The F1 score
# balances precision, the share of predictions that are right, and recall, the share of positives
# that are found. Where a label is rare, its probability seldom reaches 0.5, so most positives are
# missed. Its F1 score is then highest at a lower threshold.
#
# `~sklearn.metrics.precision_recall_curve` gives precision and recall for all thresholds. We choose
# the best one for each label on the validation rows, which the net was not trained on.


def best_threshold(y_true, probability):
    """The threshold with the highest F1 score."""
    precision, recall, thresholds = precision_recall_curve(y_true, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return thresholds[f1[:-1].argmax()]


probabilities = net.predict_proba(X_val)
chosen = [
    best_threshold(y_val[name], column)
    for name, column in zip(net.label_names_, probabilities.T, strict=True)
]

# %%
# The threshold is not a part of training, so we can set it on the fitted net.

at_half = net.predict(X_test)
at_chosen = net.set_params(threshold=chosen).predict(X_test)

scores = {"precision": precision_score, "recall": recall_score, "F1": f1_score}
before, after = (
    pd.DataFrame(
        {name: score(y_test, labels, average=None) for name, score in scores.items()},
        index=net.label_names_,
    )
    for labels in (at_half, at_chosen)
)
thresholds = pd.DataFrame({"threshold": chosen}, index=net.label_names_)
table = pd.concat({"at 0.5": before, "at the chosen threshold": after, "": thresholds}, axis=1)
table.round(2)

# %%
# In the plot, each line leads from a label's score at 0.5 to its score at the chosen threshold,
# on the test rows. The rarest topic is at the bottom.

BLUE = "#0072b2"

share = y_train.mean().sort_values()
places = np.arange(len(share))
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.4), layout="constrained", sharey=True)
for ax, name in zip(axes, scores, strict=True):
    start, end = before.loc[share.index, name], after.loc[share.index, name]
    ax.hlines(places, start, end, color=BLUE, linewidth=2, zorder=1)
    ax.scatter(start, places, 55, "white", edgecolors=BLUE, linewidths=1.5, label="at 0.5")
    ax.scatter(end, places, 60, BLUE, label="at the chosen threshold")
    ax.set(title=name, xlim=(0, 1), xticks=[0.2, 0.4, 0.6, 0.8])
    ax.margins(y=0.1)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_yticks(places, [f"{label}, {value:.0%}" for label, value in share.items()])
axes[0].set_ylabel("label, and its share of the rows")
figure.suptitle("Scores of each label at both thresholds")
figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)

# %%
# With the chosen thresholds, recall rises a lot and precision falls, most of all for rare topics.
# Overall, the F1 scores improve:

for average in ("micro", "macro"):
    half, best = (f1_score(y_test, labels, average=average) for labels in (at_half, at_chosen))
    print(f"F1 ({average}): {half:.3f} at 0.5, {best:.3f} at the chosen thresholds")

# %%
# What to use when
# ----------------
#
# - **You rank labels**, or pass their probabilities on: leave the threshold alone, and compare nets
#   by scores that need none, such as ``average_precision`` and ``roc_auc``.
# - **You need decisions, judged by F1:** choose a threshold for each label on validation rows, as
#   above. Where a label has only a few positives among them, one threshold for all labels is safer.
# - **A label must not be missed:** lower its threshold until its recall is high enough.
# - **The net doesn't learn a rare label at all:** ``class_weight={"topic C": 5}`` makes the
#   positives of a label count more in training. Its probabilities are then too high, so
#   calibrate them before you use them.
#
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/multilabel_{number}.png")
plt.show()
