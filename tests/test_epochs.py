"""History, best epoch, early stopping and progress lines, on made-up numbers."""

import fcntl
import io
import math
import os
import pty
import re
import select
import struct
import termios
import threading

import pytest

from skclf import _epochs
from skclf._epochs import (
    EarlyStop,
    KeptWeights,
    Progress,
    Watcher,
    best_epoch,
    duration,
    improves,
    joined_history,
    monitored,
    progress_line,
)

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "best", "lower", "better"),
    [
        (1.0, None, True, True),
        (NAN, None, True, False),
        (0.5, 1.0, True, True),
        (1.0, 1.0, True, False),
        (NAN, 1.0, True, False),
        (-math.inf, 0.0, True, True),
        (0.5, 1.0, False, False),
        (1.0, 0.5, False, True),
        (1.0, 1.0, False, False),
        (NAN, 0.5, False, False),
        (0.0, None, False, True),
    ],
)
def test_improves(value, best, lower, better):
    assert improves(value, best, lower) is better


@pytest.mark.parametrize(
    ("lower", "values", "epoch"),
    [
        (True, [3, 1, 2], 2),
        (False, [0.3, 0.1, 0.2], 1),
        (True, [1, 1, 1], 1),
        (False, [0.5, 0.9, 0.9], 2),
        (True, [NAN, 2, NAN, 1], 4),
        (True, [NAN, NAN, NAN], 3),
        (True, [5], 1),
    ],
)
def test_best_epoch(lower, values, epoch):
    assert best_epoch(values, lower) == epoch


def test_monitored():
    logs = {"loss": 1.0, "val_loss": 2.0, "val_auc": 3.0}
    assert monitored(logs, "val_auc") == 3.0
    with pytest.raises(ValueError, match=r"Got monitor='val_f1'; .* 'val_loss', 'val_auc'\."):
        monitored(logs, "val_f1")


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
    """Feed values to an EarlyStop; return its last epoch or None, and the epochs of snapshots."""
    taken = []
    for epoch, value in enumerate(values, 1):

        def take_snapshot(epoch=epoch):
            taken.append(epoch)
            return f"net of epoch {epoch}"

        if stop.end(epoch, {stop.monitor: value, "loss": 0.0}, take_snapshot):
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
    stop = EarlyStop("val_loss", patience, lower=True)
    assert stop.snapshot is None
    assert run(stop, values) == (stopped, snapshots)
    assert stop.snapshot == (f"net of epoch {snapshots[-1]}" if snapshots else None)


def test_early_stop_by_accuracy():
    assert run(EarlyStop("val_accuracy", 2, lower=False), [0.5, 0.7, 0.6, 0.7]) == (4, [1, 2])


def test_early_stop_unknown_metric():
    stop = EarlyStop("val_auc", 2, lower=False)
    with pytest.raises(ValueError, match="monitor='val_auc'"):
        stop.end(1, {"val_loss": 1.0}, None)


def test_kept_weights():
    kept = KeptWeights({1: "a", 2: "b", 3: "c"})
    for epoch in (3, 4, 5):
        assert kept.end(epoch, {}, lambda epoch=epoch: (epoch, f"weights {epoch}", None)) is False
    assert kept.weights == {1: "a", 2: "b", 3: "weights 3", 4: "weights 4", 5: "weights 5"}


def test_watcher_does_not_stop_training():
    assert Watcher().begin(1) is None
    assert Watcher().end(1, {}, None) is False


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances by ten seconds per call."""
    times = iter(range(0, 1000, 10))
    monkeypatch.setattr(_epochs.time, "monotonic", lambda: next(times))


def printed(monkeypatch, stream, verbose, first_epoch=0, is_refit=False):
    monkeypatch.setattr("sys.stdout", stream)
    progress = Progress(first_epoch, 3, verbose, is_refit)
    logs = {"loss": 0.123456, "accuracy": 1.0}
    for epoch in range(first_epoch + 1, first_epoch + 4):
        assert progress.end(epoch, logs, None) is False
        logs = {"loss": 0.5, "accuracy": 0.25}
    progress.close()
    return stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_verbose_0_is_silent(monkeypatch, stream):
    assert printed(monkeypatch, stream(), 0) == ""


@pytest.mark.parametrize("verbose", [1, True])
def test_verbose_1_in_a_file(monkeypatch, clock, verbose):
    found = printed(monkeypatch, io.StringIO(), verbose)
    assert found == "epoch 3/3  loss 0.5000  accuracy 0.2500  took 40 s\n"


class WriteOnlyStream:
    """A replacement of standard output with only ``write``, as logging tools install it."""

    def __init__(self):
        self.parts = []

    def write(self, text):
        self.parts.append(text)

    def getvalue(self):
        return "".join(self.parts)


class NoFlushStream(WriteOnlyStream):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [WriteOnlyStream, NoFlushStream])
def test_verbose_1_to_write_only_stream(monkeypatch, clock, stream):
    found = printed(monkeypatch, stream(), 1)
    assert found == "epoch 3/3  loss 0.5000  accuracy 0.2500  took 40 s\n"


@pytest.mark.parametrize("verbose", [1, 2])
def test_verbose_without_stdout(monkeypatch, verbose):
    monkeypatch.setattr("sys.stdout", None)
    progress = Progress(0, 1, verbose)
    assert progress.end(1, {"loss": 0.5}, None) is False
    progress.close()


def test_verbose_1_on_a_terminal(monkeypatch, clock):
    monkeypatch.setenv("COLUMNS", "80")
    assert printed(monkeypatch, Terminal(), 1) == (
        "\repoch 1/3  loss 0.1235  accuracy 1.0000  20 s left"
        "\repoch 2/3  loss 0.5000  accuracy 0.2500  10 s left"
        "\repoch 3/3  loss 0.5000  accuracy 0.2500  0.0 s left"
        "\repoch 3/3  loss 0.5000  accuracy 0.2500  took 40 s \n"
    )


@pytest.mark.parametrize("verbose", [1, 2])
def test_refit_line_is_marked(monkeypatch, verbose):
    for line in printed(monkeypatch, io.StringIO(), verbose, is_refit=True).splitlines():
        assert line.startswith("refit epoch ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.44, "9.4 s"),
        (9.6, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600.2, "1 h 0 min"),
        (360000, "100 h 0 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


LOGS = {"loss": 0.12345, "accuracy": 0.9, "val_loss": 0.23456, "val_accuracy": 0.8}


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (None, "epoch 7/35  loss 0.1235  accuracy 0.9000  val_loss 0.2346  val_accuracy 0.8000"),
        (80, "epoch 7/35  loss 0.1235  acc 0.9000  val_loss 0.2346  val_acc 0.8000"),
        (76, "epoch 7/35  loss 0.123  acc 0.900  val_loss 0.235  val_acc 0.800"),
        (65, "epoch 7/35  loss 0.123  val_loss 0.235  val_acc 0.800"),
        (60, "epoch 7/35  loss 0.123  val_loss 0.235"),
        (40, "epoch 7/35  val_loss 0.235"),
        (30, "epoch 7/35"),
    ],
)
def test_progress_line_fits_width(width, line):
    assert progress_line("epoch 7/35", LOGS, "3.0 s left", width) == f"{line}  3.0 s left"


@pytest.mark.parametrize(("width", "line"), [(19, "epoch 7/35"), (10, "epoch 7/35"), (4, "epoc")])
def test_progress_line_without_room_for_time(width, line):
    assert progress_line("epoch 7/35", LOGS, "3.0 s left", width) == line


class Screen:
    """A terminal's screen, which wraps long lines, and rewraps them when it is resized."""

    def __init__(self, columns):
        self.columns = columns
        self.lines, self.row, self.column = [""], 0, 0

    def write(self, text):
        for code in re.findall(r"\x1b\[\d*[A-Z]|[\s\S]", text):
            if code == "\r":
                self.column = 0
            elif code == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row == len(self.lines))
            elif code == "\x1b[J":
                self.lines[self.row :] = [self.lines[self.row][: self.column]]
            elif code.startswith("\x1b["):
                self.row -= int(code[2:-1])
            else:
                assert code.isprintable()
                if self.column == self.columns:
                    self.write("\n")
                line = self.lines[self.row]
                before, after = line[: self.column], line[self.column + 1 :]
                self.lines[self.row] = before + code + after
                self.column += 1

    def resize(self, columns):
        """Rewrap the last line, which has the cursor, to a new width."""
        text = self.lines.pop()
        self.columns = columns
        self.lines += [text[start : start + columns] for start in range(0, len(text) or 1, columns)]
        self.row, self.column = len(self.lines) - 1, len(self.lines[-1])


@pytest.fixture
def terminal():
    """A pseudo-terminal, with functions to set its width and to read its output."""
    leader, follower = pty.openpty()

    def resize(columns):
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read():
        # Nothing is written if the line has not changed.
        ready, _, _ = select.select([leader], [], [], 0.1)
        return os.read(leader, 65536).decode().replace("\r\n", "\n") if ready else ""

    with open(follower, "w", newline="") as stream:
        yield stream, resize, read
    os.close(leader)


@pytest.mark.parametrize("columns", [1, 5, 20, 40, 80, 200])
def test_progress_stays_on_one_row_of_terminal(monkeypatch, terminal, clock, columns):
    stream, resize, read = terminal
    monkeypatch.setattr("sys.stdout", stream)
    resize(columns)
    screen = Screen(columns)
    progress = Progress(0, 12, 1)
    for epoch in range(1, 13):
        progress.end(epoch, LOGS, None)
        screen.write(read())
        assert len(screen.lines) == 1
        assert screen.column < columns or columns == 1
        assert screen.lines[0].startswith(f"epoch {epoch}/12"[: columns - 1])
    progress.close()
    screen.write(read())
    assert [line for line in screen.lines if line.strip()] == screen.lines[:1]
    assert ("took" in screen.lines[0]) is (columns >= 40)


@pytest.mark.parametrize("widths", [(80, 40), (80, 20), (40, 80), (80, 79), (200, 3, 80)])
def test_progress_adapts_to_terminal_width(monkeypatch, terminal, clock, widths):
    stream, resize, read = terminal
    monkeypatch.setattr("sys.stdout", stream)
    screen = Screen(widths[0])
    screen.write("before\n")
    progress = Progress(0, 9, 1)
    for epoch, columns in enumerate(widths, 1):
        resize(columns)
        screen.resize(columns)
        progress.end(epoch, LOGS, None)
        screen.write(read())
        assert screen.lines[0] == "before"
        assert screen.lines[1].startswith(f"epoch {epoch}/9"[: columns - 1])
        assert len(screen.lines) == 2
        assert len(screen.lines[1].rstrip()) < columns
    progress.close()


def test_verbose_1_in_a_notebook(monkeypatch, clock):
    notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    found = printed(monkeypatch, notebook(), 1)
    assert found.count("\r") == 4
    assert found.count("\n") == 1
    assert "\x1b" not in found


def test_verbose_1_limits_update_rate(monkeypatch):
    times = iter([0, 0.01, 0.02, 0.2, 0.21, 0.22])
    monkeypatch.setattr(_epochs.time, "monotonic", lambda: next(times))
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    progress = Progress(0, 4, 1)
    for epoch in (1, 2, 3, 4):
        progress.end(epoch, {"loss": 0.5}, None)
    progress.close()
    shown = [line.split("  ")[0] for line in stream.getvalue().split("\r")]
    assert shown == ["", "epoch 1/4", "epoch 3/4", "epoch 4/4"]


def test_verbose_1_in_a_thread(monkeypatch, clock):
    found = []
    thread = threading.Thread(target=lambda: found.append(printed(monkeypatch, Terminal(), 1)))
    thread.start()
    thread.join()
    assert found == ["epoch 3/3  loss 0.5000  accuracy 0.2500  took 40 s\n"]


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_verbose_2(monkeypatch, clock, stream):
    assert printed(monkeypatch, stream(), 2) == (
        "epoch 1/3  loss 0.1235  accuracy 1.0000  10 s per epoch\n"
        "epoch 2/3  loss 0.5000  accuracy 0.2500  10 s per epoch\n"
        "epoch 3/3  loss 0.5000  accuracy 0.2500  10 s per epoch\n"
    )


def test_later_fit_continues_epochs_but_not_time(monkeypatch, clock):
    found = printed(monkeypatch, Terminal(), 1, first_epoch=5)
    assert found.startswith("\repoch 6/8  loss 0.1235  accuracy 1.0000  20 s left")


def test_close_before_first_epoch(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    Progress(0, 3, 1).close()
    assert stream.getvalue() == ""
