"""
Find several labels in an image
===============================

A net finds all traffic signs in a scene, with a threshold for each label, and shows where they are.

A street scene can show several traffic signs, or none. A net with a sigmoid unit for each kind of
sign finds all of them. We choose a threshold for each label, and plot where in the image the net
has found it.
"""

# %%
# The scenes
# ----------
#
# The scenes are JPEG files with up to three of six signs, drawn by :download:`traffic_signs.py
# <../../examples/traffic_signs.py>`. It returns the signs in each file; your own labels may come
# from a CSV file. `~sklearn.preprocessing.MultiLabelBinarizer` turns them into an indicator matrix,
# with a column for each label. Some signs are rarer than others.

import os
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers
from PIL import Image
from sklearn.metrics import (
    classification_report,
    multilabel_confusion_matrix,
    precision_recall_curve,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MultiLabelBinarizer
from traffic_signs import KINDS, save_scenes

from skclf import NetworkClassifier, network
from skclf.plots import HistoryDisplay, ImagePredictionsDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"

temporary = tempfile.TemporaryDirectory()
scenes = save_scenes(
    Path(temporary.name) / "scenes", 60 if QUICK else 1_000, np.random.default_rng(0)
)
scenes.rename(lambda path: Path(path).name).to_frame("signs").head()

# %%
# This is the share of the scenes with each sign:

indicator = MultiLabelBinarizer(classes=KINDS).fit_transform(scenes)
y = pd.DataFrame(indicator, index=scenes.index, columns=KINDS)
y.mean().to_frame("share").round(2)

# %%
# All files have the same size, so they need no padding; :doc:`plot_image_files` reads files of
# different sizes. Resizing halves their width and height. Some scenes are held out to choose the
# thresholds, and others for the final test.


def read_images(paths, shape=(64, 96)):
    """Images as an array of bytes, of shape (n, height, width, 3)."""
    images = (Image.open(path).convert("RGB").resize(shape[::-1]) for path in paths)
    return np.stack([np.asarray(image) for image in images])


y_train, y_test = train_test_split(y, test_size=0.4, random_state=0)
y_train, y_val = train_test_split(y_train, test_size=0.3, random_state=0)
X_train, X_val, X_test = (read_images(part.index) for part in (y_train, y_val, y_test))
print(X_train.shape, X_val.shape, X_test.shape)

# %%
# The net
# -------
#
# `ShapeConvClassifier` takes ``multilabel=True`` too. For this task, a net of our own does better.
# It ends with ``GlobalMaxPooling2D``, which passes on how strongly each filter responds anywhere in
# the image, so the net doesn't have to learn each sign separately for each place.


@network
def anywhere(inputs):
    """Convolutions, and the strongest response of each filter in the whole image."""
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")(x)
    x = layers.RandomBrightness(0.2, value_range=(0, 1))(x)
    for n_filters in (16, 32, 64):
        x = layers.Conv2D(n_filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="places")(x)
    return layers.GlobalMaxPooling2D()(x)


n_epochs, batch_size = (3 if QUICK else 40), 16
n_steps = n_epochs * -(-len(y_train) // batch_size)
clf = NetworkClassifier(
    anywhere(),
    multilabel=True,
    learning_rate=keras.optimizers.schedules.CosineDecay(0.003, n_steps),
    epochs=n_epochs,
    batch_size=batch_size,
    random_state=0,
)
clf.fit(X_train, y_train, validation_data=(X_val, y_val))
display = HistoryDisplay.from_estimator(clf, "loss")
display.ax_.set_title("Learning curve on street scenes")

# %%
# The predicted labels and their probabilities are shown above each test image.

display = ImagePredictionsDisplay.from_estimator(clf, X_test, y_test, n_images=6)
display.figure_.suptitle("Predicted signs in six test images")

# %%
# A threshold for each label
# --------------------------
#
# A label is predicted if its probability is at least 0.5. For the best F1 score of each label,
# other thresholds may be better; `~sklearn.metrics.precision_recall_curve` finds them. They are
# chosen on validation images, which the net was not trained on, and set on the fitted net.


def best_threshold(y_true, probability):
    """The threshold with the highest F1 score."""
    precision, recall, thresholds = precision_recall_curve(y_true, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return thresholds[f1[:-1].argmax()]


probability = clf.predict_proba(X_val)
thresholds = [best_threshold(y_val[kind], probability[:, i]) for i, kind in enumerate(KINDS)]
pd.DataFrame({"threshold": thresholds}, index=KINDS).round(2)

# %%
# The report on the test images has a row for each label.
# `~sklearn.metrics.multilabel_confusion_matrix` counts the signs that are missed, and those that
# are predicted where there are none.

tables = {}
for name, threshold in {"at 0.5": 0.5, "at the chosen thresholds": thresholds}.items():
    predicted = clf.set_params(threshold=threshold).predict(X_test)
    counts = multilabel_confusion_matrix(y_test, predicted)
    report = classification_report(
        y_test, predicted, target_names=KINDS, output_dict=True, zero_division=0
    )
    table = pd.DataFrame(report).T.drop(columns="support").head(len(KINDS)).round(2)
    table["missed"], table["false alarms"] = counts[:, 1, 0], counts[:, 0, 1]
    tables[name] = table
    print(f"Mean F1 {name}: {report['macro avg']['f1-score']:.3f}")

pd.concat(tables)

# %%
# The thresholds move the balance between missed signs and false alarms. Here they change little,
# because most probabilities are near 0 or 1, where any threshold would do. They matter more if
# labels are harder to predict, as in :doc:`plot_multilabel`. If a missed sign is worse than a false
# alarm, choose the highest threshold with the recall that you need, instead of the one with the
# best F1 score.

# %%
# Where are the signs?
# --------------------
#
# Before the pooling, the net still has a grid of places. The output layer's weights for a label,
# applied at each place, show where the net finds evidence for the label, although the training data
# contain no places. ``model_`` is the fitted net as a Keras model.

model = clf.model_
places = keras.Model(model.input, model.get_layer("places").output)
weights = model.get_layer("output").get_weights()[0]

rows = [np.flatnonzero(y_test.sum(axis=1) == 2)[i] for i in range(4)]
# sphinx_gallery_thumbnail_number = 3
figure, axes = plt.subplots(3, 4, figsize=(9.5, 5), layout="constrained")
for column, row in zip(axes.T, rows, strict=True):
    column[0].imshow(X_test[row])
    responses = np.asarray(places(X_test[row : row + 1].astype(np.float32)))[0]
    for ax, label in zip(column[1:], np.flatnonzero(y_test.iloc[row]), strict=True):
        ax.imshow(X_test[row].mean(axis=2), cmap="gray")
        evidence = np.maximum(responses @ weights[:, label], 0)
        ax.imshow(evidence, cmap="inferno", alpha=0.6, extent=(0, 96, 64, 0))
        ax.set_title(KINDS[label])
for ax in axes.flat:
    ax.set_axis_off()
figure.suptitle("Four scenes, and the evidence for each of their two signs")

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/image_labels_{number}.png")
plt.show()
temporary.cleanup()
