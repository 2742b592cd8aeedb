"""A fitted net as arrays, and its forward pass in NumPy and SciPy.

Nothing here knows Keras, scikit-learn or labels: an `Architecture` and a list of weights, in the
order of Keras's own ``get_weights()``, turn rows into logits. Float64 rows are computed in float64,
so that a row's logits depend on the rows beside it in the last bits at most, and float32 rows in
float32.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

# Values of a layer to hold at a time: few enough for the cache, and so many that BLAS is called
# seldom, since each call waits for all its threads.
_VALUES_PER_CHUNK = 1 << 19
# Cutting CSR rows copies them, and only their hidden layers are dense.
_SPARSE_VALUES_PER_CHUNK = 1 << 22
# The patches of a convolution take kernel height x width times the memory of its images.
_IMAGE_VALUES_PER_CHUNK = 1 << 18


@dataclass(frozen=True)
class Architecture:
    """What a net looks like, without its weights; hashable.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_features,)``, or ``(height, width, channels)`` of an image.
    hidden_layer_sizes : tuple of int
        Units of each hidden dense layer.
    n_outputs : int
        1 for one sigmoid unit, otherwise the number of softmax units.
    activation : str
        Keras's name of the activation of every hidden layer.
    dropout : float
        Dropout rate after each hidden dense layer.
    l2 : float
        L2 penalty on all kernels.
    filters : tuple of int
        Filters of each block of convolution and max-pooling, before the dense layers.
    kernel_size, pool_size : tuple of int
        ``(height, width)`` of the convolutions and of the pooling windows.
    sparse : bool
        Whether the training rows are sparse.
    """

    input_shape: tuple
    hidden_layer_sizes: tuple
    n_outputs: int
    activation: str
    dropout: float = 0.0
    l2: float = 0.0
    filters: tuple = ()
    kernel_size: tuple = (3, 3)
    pool_size: tuple = (2, 2)
    sparse: bool = False


def weight_shapes(architecture):
    """Shapes of a net's weights: kernel and bias of each layer, first to last.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    list of tuple of int
    """
    shapes, n_values = [], architecture.input_shape[0]
    if architecture.filters:
        height, width, channels = architecture.input_shape
        for filters in architecture.filters:
            shapes += [(*architecture.kernel_size, channels, filters), (filters,)]
            height, width = (
                -(-size // pool)
                for size, pool in zip((height, width), architecture.pool_size, strict=True)
            )
            channels = filters
        n_values = height * width * channels
    for units in (*architecture.hidden_layer_sizes, architecture.n_outputs):
        shapes += [(n_values, units), (units,)]
        n_values = units
    return shapes


def _softplus(z):
    return np.logaddexp(0, z)


def _elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _hard_sigmoid(z):
    return np.clip(z / 6 + 0.5, 0, 1)


# Keras's names and definitions (https://keras.io/api/layers/activations/), element by element.
ACTIVATIONS = {
    "celu": _elu,
    "elu": _elu,
    "exponential": np.exp,
    "gelu": lambda z: z * special.ndtr(z),
    "hard_shrink": lambda z: np.where(np.abs(z) > 0.5, z, 0),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda z: z * _hard_sigmoid(z),
    "hard_swish": lambda z: z * _hard_sigmoid(z),
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.2 * z),
    "linear": lambda z: z,
    "log_sigmoid": special.log_expit,
    "log_softmax": lambda z: special.log_softmax(z, axis=-1),
    "mish": lambda z: z * np.tanh(_softplus(z)),
    "relu": lambda z: np.maximum(z, 0, out=z),
    "relu6": lambda z: np.clip(z, 0, 6, out=z),
    "selu": lambda z: (
        1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))
    ),
    "sigmoid": special.expit,
    "silu": lambda z: z * special.expit(z),
    "soft_shrink": lambda z: np.sign(z) * np.maximum(np.abs(z) - 0.5, 0),
    "softmax": lambda z: special.softmax(z, axis=-1),
    "softplus": _softplus,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "squareplus": lambda z: (z + np.hypot(z, 2)) / 2,  # whose squares would overflow
    "swish": lambda z: z * special.expit(z),
    "tanh": np.tanh,
    "tanh_shrink": lambda z: z - np.tanh(z),
}


def logits(architecture, weights, X):
    """Values of the output layer before its sigmoid or softmax.

    Parameters
    ----------
    architecture : Architecture
        Its activation must be one of `ACTIVATIONS`.
    weights : list of ndarray
        Kernel and bias of each layer, first to last.
    X : {ndarray, CSR} of shape (n_rows, n_values), dtype float32 or float64
        Rows; images with their pixels flattened.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), dtype float64
    """
    weights = [weight.astype(X.dtype, copy=False) for weight in weights]
    out = np.empty((X.shape[0], architecture.n_outputs))
    step = _rows_per_chunk(architecture, sparse.issparse(X))
    for start in range(0, X.shape[0], step):
        chunk = slice(start, start + step)
        rows = X if X.shape[0] <= step else X[chunk]
        out[chunk] = output_layer(weights, _hidden_values(architecture, weights, rows))
    return out


def output_layer(weights, hidden):
    """Logits from the values of the last hidden layer."""
    kernel, bias = weights[-2:]
    return hidden @ kernel + bias


def _rows_per_chunk(architecture, is_sparse):
    widest = max(architecture.n_outputs, *architecture.hidden_layer_sizes, 1)
    if architecture.filters:
        pixels = int(np.prod(architecture.input_shape)) * max(architecture.filters)
        widest, most = max(widest, pixels), _IMAGE_VALUES_PER_CHUNK
    elif is_sparse:
        most = _SPARSE_VALUES_PER_CHUNK
    else:
        widest, most = max(widest, architecture.input_shape[0]), _VALUES_PER_CHUNK
    return max(1, most // widest)


def _hidden_values(architecture, weights, values):
    """Values that reach the output layer, for one chunk of rows."""
    activation = ACTIVATIONS[architecture.activation]
    layers = list(zip(weights[0:-2:2], weights[1:-2:2], strict=True))
    if architecture.filters:
        values = values.reshape(-1, *architecture.input_shape)
        for kernel, bias in layers[: len(architecture.filters)]:
            values = activation(convolve_same(values, kernel, bias))
            values = max_pool_same(values, architecture.pool_size)
        values = values.reshape(len(values), -1)
    for kernel, bias in layers[len(architecture.filters) :]:
        values = values @ kernel
        values += bias
        values = activation(values)
    return values


def convolve_same(images, kernel, bias):
    """2-D cross-correlation with zero padding, as `keras.layers.Conv2D` with ``padding="same"``.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
    kernel : ndarray of shape (kernel_height, kernel_width, channels, filters)
    bias : ndarray of shape (filters,)

    Returns
    -------
    ndarray of shape (n, height, width, filters)
    """
    kernel_height, kernel_width, channels, filters = kernel.shape
    (n, height, width), size = images.shape[:3], (kernel_height, kernel_width)
    rows, columns = (((length - 1) // 2, length // 2) for length in size)
    padded = np.pad(images, ((0, 0), rows, columns, (0, 0)))
    # One contiguous plane for each value of a patch, so that one BLAS product does the rest.
    planes = np.empty((*size, channels, n, height, width), dtype=images.dtype)
    for i, j in np.ndindex(size):
        planes[i, j] = np.moveaxis(padded[:, i : i + height, j : j + width], -1, 0)
    product = planes.reshape(-1, n * height * width).T @ kernel.reshape(-1, filters)
    return (product + bias).reshape(n, height, width, filters)


def max_pool_same(images, pool_size):
    """Maximum of each window, as `keras.layers.MaxPooling2D` with ``padding="same"``.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
    pool_size : tuple of int
        ``(height, width)`` of the windows, which do not overlap.

    Returns
    -------
    ndarray of shape (n, ceil(height / pool), ceil(width / pool), channels)
    """
    sizes = images.shape[1:3]
    pool_size = [min(pool, size) for pool, size in zip(pool_size, sizes, strict=True)]
    missing = [-size % pool for size, pool in zip(sizes, pool_size, strict=True)]
    if any(missing):
        rows, columns = ((total // 2, total - total // 2) for total in missing)
        images = np.pad(images, ((0, 0), rows, columns, (0, 0)), constant_values=-np.inf)
    (pool_height, pool_width), (n, height, width, channels) = pool_size, images.shape
    windows = images.reshape(
        n, height // pool_height, pool_height, width // pool_width, pool_width, channels
    )
    return windows.max(axis=(2, 4))
