"""
Use early stopping in cross-validation
======================================

In each fold, some rows train the net, some choose the number of epochs, and some test it.

Early stopping inside cross-validation is easily misunderstood, since these rows change from fold to
fold. This example records which rows are used for what, and plots them.
"""

# %%
# Record the rows of a search
# ---------------------------
#
# With ``validation_split`` and ``refit_epoch``, each fit has two parts. The first one trains on
# some of the rows, evaluates the net on the others after each epoch, and finds the best epoch. The
# second one trains a new net on *all* rows of the fit, for that many epochs.
#
# Since version 1.9, scikit-learn has callbacks that are called for each task of a fit. This one
# records the rows that each part trains on. The rows are numbered by the index of the DataFrame.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from sklearn import config_context
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from skclf import BinaryDenseClassifier
from skclf.datasets import make_low_high

QUICK = os.environ.get("SKCLF_QUICK") == "1"


class RowsOfEachPart:
    """Record the numbers of the rows that each part of each fit trains on."""

    def __init__(self):
        self.parts = []

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to clean up."""

    def on_fit_task_begin(self, estimator, context, *, X=None):
        """Record the rows of a part, which is a task of the fit."""
        if context.task_name in ("find-best-epoch", "refit"):
            self.parts.append(X.index.to_numpy())

    def on_fit_task_end(self, estimator, context):
        """Continue training."""
        return False


frame, y = make_low_high(60, random_state=0, as_frame=True, return_X_y=True)
frame = frame.sort_values(frame.columns[0]).reset_index(drop=True) / 100
y = np.where(frame.mean(axis=1) < 0.5, "low", "high")

rows = RowsOfEachPart()
net = BinaryDenseClassifier(
    learning_rate=0.01,
    epochs=5 if QUICK else 40,
    validation_split=0.25,
    refit_epoch="val_loss",
    random_state=0,
)
folds = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(net.set_callbacks(rows), {"l2": [0.0]}, cv=folds).fit(frame, y)

# %%
# The search makes four fits: one for each fold, and one on all rows at the end. Each line of the
# plot is one part of a fit, and each column is a row of the data.

TRAINS, CHOOSES, TESTS = 0, 1, 2
names = [f"fold {i}" for i in (1, 2, 3)] + ["the search's refit"]
test_rows = [test for _, test in folds.split(frame, y)] + [np.array([], dtype=int)]
lines = np.empty((8, len(frame)), dtype=int)
for line, trained in enumerate(rows.parts):
    lines[line] = CHOOSES
    lines[line, trained] = TRAINS
    lines[line, test_rows[line // 2]] = TESTS

figure, ax = plt.subplots(figsize=(9, 3.9), layout="constrained")
colors = ["#cfe3f1", "#0072b2", "#d55e00"]
places = [0, 1, 2.5, 3.5, 5, 6, 7.5, 8.5]
for place, line in zip(places, lines, strict=True):
    ax.pcolormesh(
        np.arange(len(frame) + 1) + 0.5,
        [place - 0.46, place + 0.46],
        line[np.newaxis],
        cmap=ListedColormap(colors),
        vmin=0,
        vmax=2,
        edgecolor="white",
        linewidth=0.6,
    )
    tested = np.flatnonzero(line == TESTS) + 1
    ax.plot(tested, np.full(len(tested), place), "x", color="white", markersize=4)
parts = [part for name in names for part in (f"{name}: finds the epoch", "trains again")]
ax.set_yticks(places, parts)
ax.invert_yaxis()
ax.set_xlabel("row")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)
what = ["trains the net", "chooses the number of epochs", "tests the fold (crosses)"]
figure.suptitle("How each part of the search uses the rows")
ax.legend(
    handles=[Patch(color=c, label=w) for c, w in zip(colors, what, strict=True)],
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=3,
    frameon=False,
)
if folder := os.environ.get("SKCLF_PLOTS"):
    figure.savefig(f"{folder}/folds.png")
plt.show()

# %%
# The plot shows that:
#
# - The rows that test a fold are not used for anything else in it. The score of a fold is that of a
#   net that was not trained on these rows, and whose number of epochs does not depend on them.
# - The rows that choose the number of epochs are drawn from the training rows of each fold. In the
#   second part they train the net like all other training rows.
# - Each fold finds its own number of epochs, and so does the refit at the end, which has more rows.
#   This is correct: the folds evaluate the whole procedure, "hold out a quarter, find the best
#   epoch, train again", and not a particular number of epochs.
#
# With ``patience`` and without ``refit_epoch`` there is no second part: the weights of the best
# epoch are kept, and the validation rows never train the net.

refitted = search.best_estimator_
print(
    f"Refit of the search: best_epoch_ = {refitted.best_epoch_}, n_epochs_ = {refitted.n_epochs_}"
)
print(f"Mean accuracy of the folds: {search.best_score_:.3f}")

# %%
# Three common mistakes
# ---------------------
#
# **Validating on the test rows.** With ``X_val`` and ``y_val`` you choose the validation rows
# yourself. If they are the test rows, the number of epochs is chosen for a high test score, and the
# score is too optimistic. In a search, ``X_val`` is the same for all folds. It must not contain
# rows of ``X``; otherwise, some rows choose the number of epochs in a fold that they also test.
#
# **Scaling before the split.** Put the scaler in the pipeline, so that it is fitted on the training
# rows of the fold only. These include the validation rows of the net, so the validation loss may be
# slightly optimistic, but the score of the fold is not affected.
#
# **Splitting groups of rows.** If rows of the same patient or author are both in the training and
# the validation rows, the net looks better than it is. Pass ``groups``: with metadata routing they
# are passed to the splitter, which makes the folds, and to ``fit``, which holds out validation
# rows.

groups = np.arange(len(frame)) // 4  # for instance, four rows of each of 15 people
with config_context(enable_metadata_routing=True):
    rows.parts.clear()
    grouped = GridSearchCV(
        net.set_fit_request(groups=True), {"l2": [0.0]}, cv=StratifiedGroupKFold(3)
    ).fit(frame, y, groups=groups)
shared = [
    np.intersect1d(groups[trained], groups[np.setdiff1d(frame.index, trained)])
    for trained in rows.parts[::2]
]
print("Groups with rows both in the training rows and outside:", sum(map(len, shared)))

# %%
# The number of epochs as a parameter of the search
# -------------------------------------------------
#
# Without validation rows, ``epochs`` is a parameter like any other, and each fold only has training
# and test rows. Successive halving can use it as its resource: many candidates are trained for few
# epochs, the best third of them for three times as many, and so on. With only 60 rows the scores
# are noisy, and so is the choice.

halving = HalvingGridSearchCV(
    BinaryDenseClassifier(random_state=0),
    {"learning_rate": [0.001, 0.01, 0.1], "hidden_layer_sizes": [(4,), (16,), (16, 16)]},
    resource="epochs",
    min_resources=2 if QUICK else 4,
    max_resources=18 if QUICK else 36,
    cv=3,
    random_state=0,
).fit(frame, y)
tried = pd.DataFrame(halving.cv_results_).groupby("n_resources").mean_test_score
print(halving.best_params_)
tried.agg(candidates="count", best="max").rename_axis("epochs").round(3)
