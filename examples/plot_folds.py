"""
Which rows does each fold see?
==============================

Early stopping inside cross-validation confuses everyone: there are rows that train the net, rows
that choose the number of epochs, and rows that judge the result, and all three change from fold to
fold. This page writes down which is which, and then draws it.
"""

# %%
# A search that is listened to
# ----------------------------
#
# With ``validation_split`` and ``refit_epoch`` each fit has two parts. The first trains on a part
# of its rows, looks at the others after each epoch, and finds the epoch where the net does best on
# them. The second trains a new net on *all* rows of the fit, for that many epochs.
#
# scikit-learn, from its version 1.9 on, tells its callbacks what happens inside a fit. This one
# writes down the rows that each part trains on; a row's number is its place in the index of the
# data frame.

import os
from pathlib import Path

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
    """Keeps the numbers of the rows that each part of each fit trains on."""

    def __init__(self):
        self.parts = []

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to clean up."""

    def on_fit_task_begin(self, estimator, context, *, X=None):
        """Note the rows of a part, which is a task of the fit."""
        if context.task_name in ("find-best-epoch", "refit"):
            self.parts.append(X.index.to_numpy())

    def on_fit_task_end(self, estimator, context):
        """Let training go on."""
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
# The search has fitted four nets: one for each fold, and one on all rows at the end. Each line of
# the picture is one part of a fit, each column a row of the data.

TRAINS, CHOOSES, JUDGES = 0, 1, 2
names = [f"fold {i}" for i in (1, 2, 3)] + ["the search's refit"]
test_rows = [test for _, test in folds.split(frame, y)] + [np.array([], dtype=int)]
lines = np.empty((8, len(frame)), dtype=int)
for line, trained in enumerate(rows.parts):
    lines[line] = CHOOSES
    lines[line, trained] = TRAINS
    lines[line, test_rows[line // 2]] = JUDGES

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
    judged = np.flatnonzero(line == JUDGES) + 1
    ax.plot(judged, np.full(len(judged), place), "x", color="white", markersize=4)
parts = [part for name in names for part in (f"{name}: finds the epoch", "trains anew")]
ax.set_yticks(places, parts)
ax.invert_yaxis()
ax.set_xlabel("row")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)
what = ["trains the net", "chooses the number of epochs", "judges the fold (crosses)"]
ax.legend(
    handles=[Patch(color=c, label=w) for c, w in zip(colors, what, strict=True)],
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=3,
    frameon=False,
)
if "SKCLF_PLOTS" in os.environ:
    figure.savefig(Path(os.environ["SKCLF_PLOTS"]) / "folds.png")
plt.show()

# %%
# What to read from it:
#
# - The rows that judge a fold take part in nothing else, in neither of its lines. The score of a
#   fold is that of a net which never saw them, and whose number of epochs they did not choose.
# - The rows that choose the epochs are drawn from the fold's own training rows, and anew in each
#   fold. In the second line they train the net like all others, so no row is wasted.
# - Each fold finds its own number of epochs, and so does the refit at the end, which has more rows.
#   That is as it should be: what the folds judge is the whole way of working, "hold out a quarter,
#   look for the best epoch, train again", and not one number.
#
# With ``patience`` and without ``refit_epoch`` there is no second line: the best epoch's weights of
# the first are kept, and the validation rows never train the net.

refitted = search.best_estimator_
print(
    f"the search's refit: epoch {refitted.best_epoch_} was best, n_epochs_ = {refitted.n_epochs_}"
)
print(f"accuracy over the folds: {search.best_score_:.3f}")
assert search.best_score_ > (0.4 if QUICK else 0.85)

# %%
# Three ways to fool oneself
# --------------------------
#
# **Validating on the rows that judge.** With ``X_val`` and ``y_val`` you choose the validation rows
# yourself. If they are the test rows, the number of epochs is chosen to please the test, and the
# score is too good. In a search, ``X_val`` is the same for all folds; it must hold rows that are
# not in ``X``, or some of them train the net in one fold and judge it in another.
#
# **Scaling before the split.** A scaler belongs into the pipeline, so that it is fitted on the
# fold's training rows alone. The net's validation rows have then been seen by the scaler, which
# makes the choice of the epoch a little too sure, and leaves the score of the fold honest.
#
# **Rows that belong together.** Several rows of one patient or one author in training and in
# validation make the net look better than it is. Pass ``groups``: with metadata routing they reach
# both the splitter, which makes the folds, and ``fit``, which holds out validation rows.

groups = np.arange(len(frame)) // 4  # say, four rows of each of 15 people
with config_context(enable_metadata_routing=True):
    rows.parts.clear()
    grouped = GridSearchCV(
        net.set_fit_request(groups=True), {"l2": [0.0]}, cv=StratifiedGroupKFold(3)
    ).fit(frame, y, groups=groups)
for trained in rows.parts[::2]:
    left_out = np.setdiff1d(np.arange(len(frame)), trained)
    assert not set(groups[trained]) & set(groups[left_out])
print("No group is both in the rows that train and in those that don't.")

# %%
# The number of epochs as a parameter of the search
# -------------------------------------------------
#
# Without validation rows ``epochs`` is a parameter like any other. Successive halving takes it as
# its resource: many candidates are trained for few epochs, the best third of them for three times
# as many, and so on. (On 60 rows each of its scores is rough, and so is the choice.) Every fold
# then sees what any other classifier sees, its training rows and its test rows.

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
print(tried.agg(candidates="count", best="max").rename_axis("epochs").round(3))
print(halving.best_params_)
