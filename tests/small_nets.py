"""Builds small nets directly, without a classifier."""

from skclf.nets import Convolution, Dense, Dropout, Flatten, LayeredNet, MaxPooling


def layered_net(
    input_shape=(2,),
    hidden_layer_sizes=(2,),
    n_outputs=1,
    activation="relu",
    dropout=0.0,
    l2=0.0,
    filters=(),
    kernel_size=(3, 3),
    pool_size=(2, 2),
    sparse=False,
):
    """The net that a classifier builds from the parameters of the same names."""
    penalties = (("l2", l2),) if l2 else ()
    layers = []
    for count in filters:
        layers += [Convolution(count, kernel_size, activation, penalties), MaxPooling(pool_size)]
    if filters:
        layers.append(Flatten())
    for units in hidden_layer_sizes:
        layers.append(Dense(units, activation, penalties))
        if dropout:
            layers.append(Dropout(dropout))
    layers.append(Dense(n_outputs, "sigmoid" if n_outputs == 1 else "softmax", penalties))
    return LayeredNet(input_shape, tuple(layers), sparse)
