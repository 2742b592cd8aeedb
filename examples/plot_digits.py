"""
Handwritten digits, as rows and as images
=========================================

scikit-learn's tools know tables: a row for each example, a column for each feature. An image does
not fit into that, unless it is flattened, and a convolutional net needs it in two dimensions again.
With ``image_shape`` the net puts the rows back into shape by itself, so that all that takes rows
can stand before it in a pipeline.
"""

# %%
# The digits
# ----------
#
# 1,797 digits of 8 by 8 pixels, written by 43 people, each a row of 64 shades from 0 to 16. A
# quarter is held out.

import os
from pathlib import Path

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
# Nets like numbers between 0 and 1. `~sklearn.preprocessing.MinMaxScaler` sees to that, and like
# most transformers it refuses anything but rows:

images = X_train.reshape(-1, 8, 8)
try:
    MinMaxScaler().fit(images)
except ValueError as error:
    print(error)

# %%
# So the rows stay rows until they reach the net. It has one block of convolution and pooling, a
# dense layer, and a softmax unit for each digit: with ten classes that is the default of ``loss``.

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
# A search
# --------
#
# A pipeline is what a search wants: in each fold the scaler, too, learns from the training rows
# alone. The net's parameters go by its name in the pipeline. Here it is one block of convolution
# against two, and no dropout against some.

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
print(results.round(3).to_string(index=False))

linear = make_pipeline(MinMaxScaler(), LinearSVC(random_state=0))
score = cross_val_score(linear, X_train, y_train, cv=3).mean()
print(f"For comparison, a linear classifier in the same folds: {score:.3f}")

# %%
# The best setting is trained on all training rows already, and put to the test once.

predicted = search.predict(X_test)
print(classification_report(y_test, predicted, digits=3))
accuracy = np.mean(predicted == y_test)
print(f"Accuracy on {len(y_test)} held-out digits: {accuracy:.3f}")
assert accuracy > (0.93 if QUICK else 0.97)

# %%
# The mistakes
# ------------
#
# `ImagePredictionsDisplay` takes the whole search and flattened rows, and finds their shape in the
# net. First come the wrong answers, with a thick frame, then the right ones that the net is least
# sure of. Some of these digits are hard to read for people, too.

probability = search.predict_proba(X_test).max(axis=1)
right = predicted == y_test
hardest = np.lexsort([probability, right])[:12]

display = ImagePredictionsDisplay.from_estimator(
    search, X_test[hardest], y_test[hardest], n_images=12
)
n_wrong = np.count_nonzero(~right)
display.figure_.suptitle(f"The hardest of {len(right)} held-out digits ({n_wrong} wrong)")

# %%
# Which digit is taken for which?
# -------------------------------
#
# So few mistakes show no pattern. `~sklearn.model_selection.cross_val_predict` adds those on the
# training rows: each is answered by a net that has not seen it, from another fold.

answers = cross_val_predict(search.best_estimator_, X_train, y_train, cv=3)
n_wrong = np.count_nonzero(answers != y_train)
print(f"{n_wrong} of {len(answers):,} wrong, accuracy {1 - n_wrong / len(answers):.3f}")

figure, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
confusion = ConfusionMatrixDisplay.from_predictions(
    y_train, answers, cmap="Blues", colorbar=False, ax=ax
)
for (true, answer), text in np.ndenumerate(confusion.text_):
    if true != answer:  # no zeros, and the mistakes in a colour that stands out
        text.set(color="#d55e00", weight="bold", visible=text.get_text() != "0")
ax.set(xlabel="predicted digit", ylabel="true digit")
ax.set_title(f"{n_wrong} of {len(answers):,} digits are taken for another")
ax.tick_params(length=0)
ax.spines[:].set_visible(False)

# %%
# On a screen the pictures open in windows; with ``SKCLF_PLOTS=folder`` in the environment they are
# saved there as well.

if "SKCLF_PLOTS" in os.environ:
    for number in plt.get_fignums():
        plt.figure(number).savefig(Path(os.environ["SKCLF_PLOTS"]) / f"digits_{number}.png")
plt.show()
