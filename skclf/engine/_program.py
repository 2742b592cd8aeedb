"""One epoch as one compiled graph.

A program is compiled once for each form of its arguments: dense or sparse rows, with or without
weights. Numbers of rows and batch sizes are open in it; learning rates, seeds and class weights
are variables; so none of them compiles anew.
"""

from __future__ import annotations

from contextlib import nullcontext

import keras
import numpy as np
import tensorflow as tf

from skclf.engine import _compat
from skclf.engine._processes import current_strategy, replica
from skclf.engine._sparse import SparseProduct

# Below this many, a batch's operations take microseconds.
_FEW_WEIGHTS = 20_000
# Of a layer, while nothing is trained: 16 MB.
_VALUES_AT_ONCE = 4_000_000

_traces: list[str] = []


def trace_count() -> int:
    """How many training programs this process has compiled."""
    return len(_traces)


class Programs:
    """The compiled epochs of one net.

    Parameters
    ----------
    net : Net
        Compiled, with its metrics and its optimizer built.
    """

    def __init__(self, net):
        self._net = net
        self._compiled = {}
        _, *self._hidden_layers, self._output_layer = net.layers
        self._loss = keras.losses.get(net.loss)
        self._sparse_product = None
        if net.inputs[0].sparse:
            self._sparse_product = SparseProduct(*net.layers[1].kernel.shape)
        made_dense = net.layers[1:] if net.inputs[0].sparse else net.layers
        self._widest = max(int(np.prod(layer.output.shape[1:])) for layer in made_dense)
        # One thread can't pass values between devices, and a strategy may use another device.
        is_simple = _operations_are_small(net) and current_strategy() is None
        self._executor = "SINGLE_THREADED_EXECUTOR" if is_simple else ""

    def train_epoch(self, rows, order, batch_size):
        """Train on all rows once, in batches of this order.

        Parameters
        ----------
        rows : dict of str to tf.Tensor
            As `tensors_of` makes it.
        order : ndarray of int of shape (n_rows,)
        batch_size : int

        Returns
        -------
        dict of str to float
            Loss and metrics.
        """
        return self._run(self._train_step, rows, order, batch_size)

    def test_epoch(self, rows, batch_size):
        """Loss and metrics on all rows, which stay in their order.

        Where metrics add up, larger batches give the same in less time.
        """
        if self._net.metrics_add_up:
            batch_size = max(batch_size, _VALUES_AT_ONCE // self._widest)
        return self._run(self._test_step, rows, np.arange(rows["y"].shape[0]), batch_size)

    def compile(self, rows, validation_rows=None):
        """Compile what rows of these forms need.

        Returns
        -------
        Exception or None
            What stopped a metric or an optimizer of the user's own, if it needs values of tensors,
            which a graph has not. Every other error is raised.
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
        program = self._program(step, rows)
        columns = [values for name, values in rows.items() if name != "CSR"]
        sparse_rows = nullcontext()
        if "CSR" in rows:
            sparse_rows = self._sparse_product.of(rows["CSR"], in_order=step == self._test_step)
        with sparse_rows:
            logs = program(*columns, order.astype(np.int32), np.int32(batch_size))
        return {name: _number(name, value) for name, value in logs.items()}

    def _program(self, step, rows):
        """The compiled epoch of this step for rows of this form."""
        form = (step.__name__, self._net.class_weight is None, *rows)
        if form not in self._compiled:
            columns = {name: values for name, values in rows.items() if name != "CSR"}
            names = [*columns, "order", "batch_size"]
            specs = [tf.TensorSpec([None, *c.shape[1:]], c.dtype) for c in columns.values()]

            def epoch(*tensors):
                if step == self._train_step:
                    _traces.append(self._net.name)
                return self._epoch(step, dict(zip(names, tensors, strict=True)))

            specs += [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)]
            # Loops are written for their executor.
            with replica(), tf.experimental.function_executor_type(self._executor):
                function = tf.function(epoch, autograph=False).get_concrete_function(*specs)
            self._compiled[form] = _compat.compiled_call(function, self._executor)
        return self._compiled[form]

    # What follows is compiled: Python runs in it once for each form.

    def _epoch(self, step, rows):
        """Run a step for each batch; return the logs."""
        net, order, batch_size = self._net, rows.pop("order"), rows.pop("batch_size")
        n_rows = tf.shape(order)[0]
        n_batches = (n_rows + batch_size - 1) // batch_size
        n_outputs = net.output_shape[-1]
        kept = tf.TensorArray(tf.float32, n_batches, False, element_shape=[None, n_outputs])
        net.reset_metrics()

        def batch(number, penalty, kept):
            start = number * batch_size
            size = tf.minimum(batch_size, n_rows - start)
            X, y, weights = self._batch(rows, tf.slice(order, [start], [size]))
            size = tf.cast(size, tf.float32)
            logits, batch_penalty = step(X, y, weights, size)
            if not net.metrics_add_up:
                net.compute_metrics(None, y, self._output_layer.activation(logits), weights)
            if batch_penalty is not None:
                penalty += size / tf.cast(n_rows, tf.float32) * batch_penalty
            return number + 1, penalty, kept.write(number, logits)

        _, penalty, kept = tf.while_loop(
            lambda number, *_: number < n_batches, batch, (0, 0.0, kept), parallel_iterations=1
        )
        y, weights = (None if c is None else tf.gather(c, order) for c in _targets(rows))
        y_pred = self._output_layer.activation(kept.concat())
        if net.metrics_add_up:
            logs = net.compute_metrics(None, y, y_pred, weights)
        else:
            logs = net.get_metrics_result()
        if step == self._train_step:
            weights = net.with_class_weight(y, weights)
        return {**logs, "loss": mean_loss(self._loss, y, y_pred, weights) + penalty}

    def _batch(self, rows, chosen):
        """Rows ``(X, y, sample_weight)`` of one batch; of sparse rows X has the numbers alone."""
        X = tf.gather(rows["X"], chosen) if "X" in rows else chosen
        y, weights = (None if c is None else tf.gather(c, chosen) for c in _targets(rows))
        return X, y, weights

    def _train_step(self, X, y, sample_weight, size):
        """Update the weights by a batch of this size; return its logits and penalty, if any."""
        net = self._net
        variables = list(net.trainable_variables)
        sources = [variable.value for variable in variables]
        X = self._net_input(X)
        if self._sparse_product is not None:
            sources.append(X)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            logits = self._logits(X, training=True)
            penalty = self._penalty()
        weights = net.with_class_weight(y, sample_weight)
        slopes = self._slopes_of_loss(y, logits, weights, size)
        upstream = [slopes] if penalty is None else [slopes, tf.ones(())]
        scale = self._loss_scale(y, logits, weights, penalty)
        if scale is not None:
            upstream = [scale * gradient for gradient in upstream]
        summands = [logits] if penalty is None else [logits, penalty]
        gradients = tape.gradient(summands, sources, upstream)
        if self._sparse_product is not None:
            self._add_sparse_gradient(variables, gradients, gradients.pop())
        if variables:
            net.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return logits, penalty

    def _add_sparse_gradient(self, variables, gradients, upstream):
        """Add the gradient that the first kernel gets through SciPy's product, if it is trained."""
        kernel = self._net.layers[1].kernel
        for place, variable in enumerate(variables):
            if variable is kernel:
                of_product, of_penalty = self._sparse_product.gradient(upstream), gradients[place]
                gradients[place] = of_product if of_penalty is None else of_product + of_penalty

    def _loss_scale(self, y, logits, weights, penalty):
        """The factor that the optimizer's scaling of the loss puts on all gradients, or None."""
        optimizer = self._net.optimizer
        is_plain = type(optimizer).scale_loss is keras.Optimizer.scale_loss
        if is_plain and optimizer.loss_scale_factor is None and "scale_loss" not in vars(optimizer):
            return None
        loss = mean_loss(self._loss, y, self._output_layer.activation(logits), weights)
        loss = loss if penalty is None else loss + penalty
        with tf.GradientTape() as tape:
            tape.watch(loss)
            scaled = optimizer.scale_loss(loss)
        return tape.gradient(scaled, loss)

    def _test_step(self, X, y, sample_weight, size):
        return self._logits(self._net_input(X), training=False), self._penalty()

    def _net_input(self, X):
        """The rows of a batch; of sparse rows their product with the first layer's kernel."""
        if self._sparse_product is None:
            return X
        return self._sparse_product(X, self._net.layers[1].kernel.value)

    def _penalty(self):
        losses = self._net.losses
        return tf.add_n(losses) if losses else None

    def _logits(self, X, training):
        values = X
        for layer in self._hidden_layers:
            if isinstance(layer, keras.layers.Dense):
                values = layer.activation(self._weighted_sums(layer, values))
            elif isinstance(layer, keras.layers.Dropout):
                values = layer.call(values, training=training)
            else:
                values = layer.call(values)
        return self._weighted_sums(self._output_layer, values)

    def _weighted_sums(self, layer, values):
        """What a dense layer makes of its input, before its activation."""
        if self._sparse_product is None or layer is not self._net.layers[1]:
            values = tf.matmul(values, layer.kernel.value)
        return tf.nn.bias_add(values, layer.bias.value)

    def _slopes_of_loss(self, y, logits, weights, size):
        """Gradient of the batch's mean loss for the logits.

        For the cross-entropy of a sigmoid or a softmax it is the prediction less the target [1]_.
        Written out, it takes a tenth of the operations of automatic differentiation. Of several
        sigmoids Keras takes the mean.

        References
        ----------
        .. [1] C. Bishop, "Pattern Recognition and Machine Learning", formulas 4.109 and 4.91.
        """
        target = y
        if self._net.loss == "sparse_categorical_crossentropy":
            target = tf.one_hot(y[:, 0], logits.shape[-1])
        if self._net.loss == "binary_crossentropy":
            size *= logits.shape[-1]
        slopes = (self._output_layer.activation(logits) - target) / size
        if weights is None:
            return slopes
        return slopes * (weights if weights.shape.rank == 2 else weights[:, None])


def _operations_are_small(net):
    """Whether an operation of a step takes microseconds.

    Sparse rows are multiplied by SciPy, so that their kernel doesn't count.
    """
    if any(isinstance(layer, keras.layers.Conv2D) for layer in net.layers):
        return False
    kernels = [weight for weight in net.trainable_weights if len(weight.shape) > 1]
    if net.inputs[0].sparse:
        kernels = kernels[1:]
    return sum(np.prod(kernel.shape) for kernel in kernels) < _FEW_WEIGHTS


def _number(name, value):
    if value.shape.rank:
        raise ValueError(
            f"The metric {name!r} has {value.shape[0]} values, and an epoch's history holds one "
            "number for each metric: choose an average, such as F1Score(average='macro')."
        )
    return float(value)


def adds_up(metric):
    """Whether one update with all rows is the same as one for each batch.

    Keras's own metrics are sums over rows; of a user's own nothing is known.
    """
    source = _compat.wrapped_function(metric) or type(metric)
    return (source.__module__ or "").startswith("keras.")


def mean_loss(loss, y, y_pred, weights):
    """Mean of a batch's losses, weighted by row or by row and label.

    Parameters
    ----------
    loss : callable
        Keras's function, which takes the mean over the last axis.
    y, y_pred : tf.Tensor of shape (n_rows, n_targets)
    weights : tf.Tensor of shape (n_rows,) or (n_rows, n_targets), or None
    """
    if weights is not None and weights.shape.rank == 2:
        y, y_pred = y[..., None], y_pred[..., None]
    losses = loss(y, y_pred)
    return tf.reduce_mean(losses if weights is None else losses * weights)


def needs_values(error):
    """Whether an error says that Python code asked a tensor in a graph for its value."""
    known = isinstance(error, AttributeError | TypeError | NotImplementedError)
    return known and "symbolic" in str(error).lower()


def _targets(rows):
    return rows["y"], rows.get("sample_weight")
