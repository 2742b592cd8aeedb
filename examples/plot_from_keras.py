"""
Translate a Keras script to skclf
=================================

This example shows each step of a Keras tutorial in Keras and in skclf, side by side.

The steps are those of the fourth chapter of Chollet's "Deep Learning with Python": vectorize, stack
layers, compile, fit with validation rows, plot, fit again for fewer epochs, evaluate. The example
also explains the losses, and how probabilities become labels.
"""

# %%
# The data
# --------
#
# We generate data similar to newswires. Each newswire is a list of word ids, and some words are
# more frequent in some topics. As in Keras's data sets, topics are numbers.

import os
import textwrap

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
# **Keras.** The function from the book creates a dense row of zeros and ones for each list.


def vectorize_sequences(sequences, dimension):
    """One row per sequence, with 1 in the columns of its ids."""
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        for j in sequence:
            results[i, j] = 1.0
    return results


x_train = vectorize_sequences(train, n_words)
x_test = vectorize_sequences(test, n_words)
print(f"{x_train.shape}, {x_train.nbytes / 1e6:.1f} MB")

# %%
# **skclf.** `MultiHotVectorizer` creates the same rows as a sparse matrix, which only stores the
# ones. The rows stay sparse in training and prediction.

vectorizer = MultiHotVectorizer(num_words=n_words)
X_train = vectorizer.fit_transform(train)
X_test = vectorizer.transform(test)
megabytes = (X_train.data.nbytes + X_train.indices.nbytes + X_train.indptr.nbytes) / 1e6
print(f"{X_train.shape}, {megabytes:.1f} MB")
print("Same rows:", np.array_equal(X_train.toarray(), x_train))

# %%
# Step 2: labels and loss
# -----------------------
#
# The loss of all these nets is cross-entropy: the mean of ``-log(p)``, where ``p`` is the
# predicted probability of the right class. It is near 0 if the net is certain and right, and has no
# upper bound if it is certain and wrong.
#
# **Keras** has three names for it, depending on the form of the labels and of the output. Integer
# labels need ``sparse_categorical_crossentropy``, one-hot rows ``categorical_crossentropy``. The
# value is the same:

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
# A net for two classes has a single output, the probability of class 1. Cross-entropy is then
# called ``binary_crossentropy``.

of_class_1 = np.array([0.9, 0.2])
binary = keras.losses.BinaryCrossentropy()(np.array([1, 0]), of_class_1)
print(f"by hand  {-np.log([0.9, 1 - 0.2]).mean():.4f}")
print(f"binary   {float(binary):.4f}")

# %%
# **skclf.** ``y`` contains the labels, which may be strings, regardless of the loss. If you pass
# one-hot rows, the error says how to convert them.

names_train, names_test = topics[y_train], topics[y_test]
print(names_train[:5])
try:
    MulticlassDenseClassifier().fit(X_train, keras.utils.to_categorical(y_train))
except ValueError as error:
    print(textwrap.fill(str(error), 88))

# %%
# Step 3: the net
# ---------------
#
# **Keras.** We stack layers, the last one with a unit for each class, and compile the net with a
# loss that suits the labels.


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
# **skclf.** The layers and all other settings are parameters of the constructor. The net is built
# in ``fit``, which infers the numbers of columns and classes from the data. The last two parameters
# are explained in steps 4 and 5.

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
# **Keras.** We set the first rows aside. (Keras's own ``validation_split`` takes the last ones. In
# both cases some classes may be missing from them.) ``fit`` returns the history, with a list of
# values for each metric.

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
# **skclf.** Validation rows are drawn at random and stratified by class. The history is a DataFrame
# with the names that Keras uses.

classifier.fit(X_train, names_train)
classifier.history_.head(3).round(3)

# %%
# The left plot uses the code from the book, the right one `HistoryDisplay`, which marks the best
# epoch. The two nets have different validation rows, so the curves are similar but not the same.

figure, axes = plt.subplots(ncols=2, figsize=(9.5, 3.6), layout="constrained", sharey=True)
numbers = range(1, epochs + 1)
axes[0].plot(numbers, history["loss"], "bo", label="Training loss")
axes[0].plot(numbers, history["val_loss"], "b", label="Validation loss")
axes[0].set(title="Learning curve in Keras", xlabel="Epochs", ylabel="Loss")
axes[0].legend()

HistoryDisplay.from_estimator(classifier, "loss", ax=axes[1])
axes[1].set(title="Learning curve in skclf", ylabel="")

# %%
# Step 5: fit again, for fewer epochs
# -----------------------------------
#
# Both nets overfit after a few epochs: the validation loss rises while the training loss falls.
#
# **Keras.** We read the best epoch from the history, build the net again, and train it on all rows
# for that many epochs.

best_epoch = int(np.argmin(history["val_loss"])) + 1
keras.utils.set_random_seed(0)
model = build_model()
model.fit(x_train, y_train, epochs=best_epoch, batch_size=128, verbose=0)
print(f"Trained again for {best_epoch} epochs")

# %%
# **skclf.** With ``refit_epoch="val_loss"``, ``fit`` has already done this. With
# ``refit_epoch=None`` it keeps the net of the last epoch, or of the best one if ``patience`` is
# set.

print(f"Trained again for {classifier.n_epochs_} epochs")

# %%
# Step 6: evaluate
# ----------------
#
# **Keras** returns a list of numbers:

keras_loss, keras_accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"loss {keras_loss:.3f}, accuracy {keras_accuracy:.3f}")

# %%
# **skclf** returns a dictionary, and also has scikit-learn's ``score``:

scores = classifier.evaluate(X_test, names_test)
print({name: round(value, 3) for name, value in scores.items()})
accuracy = classifier.score(X_test, names_test)
print(f"accuracy {accuracy:.3f}")

# %%
# Step 7: from probabilities to labels
# ------------------------------------
#
# **Keras.** ``predict`` returns probabilities, with a row for each newswire. scikit-learn's report
# needs labels, and raises an error:

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
# **skclf.** ``predict`` returns labels, here strings, and ``predict_proba`` returns probabilities
# in the order of ``classes_``.

print(classification_report(names_test, classifier.predict(X_test), digits=3))

# %%
# In Keras, a net for two classes has one sigmoid unit, and its output has *one column*. The label
# is 1 if the value is above 0.5. If you compare this column with a vector of labels, NumPy compares
# each value with every label, and the mean of the comparisons is not the accuracy:

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
# **skclf.** Two classes are used in the same way as more. ``predict_proba`` returns a column for
# each class, and ``decision_function`` returns the logit, which is positive for the second class.

earn_or_not = BinaryDenseClassifier(epochs=8, batch_size=128, random_state=0)
earn_or_not.fit(X_train, np.where(is_earn, "earn", "other"))
print(earn_or_not.classes_, earn_or_not.predict_proba(X_test).shape)
print(f"{earn_or_not.score(X_test, np.where(is_earn_test, 'earn', 'other')):.3f}")

# %%
# Is it the same net?
# -------------------
#
# Yes. With the fitted weights, the Keras model from above returns the same probabilities, up to
# rounding:

model.set_weights(classifier.model_.get_weights())
difference = model.predict(x_test, verbose=0) - classifier.predict_proba(X_test)
print(f"Largest difference: {np.abs(difference).max():.1e}")

# %%
# To compare training, we start both nets with the same weights. An epoch with a tiny learning rate
# leaves the initial weights unchanged:

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
print(f"Test newswires with the same label: {agreement:.3f}")

# %%
# The rows are shuffled differently, so the two nets differ slightly, like two runs of Keras without
# a seed.
#
# Summary
# -------
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
#      - integers or one-hot, depending on the loss
#      - integers, booleans or strings
#    * - the net
#      - layers, ``compile``
#      - parameters of the constructor
#    * - validation rows
#      - set aside by hand
#      - ``validation_split``, stratified
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
#    * - other features of Keras
#      - ``model``
#      - ``model_``
#
# The classifier works with scikit-learn's ``Pipeline`` and ``GridSearchCV``, as :doc:`the example
# on film reviews <plot_imdb_sentiment>` shows.
#
# If ``SKCLF_PLOTS`` names a folder, the figure is saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    figure.savefig(f"{folder}/from_keras.png")
plt.show()
