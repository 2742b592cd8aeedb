"""The loop over the epochs of a fit, which calls Keras's callbacks between them.

`Net` and `OpenNet` share it. It computes nothing itself: `Programs` runs the epochs.
"""

import keras

from skclf.engine import _compat
from skclf.engine._arrays import batch_order
from skclf.engine._interrupts import safe_point


def fit_by_epochs(net, programs_of, rows, validation_rows, batch_size, epochs, callbacks):
    """Train epoch by epoch.

    Parameters
    ----------
    net : Net or OpenNet
    programs_of : callable
        Returns the programs to run. It is called after the first ``on_epoch_begin``, where Keras
        compiles too, so that changes that callbacks make to the net until then take effect.
    rows, validation_rows : dict
        As returned by `tensors_of`; the second may be None.
    batch_size : int
    epochs : range
        Numbers of the epochs to train, counted from 0.
    callbacks : list of keras.callbacks.Callback

    Returns
    -------
    keras.callbacks.History
    """
    n_rows = rows["y"].shape[0]
    # The same arguments as in Keras's own `fit`, so that callbacks find the same `params`.
    callbacks = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        model=net,
        epochs=epochs.stop,
        steps=-(-n_rows // batch_size),
        verbose=0,
    )
    # A callback of an earlier fit may have set it.
    net.stop_training = False
    logs = programs = None
    callbacks.on_train_begin()
    for epoch in range(_compat.starts_at(net, epochs.start), epochs.stop):
        # TensorFlow is idle here, so a Ctrl-C that was held back can be raised.
        safe_point()
        callbacks.on_epoch_begin(epoch)
        programs = programs or programs_of()
        order = batch_order(n_rows, net.order_seed, epoch)
        logs = programs.train_epoch(rows, order, batch_size)
        if validation_rows is not None:
            tested = programs.test_epoch(validation_rows, batch_size)
            logs.update({f"val_{name}": value for name, value in tested.items()})
        callbacks.on_epoch_end(epoch, logs)
        if net.stop_training:
            break
    # Before `on_train_end`, as in Keras, so that callbacks see averaged weights if there are any.
    net.optimizer.finalize_variable_values(net.trainable_variables)
    callbacks.on_train_end(logs)
    return net.history
