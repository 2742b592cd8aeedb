"""One epoch as one compiled graph.

A program is compiled once for each form of its arguments: dense or sparse rows, with or without
weights. Numbers of rows and batch sizes are open in it; learning rates, seeds and class weights
are variables; so none of them compiles anew.
"""

import keras
import numpy as np
import tensorflow as tf

from skclf.engine._sparse import product, take_rows

_traces = []


def trace_count():
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
        layers = net.layers[1:]
        self._first_layer, self._is_one_layer = layers[0], len(layers) == 1
        # A sparse first layer is computed apart; this is the net that follows it.
        self._rest = None
        if not self._is_one_layer:
            self._rest = keras.Model(self._first_layer.output, net.output)

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
        """Loss and metrics on all rows, which stay in their order."""
        return self._run(self._test_step, rows, np.arange(rows["y"].shape[0]), batch_size)

    def compile(self, rows, validation_rows=None):
        """Compile what rows of these forms need; return whether that succeeded."""
        try:
            self._program(self._train_step, rows)
            if validation_rows is not None:
                self._program(self._test_step, validation_rows)
        except Exception:
            # A metric or an optimizer of the user's own may do what a graph can't hold.
            return False
        return True

    def _run(self, step, rows, order, batch_size):
        program = self._program(step, rows)
        logs = program(
            *rows.values(), tf.constant(order, tf.int32), tf.constant(batch_size, tf.int32)
        )
        return {name: float(value) for name, value in logs.items()}

    def _program(self, step, rows):
        """The compiled epoch of this step for rows of this form."""
        form = (step.__name__, self._net.class_weight is None, *rows)
        if form not in self._compiled:
            names = [*rows, "order", "batch_size"]
            specs = [tf.TensorSpec([None, *a.shape[1:]], a.dtype) for a in rows.values()]

            def epoch(*tensors):
                if step == self._train_step:
                    _traces.append(self._net.name)
                return self._epoch(step, dict(zip(names, tensors, strict=True)))

            self._compiled[form] = tf.function(epoch, autograph=False).get_concrete_function(
                *specs, tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)
            )
        return self._compiled[form]

    # What follows is compiled: Python runs in it once for each form.

    def _epoch(self, step, rows):
        """Run a step for each batch; return the logs."""
        net, order, batch_size = self._net, rows.pop("order"), rows.pop("batch_size")
        n_rows = tf.shape(order)[0]
        n_batches = (n_rows + batch_size - 1) // batch_size
        predictions = tf.TensorArray(
            tf.float32, n_batches, infer_shape=False, element_shape=[None, net.output_shape[-1]]
        )

        net.reset_metrics()
        by_batch = not net.metrics_add_up

        def batch(number, total_loss, predictions):
            start = number * batch_size
            chosen = order[start : tf.minimum(start + batch_size, n_rows)]
            X, y, weights = self._batch(rows, chosen)
            y_pred, loss = step(X, y, weights)
            total_loss += loss * tf.cast(tf.shape(chosen)[0], tf.float32)
            if by_batch:
                net.compute_metrics(None, y, y_pred, weights)
                return number + 1, total_loss, predictions
            return number + 1, total_loss, predictions.write(number, y_pred)

        _, total_loss, predictions = tf.while_loop(
            lambda number, *_: number < n_batches,
            batch,
            (0, 0.0, predictions),
            parallel_iterations=1,
        )
        if by_batch:
            logs = net.get_metrics_result()
        else:
            y, weights = (None if c is None else tf.gather(c, order) for c in _targets(rows))
            logs = net.compute_metrics(None, y, predictions.concat(), weights)
        return {**logs, "loss": total_loss / tf.cast(n_rows, tf.float32)}

    def _batch(self, rows, chosen):
        """Rows ``(X, y, sample_weight)`` of one batch."""
        if "X" in rows:
            X = tf.gather(rows["X"], chosen)
        else:
            csr = rows["indptr"], rows["indices"], rows["data"]
            X = take_rows(csr, chosen, self._net.input_shape[-1])
        y, weights = (None if c is None else tf.gather(c, chosen) for c in _targets(rows))
        return X, y, weights

    def _train_step(self, X, y, sample_weight):
        net = self._net
        variables = [variable.value for variable in net.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            y_pred = self._predict(X, training=True)
            loss = net.compute_loss(None, y, y_pred, sample_weight, training=True)
        net.optimizer.apply(tape.gradient(loss, variables), net.trainable_variables)
        return y_pred, loss

    def _test_step(self, X, y, sample_weight):
        y_pred = self._predict(X, training=False)
        return y_pred, self._net.compute_loss(None, y, y_pred, sample_weight, training=False)

    def _predict(self, X, training):
        if not isinstance(X, tuple):
            return self._net(X, training=training)
        layer = self._first_layer
        values = layer.activation(product(X, layer.kernel.value) + layer.bias.value)
        return values if self._is_one_layer else self._rest(values, training=training)


def adds_up(metric):
    """Whether one update with all rows is the same as one for each batch.

    Keras's own metrics are sums over rows; of a user's own nothing is known.
    """
    source = getattr(metric, "_fn", metric)
    return isinstance(metric, str) or source.__module__.startswith("keras.")


def _targets(rows):
    return rows["y"], rows.get("sample_weight")
