"""
Classify handwritten digits given as rows
=========================================

With ``image_shape``, a convolutional net takes flattened images and can be used in a pipeline.

scikit-learn's tools expect a row for each example and a column for each feature, while a
convolutional net needs images in two dimensions. The net reshapes the rows itself, so any
transformer of rows can precede it in a pipeline.
"""

# %%
# The digits
# ----------
#
# The data set has 1,797 digits of 8 by 8 pixels, written by 43 people. Each digit is a row of 64
# grey values from 0 to 16. A quarter of the rows is held out as a test set.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import LinearSVC

from skclf import ShapeConvClassifier
from skclf.plots import ImagePredictionsDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
print("rows:", X_train.shape, "labels:", np.unique(y_train))

# %%
# The pipeline
# ------------
#
# Nets train well on numbers between 0 and 1. `~sklearn.preprocessing.MinMaxScaler` scales the
# pixels to this range. Like most transformers, it only accepts rows:

images = X_train.reshape(-1, 8, 8)
try:
    MinMaxScaler().fit(images)
except ValueError as error:
    print(error)

# %%
# So the images stay rows until they reach the net. The net has one block of convolution and
# pooling, a dense layer, and a softmax unit for each digit.

pipeline = make_pipeline(
    MinMaxScaler(clip=True),
    ShapeConvClassifier(
        hidden_layer_sizes=(64,),
        filters=(16,),
        image_shape=(8, 8),
        learning_rate=0.005,
        epochs=5 if QUICK else 15,
        random_state=0,
    ),
)

# %%
# Search for parameters
# ---------------------
#
# In a search over the pipeline, the scaler is fitted on the training rows of each fold only. The
# names of the net's parameters start with its name in the pipeline. We compare one block of
# convolution with two, with and without dropout.

search = GridSearchCV(
    pipeline,
    {
        "shapeconvclassifier__filters": [(16,), (16, 32)],
        "shapeconvclassifier__dropout": [0.0, 0.3],
    },
    cv=3,
)
search.fit(X_train, y_train)
results = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
results = results.filter(regex="^param_|^mean_test_score").rename(
    columns=lambda name: name.removeprefix("param_shapeconvclassifier__")
)
results.round(3)

# %%
# For comparison, this is a linear classifier on the same folds:

linear = make_pipeline(MinMaxScaler(), LinearSVC(random_state=0))
scores = cross_val_score(linear, X_train, y_train, cv=3)
print(f"Mean accuracy: {scores.mean():.3f}")

# %%
# The search has already trained the best net on all training rows, so we can evaluate it on the
# test set.

predicted = search.predict(X_test)
print(classification_report(y_test, predicted, digits=3))
accuracy = np.mean(predicted == y_test)
print(f"Accuracy on {len(y_test)} held-out digits: {accuracy:.3f}")

# %%
# The mistakes
# ------------
#
# `ImagePredictionsDisplay` accepts the fitted search and flat rows, and takes the shape of the
# images from the net. Wrong predictions come first, with a thick frame, followed by the least
# certain correct ones. Some of these digits are hard to read even for people.

probability = search.predict_proba(X_test).max(axis=1)
right = predicted == y_test
hardest = np.lexsort([probability, right])[:12]

display = ImagePredictionsDisplay.from_estimator(
    search, X_test[hardest], y_test[hardest], n_images=12
)
n_wrong = np.count_nonzero(~right)
display.figure_.suptitle(f"The hardest of {len(right)} held-out digits ({n_wrong} wrong)")

# %%
# Which digits are confused?
# --------------------------
#
# These few mistakes don't show a pattern, so we look at the training rows too.
# `~sklearn.model_selection.cross_val_predict` predicts each of them with a net that was not trained
# on it.

answers = cross_val_predict(search.best_estimator_, X_train, y_train, cv=3)
n_wrong = np.count_nonzero(answers != y_train)
print(f"{n_wrong} of {len(answers):,} wrong, accuracy {1 - n_wrong / len(answers):.3f}")

figure, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
confusion = ConfusionMatrixDisplay.from_predictions(
    y_train, answers, cmap="Blues", colorbar=False, ax=ax
)
for (true, answer), text in np.ndenumerate(confusion.text_):
    if true != answer:  # hide zeros, and highlight the mistakes
        text.set(color="#d55e00", weight="bold", visible=text.get_text() != "0")
ax.set(xlabel="predicted digit", ylabel="true digit")
ax.set_title(f"Confusion matrix: {n_wrong} of {len(answers):,} predictions are wrong")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/digits_{number}.png")
plt.show()
