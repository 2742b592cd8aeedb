"""
From raw Keras to skclf
=======================

The tutorials train a net in a fixed order: vectorize, stack layers, compile, fit with validation
rows, plot, fit again for fewer epochs, evaluate. This page goes through it twice, step by step:
first in Keras as in the fourth chapter of Chollet's "Deep Learning with Python", then with skclf.
On the way it says what the losses are, and how probabilities become labels.
"""

# %%
# The data
# --------
#
# A stand-in for newswires, made here: each is a list of word ids, and its topic makes some words
# more frequent than they usually are. As in Keras's data sets, a topic is a number.

import os
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import classification_report, log_loss

from skclf import BinaryDenseClassifier, MulticlassDenseClassifier, MultiHotVectorizer
from skclf.plots import HistoryDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"
n_newswires = 2_000 if QUICK else 4_000
n_words = 2_000
topics = np.array(["coffee", "crude", "earn", "ship"])

rng = np.random.default_rng(0)
usual = 1 / np.arange(1, n_words + 1) ** 0.8
frequencies = usual * np.where(rng.random((len(topics), n_words)) < 0.03, 6, 1)
frequencies /= frequencies.sum(axis=1, keepdims=True)
y = rng.choice(len(topics), size=n_newswires, p=[0.15, 0.2, 0.4, 0.25])
newswires = [
    rng.choice(n_words, size=rng.integers(15, 60), p=frequencies[topic]).tolist() for topic in y
]

n_train = n_newswires * 3 // 4
train, y_train = newswires[:n_train], y[:n_train]
test, y_test = newswires[n_train:], y[n_train:]
print(f"The first newswire, on topic {y[0]} ({topics[y[0]]}), begins {train[0][:6]}")

# %%
# Step 1: vectorize
# -----------------
#
# **Keras.** The book's function makes a dense row of zeros and ones for each list.


def vectorize_sequences(sequences, dimension):
    """One row a sequence, 1 in the columns of its ids."""
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        for j in sequence:
            results[i, j] = 1.0
    return results


x_train = vectorize_sequences(train, n_words)
x_test = vectorize_sequences(test, n_words)
print(f"{x_train.shape}, {x_train.nbytes / 1e6:.1f} MB")

# %%
# **skclf.** `MultiHotVectorizer` makes the same rows, and stores the ones alone. They stay sparse
# in training and prediction, too.

vectorizer = MultiHotVectorizer(num_words=n_words)
X_train = vectorizer.fit_transform(train)
X_test = vectorizer.transform(test)
megabytes = (X_train.data.nbytes + X_train.indices.nbytes + X_train.indptr.nbytes) / 1e6
print(f"{X_train.shape}, {megabytes:.1f} MB")
assert np.array_equal(X_train.toarray(), x_train)

# %%
# Step 2: labels and loss
# -----------------------
#
# The loss of all these nets is cross-entropy: the mean of ``-log(p)``, where ``p`` is the
# probability that the net gives to the right class. It is 0 for a net that is sure and right, and
# has no upper bound for one that is sure and wrong.
#
# **Keras** has three names for it, by the form of the labels and of the output. Integer labels go
# with ``sparse_categorical_crossentropy``, one-hot rows with ``categorical_crossentropy``. The
# number is the same:

probability = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
integers = np.array([0, 1, 2])
one_hot = keras.utils.to_categorical(integers)
print(one_hot)

by_hand = -np.log(probability[[0, 1, 2], integers]).mean()
sparse_categorical = keras.losses.SparseCategoricalCrossentropy()(integers, probability)
categorical = keras.losses.CategoricalCrossentropy()(one_hot, probability)
print(f"by hand             {by_hand:.4f}")
print(f"sparse categorical  {float(sparse_categorical):.4f}")
print(f"categorical         {float(categorical):.4f}")
print(f"scikit-learn        {log_loss(integers, probability):.4f}")

# %%
# A net for two classes has a single output, the probability of class 1; that of class 0 is what is
# left. Cross-entropy then goes by the name of ``binary_crossentropy``.

of_class_1 = np.array([0.9, 0.2])
binary = keras.losses.BinaryCrossentropy()(np.array([1, 0]), of_class_1)
print(f"by hand  {-np.log([0.9, 1 - 0.2]).mean():.4f}")
print(f"binary   {float(binary):.4f}")

# %%
# **skclf.** ``y`` holds labels, and each label is its own name. The name of the loss changes
# nothing in it: one-hot rows are made inside. Where a tutorial has made them already, the error
# says how to go back.

names_train, names_test = topics[y_train], topics[y_test]
print(names_train[:5])
try:
    MulticlassDenseClassifier().fit(X_train, keras.utils.to_categorical(y_train))
except ValueError as error:
    print(error)

# %%
# Step 3: the net
# ---------------
#
# **Keras.** Layers are stacked, the last one with as many units as there are classes, and the net
# is compiled with a loss that fits the labels.


def build_model():
    """Two hidden layers and a softmax, as in the book."""
    model = keras.Sequential(
        [
            keras.Input((n_words,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(len(topics), activation="softmax"),
        ]
    )
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


keras.utils.set_random_seed(0)
model = build_model()

# %%
# **skclf.** The same net is one line, and the rest of its parameters stands where scikit-learn
# looks for it, in the constructor. Nothing is built before ``fit``, which reads the numbers of
# columns and classes off the data. The last two parameters are explained in step 5.

epochs = 10 if QUICK else 20
classifier = MulticlassDenseClassifier(
    hidden_layer_sizes=(64, 64),
    optimizer="rmsprop",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
    epochs=epochs,
    batch_size=128,
    random_state=0,
    validation_split=0.25,
    refit_epoch="val_loss",
)

# %%
# Step 4: fit with validation rows, and plot
# ------------------------------------------
#
# **Keras.** The first rows are set aside by hand. (Keras's own ``validation_split`` takes the last
# ones; neither asks whether all classes are among them.) ``fit`` gives back a history: a dictionary
# with a list for each value.

n_val = n_train // 4
x_val, y_val = x_train[:n_val], y_train[:n_val]
partial_x_train, partial_y_train = x_train[n_val:], y_train[n_val:]

history = model.fit(
    partial_x_train,
    partial_y_train,
    epochs=epochs,
    batch_size=128,
    validation_data=(x_val, y_val),
    verbose=0,
).history

# %%
# **skclf.** Validation rows are drawn at random and by class. The history is a DataFrame with the
# names that Keras uses.

classifier.fit(X_train, names_train)
print(classifier.history_.head(3).round(3))

# %%
# The curves, on the left by the book's lines of Matplotlib, on the right by `HistoryDisplay`, which
# marks the best epoch. (The rows are other ones, so the curves are alike and not the same.)

figure, axes = plt.subplots(ncols=2, figsize=(9.5, 3.6), layout="constrained", sharey=True)
numbers = range(1, epochs + 1)
axes[0].plot(numbers, history["loss"], "bo", label="Training loss")
axes[0].plot(numbers, history["val_loss"], "b", label="Validation loss")
axes[0].set(title="Keras, as in the book", xlabel="Epochs", ylabel="Loss")
axes[0].legend()

HistoryDisplay.from_estimator(classifier, "loss", ax=axes[1])
axes[1].set(title="skclf's HistoryDisplay", ylabel="")

# %%
# Step 5: fit again, for fewer epochs
# -----------------------------------
#
# Both nets get worse at new rows after a few epochs, while they still get better at their own.
#
# **Keras.** One reads the best epoch off the picture or the history, builds the net anew, and
# trains it on all rows for that long.

best_epoch = int(np.argmin(history["val_loss"])) + 1
keras.utils.set_random_seed(0)
model = build_model()
model.fit(x_train, y_train, epochs=best_epoch, batch_size=128, verbose=0)
print(f"Trained anew for {best_epoch} epochs")

# %%
# **skclf.** ``refit_epoch="val_loss"`` has made ``fit`` do just that already. With
# ``refit_epoch=None`` the net of the last epoch would be kept, with ``patience`` the best one.

print(f"Trained anew for {classifier.n_epochs_} epochs")

# %%
# Step 6: evaluate
# ----------------
#
# **Keras** returns a list of numbers:

keras_loss, keras_accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"loss {keras_loss:.3f}, accuracy {keras_accuracy:.3f}")

# %%
# **skclf** returns a dictionary, with the loss that Keras computes, and has scikit-learn's
# ``score``:

scores = classifier.evaluate(X_test, names_test)
print({name: round(value, 3) for name, value in scores.items()})
accuracy = classifier.score(X_test, names_test)
print(f"accuracy {accuracy:.3f}")
assert min(accuracy, keras_accuracy) > (0.7 if QUICK else 0.8)

# %%
# Step 7: from probabilities to labels
# ------------------------------------
#
# **Keras.** ``predict`` gives probabilities, a row for each newswire. scikit-learn's report is
# about labels, and refuses them:

probabilities = model.predict(x_test, verbose=0)
print(probabilities[0].round(3))
try:
    classification_report(y_test, probabilities)
except ValueError as error:
    print(error)

# %%
# The label is the position of the largest number in a row:

predicted = probabilities.argmax(axis=1)
print(classification_report(y_test, predicted, target_names=topics, digits=3))

# %%
# **skclf.** ``predict`` gives labels, by name, and `predict_proba` probabilities, in the order of
# ``classes_``.

print(classification_report(names_test, classifier.predict(X_test), digits=3))

# %%
# Two classes are another story in Keras. There is one sigmoid unit, and what it gives has *one
# column*. The label is 1 where the number is above one half. Compared with labels as it is, each
# number of the column meets every label, and the mean of all these comparisons is no accuracy:

is_earn = (y_train == 2).astype(int)  # the number of "earn"
is_earn_test = (y_test == 2).astype(int)

keras.utils.set_random_seed(0)
binary_model = keras.Sequential(
    [
        keras.Input((n_words,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
binary_model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
binary_model.fit(x_train, is_earn, epochs=8, batch_size=128, verbose=0)

column = binary_model.predict(x_test, verbose=0)
print(f"{column.shape} against {is_earn_test.shape}")
print(f"wrong: {np.mean((column > 0.5) == is_earn_test):.3f}")
print(f"right: {np.mean((column.ravel() > 0.5) == is_earn_test):.3f}")

# %%
# **skclf.** Two classes are used like many. `predict_proba` has a column for each of them, and
# `decision_function` the value before the sigmoid, so that a label is a matter of its sign.

earn_or_not = BinaryDenseClassifier(epochs=8, batch_size=128, random_state=0)
earn_or_not.fit(X_train, np.where(is_earn, "earn", "other"))
print(earn_or_not.classes_, earn_or_not.predict_proba(X_test).shape)
print(f"{earn_or_not.score(X_test, np.where(is_earn_test, 'earn', 'other')):.3f}")

# %%
# Is it the same net?
# -------------------
#
# It is. The fitted weights, put into the Keras model from above, give the same probabilities, up to
# rounding:

model.set_weights(classifier.model_.get_weights())
difference = model.predict(x_test, verbose=0) - classifier.predict_proba(X_test)
assert np.abs(difference).max() < 1e-5

# %%
# And training? Let both begin with the same weights. A step with a learning rate of next to nothing
# leaves a net as ``random_state`` has drawn it:

settings = {"epochs": classifier.n_epochs_, "validation_split": 0.0, "refit_epoch": None}
ours = MulticlassDenseClassifier(**classifier.get_params() | settings)
untrained = MulticlassDenseClassifier(**ours.get_params() | {"learning_rate": 1e-12, "epochs": 1})
start = untrained.fit(X_train, names_train).model_.get_weights()

model = build_model()
model.set_weights(start)
model.fit(x_train, y_train, epochs=ours.epochs, batch_size=128, verbose=0)
ours.fit(X_train, names_train)

theirs = topics[model.predict(x_test, verbose=0).argmax(axis=1)]
agreement = np.mean(theirs == ours.predict(X_test))
print(f"Keras: accuracy {np.mean(theirs == names_test):.3f}")
print(f"skclf: accuracy {ours.score(X_test, names_test):.3f}")
print(f"same label: {agreement:.3f} of the test newswires")
assert agreement > 0.85

# %%
# The rows came in another order, so the two are not the same to the last bit, no more than two runs
# of Keras without a seed are.
#
# In short
# --------
#
# .. list-table::
#    :header-rows: 1
#
#    * - Step
#      - Keras
#      - skclf
#    * - word ids to rows
#      - a loop over a dense array
#      - ``MultiHotVectorizer``, sparse
#    * - labels
#      - integers or one-hot, as the loss wants
#      - as they are, names too
#    * - the net
#      - layers, ``compile``
#      - parameters of the constructor
#    * - validation rows
#      - cut off by hand
#      - ``validation_split``, by class
#    * - learning curve
#      - ``history``, Matplotlib
#      - ``history_``, ``HistoryDisplay``
#    * - best epoch, all rows
#      - a new net, ``fit`` again
#      - ``refit_epoch``
#    * - loss and metrics
#      - ``evaluate``
#      - ``evaluate``, ``score``
#    * - labels
#      - ``argmax``, or ``> 0.5`` of a column
#      - ``predict``
#    * - probabilities
#      - ``predict``
#      - ``predict_proba``
#    * - all the rest of Keras
#      - ``model``
#      - ``model_``
#
# And since it is a scikit-learn classifier, steps 1 to 7 fit into a ``Pipeline`` under
# ``GridSearchCV``, as :doc:`the example on film reviews <plot_imdb_sentiment>` shows.
#
# On a screen the picture opens in a window; with ``SKCLF_PLOTS=folder`` in the environment it is
# saved there as well.

if "SKCLF_PLOTS" in os.environ:
    figure.savefig(Path(os.environ["SKCLF_PLOTS"]) / "from_keras.png")
plt.show()
