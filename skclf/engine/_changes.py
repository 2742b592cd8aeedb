"""Whether a net still is what it was when it was made.

A callback has the net in its hands, and may freeze layers, compile it, or set any attribute. A net
that was changed so must not serve a later fit.
"""

from skclf.engine._forward import all_layers

# What every fit sets, in the net or through Keras.
_SET_BY_FITS = {
    "announces",
    "class_weight",
    "history",
    "order_seed",
    "stop_evaluating",
    "stop_training",
    "test_function",
    "train_function",
    "_called",
    "_eval_epoch_iterator",
    "_exclude_from_weight_decay_cache",
    "_initial_epoch",
    "_losses",
    "_loss_ids",
    "_run_eagerly",
    "_unchanged",
}
# What TensorFlow keeps in whatever it may have to save.
_OF_TENSORFLOW = "_self_"


class Unchanged:
    """Says whether attributes of a net, its layers and its optimizer are those of before.

    Parameters
    ----------
    net : keras.Model
        Compiled, with a built optimizer.
    """

    def __init__(self, net):
        self._parts = [*all_layers(net), net.optimizer]
        self._before = list(map(_attributes, self._parts))

    def __call__(self):
        """Compare."""
        now = map(_attributes, self._parts)
        return all(map(_are_same, self._before, now))


def _attributes(part):
    """Attributes by name; of containers what they hold now."""
    return {
        name: _contents(value)
        for name, value in vars(part).items()
        if name not in _SET_BY_FITS and not name.startswith(_OF_TENSORFLOW)
    }


def _contents(value):
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list | tuple | set) else value


def _are_same(before, now):
    if before.keys() != now.keys():
        return False
    return all(_is_same(value, now[name]) for name, value in before.items())


def _is_same(before, now):
    if isinstance(before, tuple) and isinstance(now, tuple):
        return len(before) == len(now) and all(map(_is_same, before, now))
    if isinstance(before, bool | int | float | str):
        return type(now) is type(before) and now == before
    return before is now
