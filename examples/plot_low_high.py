"""
Classify rows of numbers as low or high
=======================================

This minimal example scales four numeric columns, trains a net and looks at its probabilities.

Each row has four numbers between 0 and 100. It is labelled "low" if their mean is below 50, and
"high" otherwise. A net can learn this almost perfectly.
"""

# %%
# The data
# --------

import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skclf import BinaryDenseClassifier
from skclf.datasets import make_low_high

X, y = make_low_high(2_000, random_state=0, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
for row, label in zip(X_train[:3].round(1), y_train[:3], strict=True):
    print(row, label)

# %%
# The classifier
# --------------
#
# Nets train best on numbers between about -1 and 1, so a scaler comes first. Labels may be strings.

QUICK = os.environ.get("SKCLF_QUICK") == "1"
classifier = make_pipeline(
    StandardScaler(),
    BinaryDenseClassifier(epochs=10 if QUICK else 20, random_state=0),
)
classifier.fit(X_train, y_train)

print(classification_report(y_test, classifier.predict(X_test), digits=3))
accuracy = classifier.score(X_test, y_test)
print(f"Accuracy on {len(y_test)} test rows: {accuracy:.3f}")

# %%
# The decision boundary
# ---------------------
#
# The left plot shows test rows with a mean around 50, where the predicted label should change. In
# the right plot the first two numbers vary and the other two are 50. The colours are the net's
# probabilities, and the dashed line is the true boundary.

BLUE, VERMILION = "#0072b2", "#d55e00"  # distinguishable with colour blindness
high = list(classifier.classes_).index("high")

figure, (left, right) = plt.subplots(ncols=2, figsize=(10, 4.2), layout="constrained")

mean, probability = X_test.mean(axis=1), classifier.predict_proba(X_test)[:, high]
for label, color, marker in [("low", BLUE, "o"), ("high", VERMILION, "^")]:
    rows = (y_test == label) & (np.abs(mean - 50) < 15)
    left.plot(mean[rows], probability[rows], marker, color=color, alpha=0.6, label=label)
left.axvline(50, color="0.3", linestyle="--", linewidth=1)
left.set(xlabel="mean of the row", ylabel='probability of "high"')
left.set_title("Probability by mean of the row")
left.legend(title="true label", frameon=False, loc="center left")
left.spines[["top", "right"]].set_visible(False)

numbers = np.linspace(0, 100, 101)
first, second = np.meshgrid(numbers, numbers)
grid = np.column_stack([first.ravel(), second.ravel(), np.full((first.size, 2), 50.0)])
probability = classifier.predict_proba(grid)[:, high].reshape(first.shape)
levels = np.linspace(0, 1, 11)
shades = LinearSegmentedColormap.from_list("low to high", [BLUE, "white", VERMILION])
filled = right.contourf(first, second, probability, levels=levels, cmap=shades)
right.plot([0, 100], [100, 0], color="black", linestyle="--", linewidth=1)
right.text(40, 70, "true boundary", rotation=-45, ha="center", va="center")
right.set(xlabel="first number", ylabel="second number", aspect="equal")
right.set_title("Probability by the first two numbers")
figure.colorbar(filled, ax=right, label='probability of "high"', ticks=[0, 0.5, 1])

# %%
# If ``SKCLF_PLOTS`` names a folder, the figure is saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    figure.savefig(f"{folder}/low_high.png")
plt.show()
