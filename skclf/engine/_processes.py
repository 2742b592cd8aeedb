"""TensorFlow and its process: threads in workers, and states in which no net can be trained.

Nothing here looks at a net; `check_process` is called before one is built.
"""

import multiprocessing
import os
from contextlib import nullcontext

import keras
import tensorflow as tf

# Id of the process that first called `check_process`, and so started TensorFlow's threads.
_process = None


def limit_threads():
    """Limit TensorFlow's threads in a worker process to the number that the worker may use.

    joblib sets ``OMP_NUM_THREADS`` in its workers, which TensorFlow ignores. If TensorFlow has
    started its threads already, their number can't be changed.
    """
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    if multiprocessing.parent_process() is None or not allowed.isdecimal():
        return
    threading = tf.config.threading
    try:
        if threading.get_intra_op_parallelism_threads() == 0:  # 0 is the default: not set by anyone
            threading.set_intra_op_parallelism_threads(int(allowed))
            threading.set_inter_op_parallelism_threads(int(allowed))
    except RuntimeError:  # TensorFlow is initialized
        return


def check_process():
    """Raise a RuntimeError if no net can be trained in the current state of the process.

    This is so in a process that was forked from one that had used TensorFlow, while TensorFlow
    builds a graph, under a strategy that may use several devices, and if Keras's float type isn't
    float32.
    """
    global _process
    if _process is None:
        _process = os.getpid()
    # A forked process has TensorFlow's state but not its threads, and hangs (tensorflow#5448).
    if _process != os.getpid():
        raise RuntimeError(
            "Got a process that was forked from one that had trained a net; expected one that was "
            "not forked, since TensorFlow's threads don't survive a fork and training would hang. "
            "Start processes with 'spawn' or 'forkserver', or let joblib start them (n_jobs with "
            "its default backend, loky)."
        )
    if not tf.executing_eagerly():
        raise RuntimeError(
            "Got a context in which TensorFlow builds a graph; expected eager execution. To train, "
            "leave tf.Graph or tf.function first, and don't call "
            "tf.compat.v1.disable_eager_execution."
        )
    strategy = current_strategy()
    if not isinstance(strategy, tf.distribute.OneDeviceStrategy | None):
        raise RuntimeError(
            f"Got a {type(strategy).__name__} with {strategy.num_replicas_in_sync} replicas as the "
            "current tf.distribute strategy; expected none or a tf.distribute.OneDeviceStrategy, "
            "since a net is trained on one device. Leave the strategy's scope before you train."
        )
    if keras.config.floatx() != "float32":
        raise RuntimeError(
            f"Got the float type {keras.config.floatx()!r} from keras.config.floatx(); expected "
            "'float32', in which nets are trained. Call keras.config.set_floatx('float32') first."
        )


def current_strategy():
    """The `tf.distribute.Strategy` in whose scope a new net would be made, or None."""
    return tf.distribute.get_strategy() if tf.distribute.has_strategy() else None


def replica():
    """The context in which to compile a step.

    Keras's optimizers need a replica context. TensorFlow provides one by default, but not within
    the scope of a strategy.
    """
    strategy = current_strategy()
    return nullcontext() if strategy is None else tf.distribute.ReplicaContext(strategy, 0)
