"""Small Keras models with random weights, and a check that their graphs compute the same."""

from importlib.util import find_spec

import keras
import numpy as np

from skclf.nets import graph_from_state, graph_of
from skclf.onnx import _Graph

HAS_ONNX = find_spec("onnx") is not None and find_spec("onnxruntime") is not None


def head(values, n_outputs=3):
    """The output layer, without an activation, so that the model's outputs are logits."""
    if len(values.shape) > 2:
        values = keras.layers.Flatten()(values)
    return keras.layers.Dense(n_outputs, name="output")(values)


def new_model(shape, call, n_outputs=3, scale=0.5):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, head(call(inputs), n_outputs))
    random = np.random.RandomState(1)
    for weight in model.weights:
        value = random.normal(scale=scale, size=weight.shape)
        # Variances are positive.
        weight.assign(np.abs(value) + 0.2 if weight.name == "moving_variance" else value)
    return model


def assert_same_everywhere(model, X=None, tolerance=2e-5):
    """The graph computes the same as Keras, in NumPy and in ONNX, and its state round-trips."""
    net, weights = graph_of(model), model.get_weights()
    assert net is not None
    assert graph_from_state(net.to_state()) == net
    if X is None:
        X = np.random.RandomState(2).normal(size=(7, int(np.prod(net.input_shape))))
    X = X.astype(np.float32)
    expected = np.asarray(model(X.reshape(-1, *net.input_shape), training=False))
    largest = max(1, np.abs(expected).max())
    for rows in (X, X.astype(np.float64)):
        assert np.abs(net.logits(weights, rows) - expected).max() < tolerance * largest
    if HAS_ONNX:
        assert np.abs(in_onnx(net, weights, X) - expected).max() < tolerance * largest


def in_onnx(net, weights, X):
    """Convert the net to ONNX, check the model and compute its logits with onnxruntime."""
    import onnx
    import onnxruntime

    graph = _Graph()
    net.add_to(graph, weights)
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "net",
            [helper.make_tensor_value_info("X", kind, ["n", X.shape[1]])],
            [helper.make_tensor_value_info(graph.last, kind, ["n", net.n_outputs])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    options = {"providers": ["CPUExecutionProvider"]}
    session = onnxruntime.InferenceSession(model.SerializeToString(), **options)
    (found,) = session.run(None, {"X": X})
    return found
