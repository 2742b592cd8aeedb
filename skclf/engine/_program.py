"""Epochs of training and validation, each as one compiled graph.

A program is compiled once for each form of its arguments: dense or sparse rows, with or without
weights. Numbers of rows and batch sizes are open, and learning rates, seeds and class weights are
variables, so other values of them don't compile it again.

The forward pass is in `_forward` and `_open`, the loop over the epochs in `_fit`.
"""

from __future__ import annotations

from contextlib import nullcontext

import keras
import numpy as np
import tensorflow as tf

from skclf.engine import _compat
from skclf.engine._arrays import pieces, rows_of_a_piece
from skclf.engine._interrupts import safe_point
from skclf.engine._processes import current_strategy, replica

# With fewer weights, the operations of a step take microseconds, and handing them to other threads
# takes longer than computing them.
FEW_WEIGHTS = 20_000
# Values of the widest layer to compute at a time in validation: 16 MB of float32.
_VALUES_AT_ONCE = 4_000_000

# One entry for each compiled training program, for tests and benchmarks.
_traces: list[str] = []


def trace_count() -> int:
    """Number of training programs that this process has compiled."""
    return len(_traces)


class Programs:
    """The compiled epochs of one net.

    Parameters
    ----------
    net : Net or OpenNet
        Compiled, with its metrics and its optimizer built.
    forward : Forward or OpenForward
    """

    def __init__(self, net, forward):
        self._net = net
        self._compiled = {}
        self._forward = forward
        self._head = forward.head
        self._loss = keras.losses.get(net.target_loss)
        # The single-threaded executor can't pass values between devices, and a strategy may use one
        # other than the CPU.
        is_simple = self._forward.is_small(FEW_WEIGHTS) and current_strategy() is None
        self._executor = "SINGLE_THREADED_EXECUTOR" if is_simple else ""

    def train_epoch(self, rows, order, batch_size):
        """Train on all rows once, in batches taken in the given order.

        Parameters
        ----------
        rows : dict
            As returned by `tensors_of`.
        order : ndarray of int of shape (n_rows,)
        batch_size : int

        Returns
        -------
        dict of str to float
            Loss and metrics.
        """
        return self._run(self._train_step, rows, order, batch_size)

    def test_epoch(self, rows, batch_size):
        """Compute the loss and the metrics on all rows, in their own order.

        If losses, metrics and penalties don't depend on the batches, larger ones give the same
        values in less time.
        """
        if self._net.metrics_add_up and self._net.own_loss is None and self._forward.adds_up:
            at_once = _VALUES_AT_ONCE // self._forward.widest
            if _are_in_pieces(rows):
                at_once = min(at_once, rows_of_a_piece(rows["X"], batch_size))
            batch_size = max(batch_size, at_once)
        return self._run(self._test_step, rows, np.arange(rows["y"].shape[0]), batch_size)

    def compile(self, rows, validation_rows=None):
        """Compile what rows of these forms need.

        Returns
        -------
        Exception or None
            The error of a metric or an optimizer that needs the values of tensors, which don't
            exist while a graph is built. Every other error is raised.
        """
        try:
            self._program(self._train_step, rows)
            if validation_rows is not None:
                self._program(self._test_step, validation_rows)
        except Exception as error:
            if not needs_values(error):
                raise
            return error
        return None

    def _run(self, step, rows, order, batch_size):
        if _are_in_pieces(rows):
            return self._run_in_pieces(step, rows, order, batch_size)
        program = self._program(step, rows)
        # CSR rows aren't an argument of the program: the graph calls SciPy for them.
        columns = [values for name, values in rows.items() if name != "CSR"]
        sparse_rows = nullcontext()
        if "CSR" in rows:
            sparse_rows = self._forward.sparse_product.of(rows["CSR"], order, batch_size)
        with sparse_rows:
            logs = program(*columns, order.astype(np.int32), np.int32(batch_size))
        return {name: _number(name, value) for name, value in logs.items()}

    def _run_in_pieces(self, step, rows, order, batch_size):
        program, total = self._program(step, rows), 0.0
        self._net.reset_metrics()
        for chosen, X in pieces(rows["X"], order, batch_size):
            safe_point()  # an epoch of large rows may take long
            columns = [tf.gather(c, chosen) for name, c in rows.items() if name != "X"]
            in_order = np.arange(len(chosen), dtype=np.int32)
            logs = program(X, *columns, in_order, np.int32(batch_size))
            # Metrics accumulate over the pieces, but the loss is that of each piece.
            total += float(logs["loss"]) * len(chosen) / len(order)
        return {name: _number(name, value) for name, value in logs.items()} | {"loss": total}

    def _program(self, step, rows):
        """The program that runs this step for rows of this form; compiled at first use."""
        class_weight = self._net.class_weight
        in_pieces = _are_in_pieces(rows)
        rank_of_weights = class_weight is not None and class_weight.shape.rank
        form = (step.__name__, rank_of_weights, in_pieces, *rows)
        if form not in self._compiled:
            columns = {name: values for name, values in rows.items() if name != "CSR"}
            names = [*columns, "order", "batch_size"]
            specs = [
                tf.TensorSpec(self._open_shape(name, values), values.dtype)
                for name, values in columns.items()
            ]

            def epoch(*tensors):
                if step == self._train_step:
                    _traces.append(self._net.name)
                return self._epoch(step, dict(zip(names, tensors, strict=True)), in_pieces)

            specs += [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
            # A `tf.while_loop` is lowered only for the default executor. That is decided while the
            # graph is built, so the type must be set here too, and not only for the call.
            with (
                replica(),
                self._net.own_random_numbers(),
                tf.experimental.function_executor_type(self._executor),
            ):
                function = tf.function(epoch, autograph=False).get_concrete_function(*specs)
            self._compiled[form] = _compat.compiled_call(function, self._executor)
        return self._compiled[form]

    def _open_shape(self, name, values):
        """The shape that these values have in every fit that uses the program."""
        sizes = values.shape[1:]
        # There is always one class number per row, and Keras needs this shape to be static.
        are_numbers = name == "y" and values.dtype == tf.int32
        if self._net.has_open_sizes and not are_numbers:
            sizes = [None] * len(sizes)
        return [None, *sizes]

    # The methods below build graphs: their Python code runs once for each form, at compilation.

    def _epoch(self, step, rows, is_piece):
        """Run a step for each batch and return the logs; of pieces, the logs up to this one."""
        net, order, batch_size = self._net, rows.pop("order"), rows.pop("batch_size")
        n_rows = tf.shape(order)[0]
        n_batches = (n_rows + batch_size - 1) // batch_size
        n_outputs = net.output_shape[-1]
        # The logits of all batches, since metrics that add up are updated once with all rows.
        kept = tf.TensorArray(tf.float32, n_batches, False, element_shape=[None, n_outputs])
        if not is_piece:
            net.reset_metrics()
        if step == self._train_step and not is_piece:
            # All rows at once: a batch is then a slice, which is taken without a copy.
            rows = {name: tf.gather(values, order) for name, values in rows.items()}
        # For CSR rows, a batch consists of their numbers, from which SciPy gathers the rows.
        columns = rows.get("X", order), rows["y"], rows.get("sample_weight")

        def batch(number, summand, kept):
            start = number * batch_size
            bounds = [start], [start + batch_size]
            X, y, weights = (c if c is None else tf.strided_slice(c, *bounds) for c in columns)
            size = tf.cast(tf.minimum(batch_size, n_rows - start), tf.float32)
            logits, batch_summand = step(X, y, weights, size)
            if not net.metrics_add_up:
                net.compute_metrics(None, y, self._head(logits), weights)
            # The mean over rows of what batches add, so that a smaller last batch counts less.
            if batch_summand is not None:
                summand += size / tf.cast(n_rows, tf.float32) * batch_summand
            return number + 1, summand, kept.write(number, logits)

        # Each batch needs the weights that the one before has left, so batches can't overlap.
        _, summand, kept = tf.while_loop(
            lambda number, *_: number < n_batches, batch, (0, 0.0, kept), parallel_iterations=1
        )
        _, y, weights = columns
        y_pred = self._head(kept.concat())
        if net.metrics_add_up:
            logs = net.compute_metrics(None, y, y_pred, weights)
        else:
            logs = net.get_metrics_result()
        if net.own_loss is not None:
            return {**logs, "loss": summand}
        if step == self._train_step:
            weights = net.with_class_weight(y, weights)
        return {**logs, "loss": mean_loss(self._loss, y, y_pred, weights) + summand}

    def _train_step(self, X, y, sample_weight, size):
        """Update the weights by a batch of this size; return its logits and its `_summand`."""
        net, forward = self._net, self._forward
        variables = list(net.trainable_variables)
        sources = [variable.value for variable in variables]
        X = forward.net_input(X)
        if forward.sparse_product is not None:
            # X is SciPy's product here; the gradient of the first kernel follows from its slopes.
            sources.append(X)
        weights = net.with_class_weight(y, sample_weight)
        # Values are watched and not variables: layers use `variable.value`, and the tape would also
        # watch variables that aren't trained.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            logits = forward.logits(X, training=True)
            summand = self._summand(y, logits, weights)
        summands, upstream = [], []
        if net.own_loss is None:
            summands, upstream = [logits], [self._slopes_of_loss(y, logits, weights, size)]
        if summand is not None:
            summands, upstream = [*summands, summand], [*upstream, tf.ones(())]
        scale = self._loss_scale(y, logits, weights, summand)
        if scale is not None:
            upstream = [scale * gradient for gradient in upstream]
        gradients = tape.gradient(summands, sources, upstream)
        if forward.sparse_product is not None:
            forward.add_sparse_gradient(variables, gradients, gradients.pop())
        if variables:
            # The gradient of an embedding is a `tf.IndexedSlices`; fused updates take only tensors.
            gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
            net.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return logits, summand

    def _loss_scale(self, y, logits, weights, summand):
        """The factor by which the optimizer's `scale_loss` multiplies all gradients, or None."""
        optimizer = self._net.optimizer
        if self._net.has_open_sizes:
            return None  # optimizers that scale the loss are not used with open sizes
        is_plain = type(optimizer).scale_loss is keras.Optimizer.scale_loss
        if is_plain and optimizer.loss_scale_factor is None and "scale_loss" not in vars(optimizer):
            return None
        loss = summand
        if self._net.own_loss is None:
            loss = mean_loss(self._loss, y, self._head(logits), weights)
            loss = loss if summand is None else loss + summand
        # `scale_loss` may be any function, so the factor is its derivative.
        with tf.GradientTape() as tape:
            tape.watch(loss)
            scaled = optimizer.scale_loss(loss)
        return tape.gradient(scaled, loss)

    def _test_step(self, X, y, sample_weight, size):
        logits = self._forward.logits(self._forward.net_input(X), training=False)
        return logits, self._summand(y, logits, sample_weight)

    def _summand(self, y, logits, weights):
        """What a batch contributes to the loss besides the cross-entropy of its rows, or None.

        These are penalties, and a loss that the user passed, which needn't be a mean over rows.
        """
        losses = list(self._net.losses)
        if self._net.own_loss is not None:
            losses.insert(0, own_loss_of(self._net.own_loss, y, self._head(logits), weights))
        return tf.add_n(losses) if losses else None

    def _slopes_of_loss(self, y, logits, weights, size):
        """Gradient of the batch's mean loss with respect to the logits.

        For the cross-entropy of a sigmoid or a softmax it is the prediction minus the target [1]_.
        Written out, it takes a tenth of the operations of automatic differentiation.

        References
        ----------
        .. [1] C. Bishop, "Pattern Recognition and Machine Learning", formulas 4.109 and 4.91.
        """
        target = y
        if self._net.target_loss == "sparse_categorical_crossentropy":
            target = tf.one_hot(y[:, 0], _n_columns(logits))
        if self._net.target_loss == "binary_crossentropy":
            # Keras takes the mean over rows and labels.
            size = tf.cast(tf.size(logits), tf.float32)
        slopes = (self._head(logits) - target) / size
        if weights is None:
            return slopes
        return slopes * (weights if weights.shape.rank == 2 else weights[:, None])


def _are_in_pieces(rows):
    return "X" in rows and not isinstance(rows["X"], tf.Tensor)


def _n_columns(tensor):
    """The static number of columns, or a tensor with the number if that is open."""
    return tensor.shape[-1] or tf.shape(tensor)[-1]


def _number(name, value):
    if value.shape.rank:
        raise ValueError(
            f"Got {value.shape[0]} values from the metric {name!r}; expected one number for each "
            "metric and epoch. Choose an average, such as F1Score(average='macro')."
        )
    return float(value)


def weighed_by_class(class_weight, target_loss, y, sample_weight):
    """Weights in the training loss, of shape (n_rows,) or (n_rows, n_labels), or None.

    Parameters
    ----------
    class_weight : tf.Variable of shape (n_classes,) or (2, n_labels), or None
    target_loss : str
        Keras's name of the cross-entropy for targets of this form.
    y : tf.Tensor of shape (n_rows, n_targets)
    sample_weight : tf.Tensor of shape (n_rows,) or None
    """
    if class_weight is None:
        return sample_weight
    if class_weight.shape.rank == 2:
        # y is 0 or 1, so this selects one of the two weights of each label.
        negative, positive = class_weight[0], class_weight[1]
        weights = negative + tf.cast(y, tf.float32) * (positive - negative)
        return weights if sample_weight is None else sample_weight[:, None] * weights
    if target_loss == "categorical_crossentropy":
        weights = tf.linalg.matvec(y, class_weight)
    else:
        weights = tf.gather(class_weight, tf.cast(y[:, 0], tf.int32))
    return weights if sample_weight is None else sample_weight * weights


def adds_up(metric):
    """Whether one update of a metric with all rows equals an update for each batch.

    This is so for Keras's own metrics, which are sums over rows. For others it is unknown.
    """
    source = _compat.wrapped_function(metric) or type(metric)
    return (source.__module__ or "").startswith("keras.")


def mean_loss(loss, y, y_pred, weights):
    """Mean of a batch's losses, weighted by row or by row and label.

    Parameters
    ----------
    loss : callable
        A function of Keras that takes the mean over the last axis.
    y, y_pred : tf.Tensor of shape (n_rows, n_targets)
    weights : tf.Tensor of shape (n_rows,) or (n_rows, n_targets), or None
    """
    if weights is not None and weights.shape.rank == 2:
        # With an axis of length 1 at the end, Keras's mean leaves a loss for each label.
        y, y_pred = y[..., None], y_pred[..., None]
    losses = loss(y, y_pred)
    return tf.reduce_mean(losses if weights is None else losses * weights)


def own_loss_of(loss, y, y_pred, weights):
    """A batch's loss by a `keras.losses.Loss`, weighted by row or by row and label."""
    if weights is not None and weights.shape.rank == 2:
        y, y_pred = y[..., None], y_pred[..., None]
    return loss(y, y_pred, weights)


def needs_values(error):
    """Whether an error means that Python code needs the value of a tensor in a graph."""
    # TensorFlow has no class for it. The errors of NumPy, `float()`, `if` and `.numpy()` on such a
    # tensor all name its class, `SymbolicTensor`, or call it symbolic.
    known = isinstance(error, AttributeError | TypeError | NotImplementedError)
    return known and "symbolic" in str(error).lower()
