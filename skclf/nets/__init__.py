"""Nets and their layers, and how to predict with them in NumPy.

Each kind of layer has a file with its options, the shapes of its weights, its forward pass in
NumPy, the Keras layer that is trained, and its ONNX nodes. A net is immutable and has no weights;
to predict, it takes them as a list of arrays. Keras is imported only inside the functions that need
it, and the ONNX graph is passed in, so predicting loads neither of them. Nothing here trains.
"""

from skclf.nets._activations import ACTIVATIONS
from skclf.nets._convolution import Convolution
from skclf.nets._dense import Dense
from skclf.nets._dropout import Dropout
from skclf.nets._flatten import Flatten
from skclf.nets._graph import GraphNet, Node
from skclf.nets._graph_of_keras import graph_of
from skclf.nets._graph_state import graph_from_state
from skclf.nets._layer import Layer
from skclf.nets._layered import (
    LayeredNet,
    initial_generator_states,
    initial_weights,
    net_from_state,
)
from skclf.nets._opaque import OpaqueNet, opaque_net_from_state
from skclf.nets._pooling import MaxPooling
from skclf.nets._regularizers import REGULARIZERS, penalties_of

__all__ = [
    "ACTIVATIONS",
    "REGULARIZERS",
    "Convolution",
    "Dense",
    "Dropout",
    "Flatten",
    "GraphNet",
    "Layer",
    "LayeredNet",
    "MaxPooling",
    "Node",
    "OpaqueNet",
    "graph_from_state",
    "graph_of",
    "initial_generator_states",
    "initial_weights",
    "net_from_state",
    "opaque_net_from_state",
    "penalties_of",
]
