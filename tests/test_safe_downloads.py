"""Downloads from servers that send wrong, incomplete or malicious files."""

import contextlib
import hashlib
import http.server
import io
import json
import socket
import threading

import numpy as np
import pytest
from npz_files import CALL, STOP, named, npy, npz, value

from skclf.datasets import _hosted, fetch_imdb
from skclf.datasets._ragged_npz import read_ragged_npz

TRAP = npy(named("os", "system") + value(("touch caught",)) + CALL + STOP)


def good_files():
    """Tiny files in the form of Keras's hosted ones."""
    rows = np.empty(4, dtype=object)
    rows[:] = [[1], [2, 1], [1, 2], [2]]
    arrays, labels = io.BytesIO(), np.arange(4) % 2
    np.savez(arrays, x_train=rows, y_train=labels, x_test=rows, y_test=labels)
    index = json.dumps({"good": 1, "bad": 2}).encode()
    return {"imdb.npz": arrays.getvalue(), "imdb_word_index.json": index}


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``files`` with the status and headers of the class."""

    files, headers_of, status = {}, {}, 200

    def do_GET(self):
        content = self.files.get(self.path.strip("/"), b"")
        self.send_response(self.status)
        headers = {"Content-Length": str(len(content))} | self.headers_of
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server in place of Keras's; the expected checksums are those of its files."""
    handler = type("Handler", (Server,), {"files": good_files()})
    for (name, content), algorithm in zip(handler.files.items(), ("sha256", "md5"), strict=True):
        monkeypatch.setitem(_hosted.CHECKSUMS, name, hashlib.new(algorithm, content).hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        monkeypatch.setattr(_hosted, "ADDRESS", f"http://127.0.0.1:{running.server_port}/")
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield handler
        running.shutdown()
        thread.join()


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


DOWNLOADED = ["keras", "keras/datasets", "keras/datasets/imdb.npz"]
DOWNLOADED += ["keras/datasets/imdb_word_index.json"]


def test_a_download_is_checked_and_read(server, tmp_path):
    reviews = fetch_imdb(source="keras")
    assert {tuple(ids) for ids in reviews.data} == {(1, 3), (1, 4, 3), (1, 3, 4), (1, 4)}
    assert files_in(tmp_path) == DOWNLOADED
    server.files = {}
    assert fetch_imdb(source="keras", subset="test").data.shape == (4,)


@pytest.mark.parametrize("name", ["imdb.npz", "imdb_word_index.json"])
@pytest.mark.parametrize("wrong", [b"", TRAP, b"x" * 10**6])
def test_a_download_with_another_checksum_is_deleted(name, wrong, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server.files = server.files | {name: wrong}
    with pytest.raises(OSError, match=f"{name} doesn't have the checksum that Keras publishes"):
        fetch_imdb(source="keras")
    assert not [path for path in files_in(tmp_path) if name in path or "caught" in path]


def test_a_server_that_does_not_answer_times_out(tmp_path, monkeypatch):
    # The system accepts the connection, but nothing answers. The timer closes the socket, since a
    # download without a timeout would hang here.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(_hosted, "ADDRESS", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        monkeypatch.setattr(_hosted, "TIMEOUT_SECONDS", 0.2)
        closing = threading.Timer(10, silent.close)
        closing.start()
        try:
            with pytest.raises(TimeoutError, match="timed out"):
                _hosted.download("imdb.npz", tmp_path)
        finally:
            closing.cancel()
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_download_is_deleted(server, tmp_path):
    content = server.files["imdb.npz"]
    server.files = server.files | {"imdb.npz": content[:-9]}
    server.headers_of = {"Content-Length": str(len(content))}
    with pytest.raises(OSError, match=r"doesn't have the checksum|was interrupted"):
        fetch_imdb(source="keras")
    assert files_in(tmp_path) == DOWNLOADED[:2]


def test_a_server_cannot_choose_the_name_of_a_file(server, tmp_path):
    name = 'attachment; filename="../../spam.npz"'
    server.headers_of = {"Content-Disposition": name, "Content-Type": "text/html"}
    fetch_imdb(source="keras")
    assert files_in(tmp_path) == DOWNLOADED


def test_a_redirect_to_a_local_file_is_an_error(server, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(server.files["imdb.npz"])
    server.status, server.headers_of = 302, {"Location": secret.as_uri()}
    with pytest.raises(OSError, match="not allowed"):
        fetch_imdb(source="keras")
    assert files_in(tmp_path) == ["secret"]


def test_a_file_changed_after_its_check_is_an_error(server, tmp_path):
    fetch_imdb(source="keras")
    path = tmp_path / "keras" / "datasets" / "imdb.npz"
    assert _hosted.list_missing(["imdb.npz"], path.parent) == []
    npz(tmp_path, **{"x_train.npy": TRAP}).rename(path)
    with pytest.raises(OSError, match="has changed: its checksum"):
        _hosted.open_published(path)


def test_the_file_that_was_checked_is_the_one_that_is_read(server, tmp_path):
    fetch_imdb(source="keras")
    path = tmp_path / "keras" / "datasets" / "imdb.npz"
    file = _hosted.open_published(path)
    npz(tmp_path, **{"x_train.npy": TRAP}).rename(path)
    assert len(read_ragged_npz(file)["x_train"]) == 4
