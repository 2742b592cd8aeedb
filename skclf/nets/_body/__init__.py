"""The layers of users' Keras nets: one file for each kind, or for a few similar ones.

Each kind can be created from a Keras layer, and predicts without Keras. It supports the options and
ranks of that layer; the layers of skclf's own nets, one folder above, don't need to.
"""

from skclf.nets._body._activation import ELU, Activation, PReLU, Rectifier
from skclf.nets._body._batch_normalization import BatchNormalization
from skclf.nets._body._convolution import BodyConvolution
from skclf.nets._body._dense import BodyDense
from skclf.nets._body._depthwise import DepthwiseConvolution
from skclf.nets._body._embedding import Embedding
from skclf.nets._body._identity import Identity
from skclf.nets._body._layer import BodyLayer
from skclf.nets._body._layer_normalization import LayerNormalization
from skclf.nets._body._masked import MaskedAverage
from skclf.nets._body._merging import OPERATIONS, Arithmetic, Concatenate, Merging
from skclf.nets._body._normalization import Normalization
from skclf.nets._body._pooling import GlobalPooling, Pooling
from skclf.nets._body._scaling import Rescaling
from skclf.nets._body._shapes import Permute, Reshape, ZeroPadding

KINDS: dict[str, type[BodyLayer]] = {
    layer.kind: layer
    for layer in (
        Activation,
        Arithmetic,
        BatchNormalization,
        BodyConvolution,
        BodyDense,
        Concatenate,
        DepthwiseConvolution,
        ELU,
        Embedding,
        GlobalPooling,
        Identity,
        LayerNormalization,
        MaskedAverage,
        Merging,
        Normalization,
        Permute,
        Pooling,
        PReLU,
        Rectifier,
        Rescaling,
        Reshape,
        ZeroPadding,
    )
}

__all__ = [
    "ELU",
    "KINDS",
    "OPERATIONS",
    "Activation",
    "Arithmetic",
    "BatchNormalization",
    "BodyDense",
    "BodyLayer",
    "Concatenate",
    "Embedding",
    "GlobalPooling",
    "Identity",
    "MaskedAverage",
    "Merging",
    "Rectifier",
    "Rescaling",
    "Reshape",
]
