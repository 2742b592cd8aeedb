"""History, best epoch, stopping and progress, by hand-made numbers."""

import io
import math

import pytest

from skclf import _epochs
from skclf._epochs import EarlyStop, Progress, best_epoch, improves, joined_history

NAN = math.nan


@pytest.mark.parametrize(
    ("monitor", "value", "best", "better"),
    [
        ("val_loss", 1.0, None, True),
        ("val_loss", NAN, None, False),
        ("val_loss", 0.5, 1.0, True),
        ("val_loss", 1.0, 1.0, False),
        ("val_loss", NAN, 1.0, False),
        ("loss", 0.5, 1.0, True),
        ("val_loss", -math.inf, 0.0, True),
        ("val_accuracy", 0.5, 1.0, False),
        ("val_accuracy", 1.0, 0.5, True),
        ("val_accuracy", 1.0, 1.0, False),
        ("val_accuracy", NAN, 0.5, False),
        ("accuracy", 0.0, None, True),
    ],
)
def test_improves(monitor, value, best, better):
    assert improves(monitor, value, best) is better


@pytest.mark.parametrize(
    ("monitor", "values", "epoch"),
    [
        ("val_loss", [3, 1, 2], 2),
        ("val_accuracy", [0.3, 0.1, 0.2], 1),
        ("val_loss", [1, 1, 1], 1),
        ("val_accuracy", [0.5, 0.9, 0.9], 2),
        ("val_loss", [NAN, 2, NAN, 1], 4),
        ("val_loss", [NAN, NAN, NAN], 3),
        ("val_loss", [5], 1),
    ],
)
def test_best_epoch(monitor, values, epoch):
    others = {"loss": [0.0] * len(values)}
    assert best_epoch({**others, monitor: values}, monitor) == epoch


@pytest.mark.parametrize(
    ("earlier", "later", "n_earlier", "joined"),
    [
        ({}, {"loss": [1, 2]}, 0, {"loss": [1, 2]}),
        ({"loss": [1, 2]}, {"loss": [3]}, 2, {"loss": [1, 2, 3]}),
        ({"loss": [1, 2, 9, 9]}, {"loss": [3]}, 2, {"loss": [1, 2, 3]}),
        (
            {"loss": [1, 2], "val_loss": [5, 6]},
            {"loss": [3], "accuracy": [0.5]},
            2,
            {"loss": [1, 2, 3], "val_loss": [5, 6, NAN], "accuracy": [NAN, NAN, 0.5]},
        ),
    ],
)
def test_joined_history(earlier, later, n_earlier, joined):
    kept = repr(earlier), repr(later)
    found = joined_history(earlier, later, n_earlier)
    assert list(found) == list(joined)
    assert repr(found) == repr(joined)
    assert (repr(earlier), repr(later)) == kept


def run(stop, values):
    """Feed an EarlyStop; the epoch that it stops after, and the epochs of its snapshots."""
    taken = []
    for epoch, value in enumerate(values, 1):

        def take_snapshot(epoch=epoch):
            taken.append(epoch)
            return f"net of epoch {epoch}"

        if stop(epoch, {stop.monitor: value, "loss": 0.0}, take_snapshot):
            return epoch, taken
    return None, taken


@pytest.mark.parametrize(
    ("patience", "values", "stopped", "snapshots"),
    [
        (1, [3, 2, 1], None, [1, 2, 3]),
        (1, [3, 4, 1], 2, [1]),
        (2, [3, 4, 1, 1, 1], 5, [1, 3]),
        (2, [3, 3, 3], 3, [1]),
        (3, [1, 2, 3], None, [1]),
        (3, [1, 2, 3, 4], 4, [1]),
        (2, [NAN, NAN, NAN], 2, []),
        (2, [2, NAN, 1], None, [1, 3]),
        (2, [2, NAN, NAN], 3, [1]),
    ],
)
def test_early_stop(patience, values, stopped, snapshots):
    stop = EarlyStop("val_loss", patience)
    assert stop.snapshot is None
    assert run(stop, values) == (stopped, snapshots)
    assert stop.snapshot == (f"net of epoch {snapshots[-1]}" if snapshots else None)


def test_early_stop_by_accuracy():
    assert run(EarlyStop("val_accuracy", 2), [0.5, 0.7, 0.6, 0.7]) == (4, [1, 2])


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Ten seconds pass from one look at the clock to the next."""
    times = iter(range(0, 1000, 10))
    monkeypatch.setattr(_epochs.time, "monotonic", lambda: next(times))


def printed(monkeypatch, stream, verbose, first_epoch=0):
    monkeypatch.setattr("sys.stdout", stream)
    progress = Progress(first_epoch, 3, verbose)
    logs = {"loss": 0.123456, "accuracy": 1.0}
    for epoch in range(first_epoch + 1, first_epoch + 4):
        assert progress(epoch, logs, None) is False
        logs = {"loss": 0.5, "accuracy": 0.25}
    progress.close()
    return stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_verbose_0_is_silent(monkeypatch, stream):
    assert printed(monkeypatch, stream(), 0) == ""


@pytest.mark.parametrize("verbose", [1, True])
def test_verbose_1_in_a_file(monkeypatch, clock, verbose):
    found = printed(monkeypatch, io.StringIO(), verbose)
    assert found == "epoch 3/3  loss 0.5000  accuracy 0.2500  0 s left\n"


def test_verbose_1_on_a_terminal(monkeypatch, clock):
    assert printed(monkeypatch, Terminal(), 1) == (
        "\repoch 1/3  loss 0.1235  accuracy 1.0000  20 s left"
        "\repoch 2/3  loss 0.5000  accuracy 0.2500  10 s left"
        "\repoch 3/3  loss 0.5000  accuracy 0.2500  0 s left \n"
    )


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_verbose_2(monkeypatch, clock, stream):
    assert printed(monkeypatch, stream(), 2) == (
        "epoch 1/3  loss 0.1235  accuracy 1.0000  10 s an epoch\n"
        "epoch 2/3  loss 0.5000  accuracy 0.2500  10 s an epoch\n"
        "epoch 3/3  loss 0.5000  accuracy 0.2500  10 s an epoch\n"
    )


def test_epochs_count_on_and_time_does_not(monkeypatch, clock):
    found = printed(monkeypatch, Terminal(), 1, first_epoch=5)
    assert found.startswith("\repoch 6/8  loss 0.1235  accuracy 1.0000  20 s left")


def test_close_before_the_first_epoch(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    Progress(0, 3, 1).close()
    assert stream.getvalue() == ""
