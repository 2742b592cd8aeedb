"""The epochs of a fit, with Keras's callbacks between them."""

import keras

from skclf.engine import _compat
from skclf.engine._arrays import batch_order
from skclf.engine._interrupts import safe_point


def fit_by_epochs(net, programs_of, rows, validation_rows, batch_size, epochs, callbacks):
    """Train, epoch by epoch.

    Parameters
    ----------
    net : Net or OpenNet
    programs_of : callable
        Gives the programs to run, once callbacks have heard that the first epoch begins: Keras
        would compile then, so that what they have changed until then counts.
    rows, validation_rows : dict of str to tf.Tensor
        As `tensors_of` makes them; the second may be None.
    batch_size : int
    epochs : range
        Numbers of the epochs to train, counted from 0.
    callbacks : list of keras.callbacks.Callback

    Returns
    -------
    keras.callbacks.History
    """
    n_rows = rows["y"].shape[0]
    callbacks = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        model=net,
        epochs=epochs.stop,
        steps=-(-n_rows // batch_size),
        verbose=0,
    )
    net.stop_training = False
    logs = programs = None
    callbacks.on_train_begin()
    for epoch in range(_compat.starts_at(net, epochs.start), epochs.stop):
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
    net.optimizer.finalize_variable_values(net.trainable_variables)
    callbacks.on_train_end(logs)
    return net.history
