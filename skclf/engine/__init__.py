"""The engine: trains nets with TensorFlow. Other modules import only the names listed here.

A `Net` is a `keras.Model` whose ``fit`` runs each epoch as one compiled graph. It owns its
variables, its optimizer and its compiled programs, and it outlives the fit that made it: `borrow`
lends an idle net of the wanted kind to one user at a time and takes it back after the fit. A fitted
estimator stores arrays, never a net.

NumPy arrays and SciPy CSR matrices go in and come out; tensors never leave the engine. It imports
neither scikit-learn nor SciKeras, nor anything else of skclf, and it doesn't handle labels. Since
SciKeras calls ``fit``, both kinds of nets have the attributes and arguments that SciKeras expects.
"""

from skclf.engine._interrupts import uninterrupted

# These imports load TensorFlow, and an interrupted import of it can't be repaired in the process.
with uninterrupted():
    from skclf.engine._arrays import Batches, batch_order
    from skclf.engine._cache import borrow, clear_cache, kept
    from skclf.engine._compat import learning_rate_variable, nodes_of
    from skclf.engine._forward import all_layers
    from skclf.engine._keras_state import own_state
    from skclf.engine._model import Net, evaluate, hears_of_batches
    from skclf.engine._open import OpenDense, OpenDropout, OpenKind, OpenNet, open_kind
    from skclf.engine._open_optimizer import can_be_open
    from skclf.engine._predict import Predictor
    from skclf.engine._processes import check_process, current_strategy, limit_threads
    from skclf.engine._program import adds_up, trace_count
    from skclf.engine._variables import assign, by_value

__all__ = [
    "Batches",
    "Net",
    "OpenDense",
    "OpenDropout",
    "OpenKind",
    "OpenNet",
    "Predictor",
    "adds_up",
    "all_layers",
    "assign",
    "batch_order",
    "borrow",
    "by_value",
    "can_be_open",
    "check_process",
    "clear_cache",
    "current_strategy",
    "evaluate",
    "hears_of_batches",
    "kept",
    "learning_rate_variable",
    "limit_threads",
    "nodes_of",
    "open_kind",
    "own_state",
    "trace_count",
    "uninterrupted",
]
