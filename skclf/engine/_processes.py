"""TensorFlow and processes: its share of the cores in a worker, and where it can't train."""

import multiprocessing
import os
from contextlib import nullcontext

import keras
import tensorflow as tf

_process = None  # the one that has run TensorFlow's operations


def limit_threads():
    """In a worker process, keep TensorFlow to as many threads as the worker may use.

    joblib tells its workers by ``OMP_NUM_THREADS``, which TensorFlow doesn't ask for. Where
    TensorFlow runs already, its threads are left as they are.
    """
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    if multiprocessing.parent_process() is None or not allowed.isdecimal():
        return
    threading = tf.config.threading
    try:
        if threading.get_intra_op_parallelism_threads() == 0:  # nobody has chosen
            threading.set_intra_op_parallelism_threads(int(allowed))
            threading.set_inter_op_parallelism_threads(int(allowed))
    except RuntimeError:
        return


def check_process():
    """Raise a RuntimeError where no net can be trained.

    That is in a process that was forked from one that has used TensorFlow, where TensorFlow only
    notes operations down instead of running them, where a strategy may spread training over several
    devices, and where Keras computes in another float type.
    """
    global _process
    if _process is None:
        _process = os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "This process was forked from one that had trained a net, and TensorFlow's threads "
            "don't survive a fork: it would wait for them forever. Start processes by 'spawn' or "
            "'forkserver', or let joblib do it (n_jobs with its own backend, loky)."
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "TensorFlow builds a graph here instead of computing: leave tf.Graph or tf.function "
            "first, and don't call tf.compat.v1.disable_eager_execution."
        )
    strategy = current_strategy()
    if not isinstance(strategy, tf.distribute.OneDeviceStrategy | None):
        raise RuntimeError(
            f"Got a {type(strategy).__name__} with {strategy.num_replicas_in_sync} replicas as the "
            "current tf.distribute strategy, but a net is trained on one device: leave the "
            "strategy's scope first, or use tf.distribute.OneDeviceStrategy."
        )
    if keras.config.floatx() != "float32":
        raise RuntimeError(
            f"Keras's float type is {keras.config.floatx()!r} in this process, and nets are "
            "trained in float32: call keras.config.set_floatx('float32') first."
        )


def current_strategy():
    """The `tf.distribute.Strategy` whose variables a new net would have; None for the default."""
    return tf.distribute.get_strategy() if tf.distribute.has_strategy() else None


def replica():
    """The context to compile a step in, where Keras's optimizers need one of a strategy's devices.

    Outside of every strategy's scope TensorFlow provides it by itself.
    """
    strategy = current_strategy()
    return nullcontext() if strategy is None else tf.distribute.ReplicaContext(strategy, 0)
