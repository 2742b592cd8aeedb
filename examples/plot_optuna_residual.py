"""
Tune a residual net with Optuna
===============================

Optuna searches the depth, width, dropout and learning rate of a net, and prunes poor trials.

Optuna chooses the parameters of each trial based on the results of earlier trials. It prunes a
trial, that is, stops it early, if its validation loss falls behind.
"""

# %%
# The data
# --------
#
# The data are rows of 20 values in four classes. Each class consists of eight clusters that lie
# among those of the other classes, and some labels are wrong. Half of the rows are held out as a
# test set.

import os

import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
from keras import layers
from optuna_integration import KerasPruningCallback
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import NetworkClassifier, network
from skclf.plots import HistoryDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"

X, y = make_classification(
    n_samples=2_000 if QUICK else 6_000,
    n_features=20,
    n_informative=10,
    n_classes=4,
    n_clusters_per_class=8,
    class_sep=1.5,
    flip_y=0.02,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)

# %%
# The net
# -------
#
# Each residual block adds something to its input, and passes the sum on to the next block. The
# output of the first layer can thus reach the end unchanged, which makes deep nets easier to train.


@network
def residual(inputs, depth=2, units=64, rate=0.2):
    """A dense layer, and residual blocks of one dense layer each."""
    x = layers.Dense(units)(inputs)
    for _ in range(depth):
        block = layers.BatchNormalization(momentum=0.9)(x)
        block = layers.ReLU()(block)
        block = layers.Dense(units)(block)
        block = layers.Dropout(rate)(block)
        x = layers.Add()([x, block])
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)


pipeline = make_pipeline(
    StandardScaler(),
    NetworkClassifier(
        residual(),
        epochs=8 if QUICK else 30,
        batch_size=128,
        validation_split=0.25,
        random_state=0,
    ),
)

# %%
# The search
# ----------
#
# A trial sets parameters of the pipeline by their nested names, fits, and returns the lowest
# validation loss. ``random_state`` is the same in all trials, and so are the validation rows.
# ``KerasPruningCallback`` reports the validation loss to Optuna after each epoch.
#
# ``MedianPruner`` stops a trial whose best loss so far is worse than the median of the earlier
# trials at the same epoch. It leaves the first five trials alone, and the first four epochs of each
# later trial.


def objective(trial):
    """Lowest validation loss of one trial."""
    candidate = clone(pipeline).set_params(
        networkclassifier__network__depth=trial.suggest_int("depth", 0, 4),
        networkclassifier__network__units=trial.suggest_categorical("units", [16, 32, 64, 128]),
        networkclassifier__network__rate=trial.suggest_float("rate", 0.0, 0.4, step=0.2),
        networkclassifier__learning_rate=trial.suggest_float("learning_rate", 1e-4, 0.03, log=True),
        networkclassifier__callbacks=[KerasPruningCallback(trial, "val_loss")],
    )
    candidate.fit(X_train, y_train)
    return candidate[-1].history_["val_loss"].min()


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=4),
)
study.optimize(objective, n_trials=8 if QUICK else 30)

trials = study.trials_dataframe(attrs=("number", "value", "params", "state", "duration"))
trials = trials.rename(columns=lambda name: name.removeprefix("params_"))
trials["epochs"] = [len(trial.intermediate_values) for trial in study.trials]
trials["seconds"] = trials.pop("duration").dt.total_seconds()
n_pruned = np.count_nonzero(trials["state"] == "PRUNED")
print(f"{len(trials)} trials in {trials['seconds'].sum():.0f} s, {n_pruned} of them pruned")
print(f"{trials['epochs'].sum()} epochs instead of {len(trials) * pipeline[-1].epochs}")

complete = trials[trials["state"] == "COMPLETE"].sort_values("value")
columns = ["value", "depth", "units", "rate", "learning_rate", "seconds"]
complete[columns].head().round(4)

# %%
# What Optuna tried
# -----------------
#
# The first plot shows the validation loss of each trial; pruned trials end early. The other two
# show what was tried: a cross for each pruned trial, and a circle for each complete one, darker for
# a lower loss. Points are shifted a little, so that they don't cover each other.

BLUE, VERMILION = "#0072b2", "#d55e00"
is_pruned = (trials["state"] == "PRUNED").to_numpy()
figure, axes = plt.subplots(ncols=3, figsize=(9.5, 3.8), layout="constrained")

for trial, pruned in zip(study.trials, is_pruned, strict=True):
    losses = list(trial.intermediate_values.values())
    style = {"color": VERMILION} if pruned else {"color": BLUE}
    is_best = trial.number == study.best_trial.number
    style |= {"linewidth": 2.5, "zorder": 3} if is_best else {"linewidth": 1, "alpha": 0.5}
    axes[0].plot(range(1, len(losses) + 1), losses, **style)
handles = [plt.Line2D([], [], color=BLUE, linewidth=width) for width in (2.5, 1)]
handles.append(plt.Line2D([], [], color=VERMILION, linewidth=1))
axes[0].legend(handles, ["best", "complete", "pruned"])
axes[0].set(xlabel="epoch", ylabel="validation loss", title="Loss of each trial")

jitter = np.random.default_rng(0).uniform(-0.15, 0.15, len(trials))
for ax, name in zip(axes[1:], ("units", "learning_rate"), strict=True):
    x, depth = trials[name].to_numpy(), trials["depth"] + jitter
    ax.scatter(x[is_pruned], depth[is_pruned], marker="x", color=VERMILION, label="pruned")
    points = ax.scatter(
        x[~is_pruned],
        depth[~is_pruned],
        c=trials["value"][~is_pruned],
        cmap="Blues_r",
        edgecolors=BLUE,
        label="complete",
    )
    ax.set(xscale="log", xlabel=name.replace("_", " "), ylabel="depth")
    ax.set_title(f"Depth and {name.replace('_', ' ')}")
    ax.set_yticks(range(5))
axes[1].set_xticks([16, 32, 64, 128], [16, 32, 64, 128])
axes[1].minorticks_off()
figure.colorbar(points, ax=axes[2], label="lowest validation loss")
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)

# %%
# The best net
# ------------
#
# We now train a net with the best parameters on all training rows. With ``refit_epoch``, ``fit``
# finds the best epoch on the validation rows, and then trains a new net on all rows for that many
# epochs. We do the same with the default parameters.
#
# The validation loss of the best trial is optimistic, since it is the lowest of many. Only rows
# that were not used in the search give a fair comparison.

names = {
    "learning_rate": "networkclassifier__learning_rate",
    **{name: f"networkclassifier__network__{name}" for name in ("depth", "units", "rate")},
}
pipeline.set_params(networkclassifier__refit_epoch="val_loss")
tuned = clone(pipeline).set_params(
    **{names[name]: value for name, value in study.best_params.items()}
)
accuracies = {}
for name, each in {"default": pipeline, "tuned": tuned}.items():
    each.fit(X_train, y_train)
    accuracies[name] = {
        "weights": each[-1].model_.count_params(),
        "epochs": each[-1].n_epochs_,
        "test accuracy": each.score(X_test, y_test),
    }
results = pd.DataFrame(accuracies).T.astype({"weights": int, "epochs": int})
results.round(3)

# %%
# The learning curves of both nets:

figure, axes = plt.subplots(ncols=2, figsize=(9.5, 3.6), layout="constrained", sharey=True)
for ax, (name, each) in zip(axes, {"default": pipeline, "tuned": tuned}.items(), strict=True):
    HistoryDisplay.from_estimator(each, "loss", ax=ax)
    ax.set_title(name)
    ax.label_outer()
figure.suptitle("Learning curves")

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/optuna_residual_{number}.png")
plt.show()
