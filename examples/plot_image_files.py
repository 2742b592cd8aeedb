"""
Classify colour images from files
=================================

A pipeline reads image files of different sizes, and a convolutional net classifies them.

The images are in one folder per class. This tutorial shows how much augmentation helps if there are
few of them, and then looks at what the net has learned. :doc:`plot_image_labels` continues with
images that have several labels.
"""

# %%
# A folder of images
# ------------------
#
# The images show six kinds of traffic signs. :download:`traffic_signs.py
# <../../examples/traffic_signs.py>` makes them: it draws the signs into parts of a photo that comes
# with scikit-learn, with different sizes, positions, angles and lighting. Some are saved as JPEG
# and some as PNG files.

import os
import tempfile
from itertools import zip_longest
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers
from PIL import Image, ImageOps
from scipy import ndimage
from sklearn.base import clone
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from traffic_signs import KINDS, save_pictures

from skclf import NetworkClassifier, ShapeConvClassifier, network
from skclf.plots import HistoryDisplay, ImagePredictionsDisplay

QUICK = os.environ.get("SKCLF_QUICK") == "1"

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name) / "signs"
save_pictures(folder, n_each=12 if QUICK else 160, rng=np.random.default_rng(0))

# %%
# ``pathlib`` lists the files. The label of an image is the name of its folder. We split the paths
# before reading any image. If several files show the same object, such as frames of a video, keep
# them on one side of the split, with `~sklearn.model_selection.StratifiedGroupKFold`.

paths = np.array(sorted(str(path) for path in folder.glob("*/*") if path.is_file()))
y = np.array([Path(path).parent.name for path in paths])
print(*np.unique(y), sep=", ")

paths_train, paths_test, y_train, y_test = train_test_split(
    paths, y, test_size=0.4, stratify=y, random_state=0
)

opened = [Image.open(path) for path in paths_train[:24]]
for image in opened[:5]:
    print(image.format, image.mode, image.size)


def show(axes, images, titles=()):
    """Draw an image in each of the axes."""
    for ax, image, title in zip_longest(axes, images, titles, fillvalue=""):
        ax.imshow(image, cmap="gray")
        ax.set_title(title, fontsize="medium")
        ax.set_axis_off()


figure, axes = plt.subplots(3, 8, figsize=(9.5, 4.2), layout="constrained")
show(axes.flat, opened, y_train[:24])
figure.suptitle("Some of the training images")

# %%
# From paths to an array
# ----------------------
#
# A net needs images of the same shape. When you read files, three things are easily forgotten:
#
# - ``convert("RGB")`` gives every image three channels. PNG files often have a fourth one for
#   transparency, and grey or palette images have only one.
# - ``exif_transpose`` rotates photos that a phone has saved sideways.
# - Pillow gives sizes as (width, height), and arrays have the shape (height, width, channels).
#
# There are three ways to give all images the same shape. Squashing changes the proportions.
# Cropping keeps the middle and loses the edges. Padding keeps everything and adds black bars, so
# the object becomes smaller. Here, the signs can be anywhere in the image and their proportions
# matter, so we pad.

RESIZE = {
    "squash": lambda image, size: image.resize(size),
    "crop": ImageOps.fit,
    "pad": ImageOps.pad,
}


def read_images(paths, shape=(32, 32), how="pad"):
    """Images as an array of bytes, of shape (n, height, width, 3)."""
    images = []
    for path in paths:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        images.append(np.asarray(RESIZE[how](upright, shape[::-1])))
    return np.stack(images)


by_shape = sorted(opened, key=lambda image: image.width / image.height)
figure, axes = plt.subplots(2, 4, figsize=(7.5, 3.8), layout="constrained")
for row, image in zip(axes, (by_shape[-1], by_shape[0]), strict=True):
    versions = [read_images([image.filename], (48, 48), how)[0] for how in RESIZE]
    show(row, [image, *versions], ["file", *RESIZE])
figure.suptitle("A wide and a tall image, resized in three ways")

# %%
# The net is trained in float32, which takes four times as much memory as bytes. If memory is tight,
# store bytes and convert them last.

images_train, images_test = read_images(paths_train), read_images(paths_test)
for images in (images_train, images_train.astype(np.float32)):
    print(f"{images.shape} {images.dtype}: {images.nbytes / 1e6:.1f} MB")

# %%
# A pipeline that takes paths
# ---------------------------
#
# With a `~sklearn.preprocessing.FunctionTransformer`, the function becomes the first step of a
# pipeline, which then takes paths, both in ``fit`` and in ``predict``. A search can try other
# arguments, for instance ``{"how": "crop"}`` as ``kw_args``. The second step scales the bytes to
# between 0 and 1, as the classifier expects. If you want to save the pipeline, put both functions
# into a module, such as ``my_images.py``: a file contains only their names, so another process
# can't load functions that are defined in a script.


def to_unit_range(images):
    """Bytes as numbers from 0 to 1."""
    return images.astype(np.float32) / 255


n_epochs = 4 if QUICK else 30
pipeline = make_pipeline(
    FunctionTransformer(read_images, kw_args={"how": "pad"}),
    FunctionTransformer(to_unit_range),
    ShapeConvClassifier(
        filters=(16, 32, 64),
        hidden_layer_sizes=(64,),
        dropout=0.2,
        epochs=n_epochs,
        validation_split=0.2,
        random_state=0,
    ),
)
pipeline.fit(paths_train, y_train)
display = HistoryDisplay.from_estimator(pipeline, "loss")
display.ax_.set_title("Learning curve without augmentation")

# %%
# In the second half of the epochs, the validation loss hardly falls, while the training loss keeps
# falling: the net overfits.

predicted = pipeline.predict(paths_test)
print(classification_report(y_test, predicted, digits=3, zero_division=0))

figure, ax = plt.subplots(figsize=(5.6, 5.0), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, cmap="Blues", colorbar=False, xticks_rotation=35, ax=ax
)
ax.set_title("Confusion matrix of the test images")

# %%
# The net has learned the colours. It confuses signs of the same colour: the two arrows, and "no
# entry" with "stop".
#
# Augmentation by copies
# ----------------------
#
# A sign that is shifted, turned, closer or darker is still the same sign. The simplest way to teach
# this to a net is to train it on altered copies. We alter the images with SciPy. The matrix doesn't
# change the third axis, which contains the colours.


def altered_copy(image, rng):
    """The image turned, scaled, shifted, and lighter or darker."""
    angle, scale = rng.uniform(-0.2, 0.2), rng.uniform(0.8, 1.25)
    matrix = np.eye(3)
    matrix[:2, :2] = scale * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    centre = (np.array(image.shape) - 1) / 2
    offset = centre - matrix @ centre
    offset[:2] += rng.uniform(-4, 4, 2)
    moved = ndimage.affine_transform(image, matrix, offset, order=1, mode="nearest")
    return (moved * rng.uniform(0.7, 1.3)).clip(0, 1)


X_train, X_test = to_unit_range(images_train), to_unit_range(images_test)
rng = np.random.default_rng(0)
n_copies = 7
copies = [np.stack([altered_copy(image, rng) for image in X_train]) for _ in range(n_copies)]

figure, axes = plt.subplots(2, 8, figsize=(9.5, 2.7), layout="constrained")
for row, number in zip(axes, (0, 1), strict=True):
    show(row, [images[number] for images in (X_train, *copies)], ["image", *["copy"] * n_copies])
figure.suptitle("Two training images and their altered copies")

# %%
# We only copy training images; the test images are not altered. Don't use ``validation_split``
# here: it would put copies of the same image on both sides of the split, and the validation loss
# would look far too good. Split first, and pass unaltered images as ``validation_data``.
#
# The net without copies trains for more epochs, but takes fewer steps in all. The learning curve
# above shows that more steps would hardly help it.

net = clone(pipeline[-1]).set_params(validation_split=0.0)
plain = clone(net).fit(X_train, y_train)
by_copies = clone(net).set_params(epochs=-(-n_epochs // 3))
by_copies.fit(np.concatenate([X_train, *copies]), np.tile(y_train, 1 + n_copies))
print(f"Test accuracy without copies: {plain.score(X_test, y_test):.3f}")
print(f"Test accuracy with copies:    {by_copies.score(X_test, y_test):.3f}")

# %%
# Augmentation by layers
# ----------------------
#
# Keras has layers that do the same at every step of training, so each epoch uses new versions, and
# no memory is needed for copies. They are inactive in prediction and on validation rows, so
# ``validation_split`` and cross-validation work as usual. To use them, pass a function that calls
# the layers to `NetworkClassifier`. This one also scales the bytes itself.


@network
def convolutional(inputs, augmented=True, mirrored=False, filters=(16, 32, 64), rate=0.3):
    """Blocks of convolution, batch normalization and pooling."""
    x = layers.Rescaling(1 / 255)(inputs)
    if mirrored:
        x = layers.RandomFlip("horizontal")(x)
    if augmented:
        x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")(x)
        x = layers.RandomRotation(0.03, fill_mode="nearest")(x)
        x = layers.RandomZoom((-0.2, 0.2), fill_mode="nearest")(x)
        x = layers.RandomBrightness(0.2, value_range=(0, 1))(x)
    for number, n_filters in enumerate(filters, start=1):
        x = layers.Conv2D(n_filters, 3, padding="same", use_bias=False, name=f"conv_{number}")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU(name=f"relu_{number}")(x)
        x = layers.MaxPooling2D()(x)
    return layers.Dropout(rate)(layers.Flatten()(x))


def fit_convolutional(images, y, **options):
    """A fitted net, with a learning rate that falls to 0."""
    epochs = 3 if QUICK else 40
    schedule = keras.optimizers.schedules.CosineDecay(0.003, epochs * -(-len(y) // 32))
    body = convolutional(**options)
    clf = NetworkClassifier(body, learning_rate=schedule, epochs=epochs, random_state=0)
    return clf.fit(images, y)


# %%
# How much this helps depends on the number of images, so we train on an eighth of them, on a
# quarter, and so on.

n_images = len(y_train) // np.array([1] if QUICK else [8, 4, 2, 1])
order = np.random.default_rng(0).permutation(len(y_train))
accuracy = pd.DataFrame(index=pd.Index(n_images, name="training images"))
for name, augmented in {"augmented": True, "not augmented": False}.items():
    for n in n_images:
        rows = order[:n]
        clf = fit_convolutional(images_train[rows], y_train[rows], augmented=augmented)
        accuracy.loc[n, name] = clf.score(images_test, y_test)
    if augmented:
        best = clf
accuracy.round(3)

# %%
# The same as a plot:

figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
for name, marker in {"augmented": "o", "not augmented": "s"}.items():
    ax.plot(accuracy.index, accuracy[name], marker=marker, label=name)
ax.set_xscale("log", base=2)
ax.set_xticks(n_images, n_images)
ax.set(xlabel="training images", ylabel="test accuracy")
ax.set_title("Test accuracy by number of training images")
ax.grid(color="0.9")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %%
# Augmentation helps with any number of images, and most if there are few. Even without it, the net
# with batch normalization does better than the one above.
#
# Augmentation must not change the label. A mirrored cat is a cat, but a mirrored "turn left" is a
# "turn right". With ``RandomFlip``, the net can only guess between the two, while the other signs
# are not affected. You can mirror copies if you also swap their labels; layers can't do that.

mirrored = fit_convolutional(images_train, y_train, mirrored=True)
arrows = np.isin(y_test, ["turn left", "turn right"])
for name, clf in {"without flips": best, "with flips": mirrored}.items():
    on_arrows = clf.score(images_test[arrows], y_test[arrows])
    on_others = clf.score(images_test[~arrows], y_test[~arrows])
    print(f"{name:13}  arrows {on_arrows:.3f}, other signs {on_others:.3f}")

# %%
# These are mistakes of the net without flips, the least certain ones first. Some of the signs are
# hard to read at 32 by 32 pixels.

certainty = best.predict_proba(images_test).max(axis=1)
is_correct = best.predict(images_test) == y_test
hardest = np.lexsort([certainty, is_correct])[:8]
display = ImagePredictionsDisplay.from_estimator(best, images_test[hardest], y_test[hardest])
display.figure_.suptitle("The hardest test images")

# %%
# What the net has learned
# ------------------------
#
# ``model_`` is the fitted net as a Keras model. A Keras model that ends after the first block
# returns the outputs of its filters for an image. The top row shows the weights of eight filters as
# colours, and below are their outputs for two signs. Some filters respond to red, others to blue or
# to edges.

model = best.model_
first_block = keras.Model(model.input, model.get_layer("relu_1").output)
kernels = model.get_layer("conv_1").get_weights()[0]
kernels = 0.5 + 0.5 * kernels / np.abs(kernels).max(axis=(0, 1, 2))
most_certain = [np.argmax(certainty * (y_test == kind)) for kind in ("stop", "turn left")]
examples = images_test[most_certain]
outputs = np.asarray(first_block(examples.astype(np.float32)))

figure, axes = plt.subplots(3, 9, figsize=(9.5, 3.5), layout="constrained")
strongest = np.argsort(outputs.std(axis=(0, 1, 2)))[::-1][:8]
show(axes[0], [np.ones((3, 3, 3)), *np.moveaxis(kernels[..., strongest], -1, 0)])
for row, image, output in zip(axes[1:], examples, outputs, strict=True):
    show(row, [image, *np.moveaxis(output[..., strongest], -1, 0)])
figure.suptitle("Eight filters, and their outputs for two signs")

# %%
# An occlusion map shows which part of an image a prediction depends on. A patch of the mean colour
# covers one place after another, and the map shows how much the probability of the class falls.
# These are more than a hundred versions of each image, all predicted in one call. We take images
# whose probability is near 0.9, since covering a small part hardly affects one near 1.


def occlusion_map(clf, image, label, side=10, step=2):
    """Loss of probability by the place of a covering patch, in the size of the image."""
    places = [
        (slice(top, top + side), slice(left, left + side))
        for top in range(0, image.shape[0] - side + 1, step)
        for left in range(0, image.shape[1] - side + 1, step)
    ]
    covered = np.repeat(image[np.newaxis], len(places), axis=0)
    for version, place in zip(covered, places, strict=True):
        version[place] = image.mean(axis=(0, 1))
    column = np.flatnonzero(clf.classes_ == label)[0]
    before = clf.predict_proba(image[np.newaxis])[0, column]
    falls = before - clf.predict_proba(covered)[:, column]
    total, count = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    for place, fall in zip(places, falls, strict=True):
        total[place] += fall
        count[place] += 1
    return total / count


chosen = [np.argmax((0.5 - abs(certainty - 0.9)) * (y_test == kind) * is_correct) for kind in KINDS]
figure, axes = plt.subplots(2, 6, figsize=(9.5, 3.2), layout="constrained")
show(axes[0], images_test[chosen], KINDS)
for ax, image, kind in zip(axes[1], images_test[chosen], KINDS, strict=True):
    ax.imshow(image.mean(axis=2), cmap="gray")
    fall = occlusion_map(best, image, kind)
    shown = ax.imshow(fall, cmap="inferno", alpha=0.65, vmin=0, vmax=0.9)
    ax.set_axis_off()
figure.colorbar(shown, ax=axes[1], label="loss of\nprobability")
figure.suptitle("Test images and their occlusion maps")

# %%
# If ``SKCLF_PLOTS`` names a folder, the figures are saved there.

if folder := os.environ.get("SKCLF_PLOTS"):
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{folder}/image_files_{number}.png")
plt.show()
temporary.cleanup()

# %%
# .. rubric:: What to take away
#
# - Read files in the first step of a pipeline, which then predicts from paths. ``joblib`` saves
#   it, and a new process predicts without TensorFlow, see :doc:`../guide/saving`.
# - Augmentation helps most if there are few images. Only use changes that keep the label, and only
#   copy training images.
# - Try batch normalization, too.
# - Cover parts of an image to find out what a prediction depends on.
