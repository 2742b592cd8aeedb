"""Shapes of inputs, and bodies of models with branches, residual connections, shared layers."""

from keras import layers

VECTORS, SEQUENCES, IMAGES = (6,), (7, 4), (7, 5, 3)


def body(*hidden):
    """Return a function that applies the layers to an input."""

    def call(values):
        for layer in hidden:
            values = layer(values)
        return values

    return call


def residual(values):
    def block(values, filters):
        inner = layers.Conv2D(filters, 3, padding="same", use_bias=False)(values)
        inner = layers.BatchNormalization()(inner)
        inner = layers.Activation("relu")(inner)
        inner = layers.Conv2D(filters, 3, padding="same")(inner)
        inner = layers.BatchNormalization()(inner)
        if values.shape[-1] != filters:
            values = layers.Conv2D(filters, 1)(values)
        return layers.ReLU()(layers.Add()([inner, values]))

    values = layers.Rescaling(1 / 255)(values)
    for filters in (4, 4, 6):
        values = block(values, filters)
    return layers.GlobalAveragePooling2D()(values)


def inception(values):
    values = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(values)
    towers = [
        layers.Conv2D(2, 1, activation="relu")(values),
        layers.Conv2D(3, 3, padding="same")(layers.Conv2D(2, 1, activation="relu")(values)),
        layers.Conv2D(2, 1)(layers.MaxPooling2D(3, strides=1, padding="same")(values)),
        layers.AveragePooling2D(3, strides=1, padding="same")(values),
    ]
    return layers.Flatten()(layers.Concatenate()(towers))


def lenet(values):
    values = layers.Conv2D(6, 5, activation="tanh", padding="same")(values)
    values = layers.AveragePooling2D(2, 2)(values)
    values = layers.Conv2D(16, 5, activation="tanh")(values)
    values = layers.AveragePooling2D(2, 2)(values)
    values = layers.Dropout(0.3)(layers.Flatten()(values))
    return layers.Dense(20, activation="tanh")(values)


def separable(values):
    values = layers.Conv2D(4, 3, use_bias=False)(values)
    for filters in (6, 8):
        before = values
        values = layers.Activation("relu")(layers.BatchNormalization()(values))
        values = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(values)
        values = layers.MaxPooling2D(3, strides=2, padding="same")(values)
        before = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(before)
        values = layers.add([values, before])
    return layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(values))


def squeeze_and_excite(values):
    values = layers.Conv2D(8, 3)(values)
    gates = layers.GlobalAveragePooling2D()(values)
    gates = layers.Reshape((1, 1, 8))(layers.Dense(8, activation="sigmoid")(gates))
    return layers.GlobalMaxPooling2D()(layers.Multiply()([values, gates]))


def wide_and_deep(values):
    deep = body(layers.Dense(8, activation="relu"), layers.Dense(4, activation="selu"))(values)
    return layers.Concatenate()([values, deep])


def twice_the_same(values):
    shared = layers.Dense(values.shape[-1], activation="relu")
    once = shared(values)
    return layers.Subtract()([shared(once), layers.Average()([values, once, values])])


def extremes(values):
    others = [layers.Dense(5)(values) for _ in range(3)]
    return layers.Maximum()([layers.Minimum()(others), layers.Multiply()(others)])


NETS = {
    "residual": (residual, (9, 8, 3)),
    "inception": (inception, (9, 8, 3)),
    "lenet": (lenet, (20, 20, 1)),
    "separable": (separable, (15, 14, 3)),
    "squeeze and excite": (squeeze_and_excite, (6, 6, 2)),
    "wide and deep": (wide_and_deep, (6,)),
    "twice the same": (twice_the_same, (6,)),
    "extremes": (extremes, (6,)),
}
