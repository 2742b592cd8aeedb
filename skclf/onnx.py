"""Save fitted classifiers as ONNX files, which run without Python.

The graph is built from the arrays of a fitted net, without Keras and TensorFlow. Its inputs and
outputs are like those of scikit-learn's classifiers that ``skl2onnx`` converts with "zipmap" turned
off. It needs the package onnx: ``pip install 'skclf[onnx]'``, or ``'.[onnx]'`` in a clone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skclf._fitted import FittedNet
from skclf.nets import ACTIVATIONS, OpaqueNet

if TYPE_CHECKING:
    from os import PathLike

# The version of ONNX's operators (June 2022), which has all that are needed here, and the file
# format of the same release.
_OPSET, _FORMAT = 17, 8

__all__ = ["to_onnx"]


def to_onnx(estimator: FittedNet, path: str | PathLike[str]) -> None:
    """Write a fitted classifier as an ONNX model.

    The model has one input, ``X``, of shape ``(n_samples, n_features_in_)`` and type float32.
    Images are flattened row by row, with the channels last. The model has two outputs: ``label``,
    of shape ``(n_samples,)`` and type int64 or string, and ``probabilities``, of shape
    ``(n_samples, n_classes)`` and type float32, in the order of ``classes_``. The number of rows is
    variable.

    Boolean labels become 0 and 1, as in ``skl2onnx``. For a classifier that predicts several
    labels per row, ``label`` is an int64 indicator matrix of shape ``(n_samples, n_labels)``,
    computed with the ``threshold`` at the time the file is written.

    Parameters
    ----------
    estimator : classifier of skclf
        The fitted classifier.
    path : str or os.PathLike
        The file to write, usually with the suffix ``.onnx``. An existing file is overwritten.

    Raises
    ------
    ImportError
        If the package ``onnx`` is not installed.
    TypeError
        If the estimator is not a classifier of skclf, for example a Pipeline.
    ValueError
        If a layer, an activation or the labels have no equivalent in ONNX.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    Notes
    -----
    The model computes in float32, as `predict_proba` does for float32 rows, but with different
    rounding: probabilities usually agree to about 1e-6, and labels may differ if two probabilities
    are that close. The model doesn't check its input. For rows with NaN or infinity, for which
    `predict` raises an error, its output is meaningless. It uses opset 17 of ONNX's operators.

    References
    ----------
    The operators: https://onnx.ai/onnx/operators/

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import onnxruntime
    >>> from skclf import BinaryDenseClassifier
    >>> from skclf.datasets import make_low_high
    >>> from skclf.onnx import to_onnx
    >>> X, y = make_low_high(400, random_state=0, return_X_y=True)
    >>> clf = BinaryDenseClassifier(learning_rate=0.01, random_state=0).fit(X / 100, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(clf, f"{folder}/low_high.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/low_high.onnx")
    >>> rows = np.array([[0.9, 0.8, 0.7, 0.9], [0.1, 0.3, 0.2, 0.2]], dtype=np.float32)
    >>> label, probabilities = session.run(None, {"X": rows})
    >>> label
    array(['high', 'low'], dtype=object)
    >>> probabilities.shape
    (2, 2)
    """
    _check_estimator(estimator)
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "skclf.onnx needs the package onnx, which is not installed. Install it with "
            "pip install 'skclf[onnx]', or '.[onnx]' in a clone."
        ) from error
    from skclf import __version__

    graph = _Graph()
    estimator._net.add_to(graph, estimator._weights)
    target = estimator._target
    labels = target.add_to(graph, getattr(estimator, "threshold", 0.5))
    model = onnx.helper.make_model(
        _graph_of_onnx(graph, estimator.n_features_in_, labels, target.label_shape),
        producer_name="skclf",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_FORMAT,
    )
    onnx.checker.check_model(model)
    Path(path).write_bytes(model.SerializeToString())


def _check_estimator(estimator):
    if not isinstance(estimator, FittedNet):
        name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
        raise TypeError(
            f"Got {name}; expected a fitted classifier of skclf. For a Pipeline, pass the last "
            "step, to_onnx(pipeline[-1], path), and transform the rows by the other steps, which "
            "skl2onnx can convert."
        )
    check_is_fitted(estimator)
    net = estimator._net
    if isinstance(net, OpaqueNet) and not net.is_known:
        raise ValueError(
            "Got a network with layers that only Keras can compute; expected layers that the user "
            "guide lists for ONNX. Use Keras's own clf.model_.export instead."
        )
    for layer in getattr(net, "unknown_layers", ()):
        raise ValueError(
            f"Got a net with activation={layer.activation!r}, which only Keras can compute; "
            f"expected one of {', '.join(ACTIVATIONS)}."
        )


class _Graph:
    """A graph under construction, from its input on; each node has the name of its output.

    Attributes
    ----------
    nodes, constants : list
        The ONNX nodes and initializers so far.
    last : str
        Name of the default input of the next node.
    """

    def __init__(self):
        self.nodes, self.constants, self.last = [], [], "X"

    def add(self, operator, *inputs, name=None, **attributes):
        """Add a node, by default on the last value, and make its output the last one.

        Parameters
        ----------
        operator : str
            Name of the ONNX operator.
        *inputs : str or ndarray
            Names of values, or constants. Without any, the input is the last value.
        name : str or None
            Name of the output. None is the name of the operator with a number.
        **attributes
            Attributes of the operator.

        Returns
        -------
        str
            The output's name.
        """
        from onnx import helper

        name = name or f"{operator.lower()}_{len(self.nodes)}"
        names = [
            value if isinstance(value, str) else self._constant(f"{name}_{number}", value)
            for number, value in enumerate(inputs or (self.last,))
        ]
        self.nodes.append(helper.make_node(operator, names, [name], name=name, **attributes))
        self.last = name
        return name

    def _constant(self, name, value):
        from onnx import TensorProto, helper, numpy_helper

        if value.dtype == object:
            texts = [text.encode() for text in value]
            tensor = helper.make_tensor(name, TensorProto.STRING, value.shape, texts)
        else:
            tensor = numpy_helper.from_array(np.ascontiguousarray(value), name)
        self.constants.append(tensor)
        return name


def _graph_of_onnx(graph, n_features, labels, label_shape):
    from onnx import TensorProto, helper

    kind = TensorProto.STRING if labels.dtype == object else TensorProto.INT64
    rows, n_classes = "n_samples", len(labels)
    return helper.make_graph(
        graph.nodes,
        "skclf",
        inputs=[helper.make_tensor_value_info("X", TensorProto.FLOAT, [rows, n_features])],
        outputs=[
            helper.make_tensor_value_info("label", kind, [rows, *label_shape]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [rows, n_classes]),
        ],
        initializer=graph.constants,
    )
