"""Nets as sequences of layers, and what can be done with one.

A layer is a file: its options, the shapes of its weights, its forward pass in NumPy, the Keras
layer that trains it, its ONNX nodes. A net is an immutable value that owns no weights; with a list
of arrays it predicts. Keras and ONNX are imported inside the functions that need them, so that
predicting loads neither.
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
