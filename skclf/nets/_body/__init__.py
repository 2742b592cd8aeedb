"""The layers of nets that users write in Keras: one file for each kind.

A kind here can be made of a Keras layer, and predicts without Keras. It takes the options and the
ranks that Keras's own layer has, which the layers of skclf's own nets, one folder above, need not.
"""

from skclf.nets._body._batch_normalization import BatchNormalization
from skclf.nets._body._dense import BodyDense
from skclf.nets._body._identity import Identity
from skclf.nets._body._layer import BodyLayer
from skclf.nets._body._merging import Merging

KINDS: dict[str, type[BodyLayer]] = {
    layer.kind: layer for layer in (BatchNormalization, BodyDense, Identity, Merging)
}

__all__ = ["KINDS", "BodyDense", "BodyLayer"]
