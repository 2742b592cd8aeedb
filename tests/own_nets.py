"""Network bodies as users write them, with matching rows and labels."""

import keras
import numpy as np

from skclf import network

RNG = np.random.RandomState(0)
TABLE = RNG.normal(size=(60, 5)).astype(np.float32)
IMAGES = RNG.rand(60, 8, 8, 2).astype(np.float32)
IDS = RNG.randint(1, 30, (60, 7))
IDS[:20, 4:] = 0  # padding
VECTORS = RNG.normal(size=(60, 6, 3)).astype(np.float32)
Y = (TABLE[:, 0] > TABLE[:, 1]).astype(int)
Y3 = np.digitize(TABLE[:, 0], [-0.4, 0.4])
LABELS = (TABLE[:, :3] > 0.2).astype(int)
WEIGHTS = RNG.uniform(0.5, 2, 60)


@network
def dense(inputs, units=6, activation="relu"):
    return keras.layers.Dense(units, activation=activation)(inputs)


@network
def residual(inputs, units=6, rate=0.2):
    x = keras.layers.Dense(units, activation="relu")(inputs)
    y = keras.layers.BatchNormalization(momentum=0.9)(x)
    y = keras.layers.Dropout(rate)(y)
    y = keras.layers.Dense(units, activation="relu")(y)
    return keras.layers.Add()([x, y])


@network
def penalized(inputs, l1=0.01):
    layer = keras.layers.Dense(
        6,
        activation="tanh",
        kernel_regularizer=keras.regularizers.L1(l1),
        bias_regularizer="l2",
        activity_regularizer=keras.regularizers.L2(0.01),
    )
    return layer(inputs)


@network
def constrained(inputs, rate=0.2):
    x = keras.layers.Dropout(rate)(inputs)
    layer = keras.layers.Dense(6, "relu", kernel_constraint=keras.constraints.MaxNorm(0.5))
    return keras.layers.GaussianNoise(0.1)(layer(x))


@network
def convolutional(inputs, filters=4):
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.MaxPooling2D(2)(x)
    return keras.layers.Flatten()(x)


@network
def augmented(inputs):
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.RandomTranslation(0.2, 0.2)(x)
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.layers.GlobalAveragePooling2D()(x)


@network
def recurrent(inputs, units=4):
    x = keras.layers.Embedding(30, 4)(inputs)
    return keras.layers.LSTM(units, dropout=0.2)(x)


@network
def masked(inputs):
    x = keras.layers.Embedding(30, 4, mask_zero=True)(inputs)
    x = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))(x)
    return keras.layers.GlobalAveragePooling1D()(x)


@network
def text_cnn(inputs):
    x = keras.layers.Embedding(30, 4)(inputs)
    x = keras.layers.Conv1D(5, 3, activation="relu")(x)
    return keras.layers.GlobalMaxPooling1D()(x)


@network
def simple_rnn(inputs):
    x = keras.layers.SimpleRNN(4, return_sequences=True)(inputs)
    return keras.layers.Flatten()(keras.layers.Dense(2)(x))


class Noisy(keras.layers.Layer):
    """A layer that draws from Keras's global generator and adds a loss."""

    def __init__(self, scale=0.3):
        super().__init__()
        self.scale = scale

    def call(self, values, training=False):
        self.add_loss(0.01 * keras.ops.mean(keras.ops.square(values)))
        if training:
            values = values + self.scale * keras.random.normal(keras.ops.shape(values))
        return values


@network
def custom(inputs, scale=0.3):
    return Noisy(scale)(keras.layers.Dense(6, activation="relu")(inputs))


@network
def nested(inputs):
    inner = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.BatchNormalization()])
    x = inner(inputs)
    shared = keras.layers.Dense(4)
    return keras.layers.Concatenate()([shared(x), shared(keras.layers.Activation("tanh")(x))])


LOADED = RNG.normal(size=(5, 6)).astype(np.float32)


@network
def pretrained(inputs, trainable=False):
    """A frozen layer with loaded weights, and a frozen batch normalization."""
    layer = keras.layers.Dense(6, activation="tanh", name="loaded")
    x = layer(inputs)
    layer.set_weights([LOADED, np.ones(6)])
    layer.trainable = trainable
    frozen = keras.layers.BatchNormalization(name="frozen")
    x = frozen(x)
    frozen.trainable = trainable
    return keras.layers.Dense(4, "relu")(x)


# Bodies and their rows, by name.
BODIES = {
    "none": (None, TABLE),
    "dense": (dense(), TABLE),
    "residual": (residual(), TABLE),
    "penalized": (penalized(), TABLE),
    "constrained": (constrained(), TABLE),
    "convolutional": (convolutional(), IMAGES),
    "augmented": (augmented(), IMAGES),
    "recurrent": (recurrent(), IDS),
    "masked": (masked(), IDS),
    "text_cnn": (text_cnn(), IDS),
    "simple_rnn": (simple_rnn(), VECTORS),
    "custom": (custom(), TABLE),
    "nested": (nested(), TABLE),
    "pretrained": (pretrained(), TABLE),
}
