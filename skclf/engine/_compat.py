"""Private names of Keras, TensorFlow and SciPy, each with a fallback for versions that lack it.

No other file of the engine reads a private attribute of these libraries. Where one is missing, a
single warning says what skclf does instead: training is slower or less convenient, with the same
result unless the warning says otherwise.
"""

import sys
import warnings

import keras
import numpy as np
import tensorflow as tf

try:
    from scipy.sparse import _sparsetools
except ImportError:
    _sparsetools = None

_warned_of: set[str] = set()


def _warn_once(name, consequence, results="Results stay the same."):
    if name not in _warned_of:
        _warned_of.add(name)
        warnings.warn(
            f"The installed version of Keras, TensorFlow or SciPy lacks {name}, which skclf relies "
            f"on: {consequence}. {results} Update skclf, or install the versions that it was "
            "tested with.",
            RuntimeWarning,
            stacklevel=3,
        )


def optimizer_slots(optimizer, *names):
    """The lists of an optimizer's slot variables, one for each name, or None if one is missing.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Built.
    *names : str
        Such as ``"_velocities"``.

    Returns
    -------
    list of list of keras.Variable, or None
    """
    missing = [name for name in (*names, "_get_variable_index") if not hasattr(optimizer, name)]
    if missing:
        _warn_once(f"{type(optimizer).__name__}.{missing[0]}", "its updates are not fused")
        return None
    return [getattr(optimizer, name) for name in names]


def place_of(optimizer, variable):
    """Position of a trainable variable in the lists returned by `optimizer_slots`."""
    return optimizer._get_variable_index(variable)


def skip_all_reduce(optimizer):
    """Make an optimizer skip the sum of the gradients over replicas, since there is only one.

    Keras sums them by `ReplicaContext.all_reduce`, which uses `tf.custom_gradient`, so the graph of
    each net would stay in memory for good (tensorflow#27492).
    """
    name = "_all_reduce_sum_gradients"
    if hasattr(optimizer, name):
        setattr(optimizer, name, list)
    elif isinstance(optimizer, keras.Optimizer):
        _warn_once(f"Optimizer.{name}", "each new kind of net takes up memory permanently")


def learning_rate_variable(optimizer):
    """The variable, schedule or function that gives an optimizer's learning rate.

    Returns
    -------
    keras.Variable, keras.optimizers.schedules.LearningRateSchedule, callable or None
        None where it can't be found.
    """
    # A `keras.optimizers.LossScaleOptimizer` has no learning rate of its own.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(optimizer, "_learning_rate"):
        return optimizer._learning_rate
    # The public `learning_rate` gives the current value of a schedule, not the schedule.
    _warn_once("Optimizer._learning_rate", "a schedule is created again from its configuration")
    return None


def direction_of(metric):
    """``"up"`` or ``"down"`` if Keras says which values of a metric are better, else None."""
    return getattr(metric, "_direction", None)


def wrapped_function(metric):
    """The function whose mean a metric computes, or None for other metrics."""
    if not isinstance(metric, keras.metrics.MeanMetricWrapper):
        return None
    if hasattr(metric, "_fn"):
        return metric._fn
    _warn_once("MeanMetricWrapper._fn", "metric functions are updated batch by batch")
    return None


def keras_state():
    """The module that holds Keras's state of the current thread, or None if it is missing.

    It has ``get_global_attribute`` and ``set_global_attribute``.
    """
    # Looked up in `sys.modules`: an import of a private module could fail, and Keras has loaded it.
    state = sys.modules.get("keras.src.backend.common.global_state")
    if not hasattr(state, "set_global_attribute") or not hasattr(state, "get_global_attribute"):
        _warn_once(
            "backend.common.global_state",
            "nets are compiled again for each fit, and random_state doesn't seed Keras's functions",
            "Results vary between fits if a layer calls keras.random without a seed.",
        )
        return None
    return state


def module_of_default_seeds():
    """The module in which Keras draws default seeds, or None if it is missing.

    Keras draws from the module's attribute ``python_random``, which is Python's `random`.
    """
    module = sys.modules.get("keras.src.random.seed_generator")
    if not hasattr(module, "python_random"):
        _warn_once(
            "random.seed_generator",
            "random_state doesn't seed layers without seeds",
            "Results vary between fits unless these layers are given seeds.",
        )
        return None
    return module


def nodes_of(model):
    """The nodes of a functional model in topological order, inputs first, or None.

    A node has ``operation``, ``arguments`` with ``args`` and ``kwargs``, and ``outputs``.
    """
    by_depth = getattr(model, "_nodes_by_depth", None)
    if by_depth is None:
        _warn_once("Functional._nodes_by_depth", "nets are compiled again for each fit")
        return None
    # Keras counts depths from the outputs, so the inputs have the largest.
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def starts_at(model, initial_epoch):
    """Number of the first epoch, which `keras.callbacks.BackupAndRestore` may have changed."""
    return getattr(model, "_initial_epoch", None) or initial_epoch


def forget_start(model):
    """Reset the first epoch that `keras.callbacks.BackupAndRestore` has set in an earlier fit."""
    if getattr(model, "_initial_epoch", None) is not None:
        model._initial_epoch = None


def build_metrics(model, X, y, sample_weight):
    """Create the variables of a model's metrics from shapes and types, without values.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    X, y, sample_weight : keras.KerasTensor

    Returns
    -------
    bool
        Whether the installed version of Keras can do so.
    """
    if not hasattr(model, "_symbolic_build"):
        _warn_once("Model._symbolic_build", "metrics are built with an update that is then undone")
        return False
    model._symbolic_build(data_batch=(X, y, sample_weight))
    return True


def compiled_call(function, executor):
    """Wrap a compiled function in a callable with less overhead, from tensors to outputs.

    TensorFlow binds and checks the arguments of a `ConcreteFunction` at each call, which takes as
    long as an epoch of the smallest nets. So the operation that runs the graph is called directly.

    Parameters
    ----------
    function : tensorflow.types.experimental.ConcreteFunction
    executor : str
        ``"SINGLE_THREADED_EXECUTOR"``, or ``""`` for TensorFlow's default.
    """
    needed = ("name", "outputs", "captured_inputs", "structured_outputs")
    missing = [f"ConcreteFunction.{name}" for name in needed if not hasattr(function, name)]
    if not hasattr(tf.raw_ops, "StatefulPartitionedCall"):
        missing.append("raw_ops.StatefulPartitionedCall")
    if missing:
        _warn_once(missing[0], "compiled epochs start more slowly")
        return function
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    config.graph_options.rewrite_options.disable_meta_optimizer = bool(executor)
    options = {
        "f": function.name,
        "Tout": [output.dtype for output in function.outputs],
        "config_proto": config.SerializeToString(),
        "executor_type": executor,
    }
    captured = function.captured_inputs

    def call(*tensors):
        outputs = tf.raw_ops.StatefulPartitionedCall(args=[*tensors, *captured], **options)
        return tf.nest.pack_sequence_as(function.structured_outputs, outputs)

    return call


def sparse_tools():
    """SciPy's private module of kernels for sparse matrices, or None if one of them is missing."""
    names = ("csr_row_index", "csr_matvecs", "csc_matvecs")
    missing = [name for name in names if not hasattr(_sparsetools, name)]
    if missing:
        _warn_once(f"scipy.sparse._sparsetools.{missing[0]}", "sparse rows are copied more often")
        return None
    return _sparsetools


# The alignment in bytes that TensorFlow's kernels expect of tensors (`Tensor::IsAligned`): Eigen
# loads as many at a time.
_ALIGNMENT = 64


def aligned_memory(shape):
    """An uninitialized float32 array whose memory a tensor can share."""
    n_bytes = 4 * int(np.prod(shape))
    # NumPy aligns to 16 bytes only, so some bytes at the start are skipped.
    memory = np.empty(n_bytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + n_bytes].view(np.float32).reshape(shape)


def shared_tensor(array):
    """A tensor that shares the memory of an array made by `aligned_memory`."""
    # `tf.constant` always copies.
    from_dlpack = getattr(getattr(tf.experimental, "dlpack", None), "from_dlpack", None)
    if from_dlpack is None:
        _warn_once("experimental.dlpack.from_dlpack", "rows are copied once more in each epoch")
        return tf.constant(array)
    return from_dlpack(array.__dlpack__())


def raw_operations(*names, without="the updates of the optimizer are not fused"):
    """Whether TensorFlow has these raw operations; the warning says ``without`` if it hasn't."""
    missing = [name for name in names if not hasattr(tf.raw_ops, name)]
    if missing:
        _warn_once(f"raw_ops.{missing[0]}", without)
    return not missing
