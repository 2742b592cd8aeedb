"""
Classify images of squares and circles
======================================

A small convolutional net learns from grey images, and we look at what its filters detect.

The images show a white square or circle on black, with random size and position.
"""

# %%
# The images
# ----------
#
# `make_shapes` draws any number of images, so we can draw new ones for the test.

import os

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import classification_report
from sklearn.model_selection import cross_val_score

from skclf import ShapeConvClassifier
from skclf.datasets import make_shapes
from skclf.plots import ImagePredictionsDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"
n_images = 1_000 if QUICK else 1_500

shapes = make_shapes(n_images, image_shape=(64, 64), radius=(10, 20), random_state=0)
X, y = shapes.images, shapes.target_names[shapes.target]
print(X.shape, X.dtype, np.unique(y))

# %%
# The classifier
# --------------
#
# The net has one block of convolution and max-pooling with 8 filters, a dense layer of 10 units and
# a sigmoid unit. Grey images don't need a channel axis.

classifier = ShapeConvClassifier(
    filters=(8,), hidden_layer_sizes=(10,), learning_rate=0.005, epochs=8, random_state=0
)
scores = cross_val_score(classifier, X, y, cv=3)
print("Accuracy of three folds:", scores.round(3))

# %%
# Now we train the net on all images and test it on new ones.

classifier.fit(X, y)
fresh = make_shapes(1_000, image_shape=(64, 64), radius=(10, 20), random_state=1)
X_fresh, y_fresh = fresh.images, fresh.target_names[fresh.target]
predicted = classifier.predict(X_fresh)
print(classification_report(y_fresh, predicted, digits=3))
accuracy = np.mean(predicted == y_fresh)
print(f"Accuracy on fresh images: {accuracy:.3f}")

# %%
# The hardest images
# ------------------
#
# Here are twelve images: first those that the net gets wrong, with a thick frame, then those
# that it is least sure of.

probability = classifier.predict_proba(X_fresh).max(axis=1)
right = predicted == y_fresh
hardest = np.lexsort([probability, right])[:12]

display = ImagePredictionsDisplay.from_estimator(
    classifier, X_fresh[hardest], y_fresh[hardest], n_images=12
)
n_wrong = np.count_nonzero(~right)
display.figure_.suptitle(f"The hardest of {len(right):,} fresh images ({n_wrong} wrong)")

# %%
# What the filters detect
# -----------------------
#
# ``model_`` is a Keras model with the fitted weights. A Keras model that ends after its convolution
# returns the output of each filter for a square and for a circle. Some of the filters respond to
# slanting edges, which only the circle has.

model = classifier.model_
convolution = keras.Model(model.input, model.get_layer("conv_1").output)
examples = np.stack([X_fresh[y_fresh == name][0] for name in ("square", "circle")])
responses = np.asarray(convolution(examples[..., np.newaxis]))
kernels = model.get_layer("conv_1").get_weights()[0]

figure, axes = plt.subplots(3, 9, figsize=(9.5, 3.6), layout="constrained")
largest_weight = np.abs(kernels).max()
for number, column in enumerate(axes.T[1:]):
    column[0].imshow(
        kernels[:, :, 0, number], cmap="PuOr", vmin=-largest_weight, vmax=largest_weight
    )
    column[0].set_title(f"filter {number + 1}", fontsize="medium")
    strongest = responses[..., number].max()
    for ax, response in zip(column[1:], responses[..., number], strict=True):
        ax.imshow(response, cmap="gray", vmin=0, vmax=strongest)
axes[0, 0].set_visible(False)
axes[0, 1].set_ylabel("kernel")
for ax, image, name in zip(axes[1:, 0], examples, ("square", "circle"), strict=True):
    ax.imshow(image, cmap="gray")
    ax.set_ylabel(name)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
figure.suptitle("Kernels, and their outputs for a square and a circle")

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/shapes_{number}.png")
plt.show()
