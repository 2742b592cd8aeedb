"""Nothing that is read runs, and nothing is written but where it was asked for.

Files may be malicious, servers may lie, and a name may hide what Keras would make an object of.
"""

import ast
import contextlib
import hashlib
import http.server
import io
import json
import pickle
import socket
import threading
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import skclf
from skclf import MulticlassDenseClassifier, _saved
from skclf._versions import with_versions
from skclf.datasets import _hosted, _ragged_npz, fetch_imdb
from skclf.datasets._ragged_npz import read_ragged_npz

ROOT = Path(skclf.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

# ---------------------------------------------------------------------------------- our own source

RUNS_CODE = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
# Of any object, since what an object is can't be seen in the source.
RUNS_OR_UNPACKS = {"system", "popen", "extract", "extractall", "unpack_archive", "mktemp"}
RUNS_OR_UNPACKS |= {"import_module", "load_model", "from_json", "enable_unsafe_deserialization"}
RUNS_OR_UNPACKS |= {"deserialize", "deserialize_keras_object", "model_from_json", "fromfile"}
ONLY_OF_MODULES = {"pickle": {"Unpickler", "UnpicklingError"}, "tempfile": set()}
MODULES = {"subprocess", "marshal", "shelve", "ctypes", "yaml", "dill", "cloudpickle", "runpy"}
MODULES |= {"code", "codeop", "pty", "imp", "xml", "ftplib", "telnetlib", "socketserver"}
WRITES = {"write_text", "write_bytes", "mkdir", "makedirs", "rename", "unlink", "removedirs"}
WRITES |= {"rmdir", "rmtree", "copyfile", "copyfileobj", "symlink_to", "touch", "chmod"}


def faults_in(source):
    """What a module must not do at all: names of calls, attributes and imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in RUNS_CODE:
                yield node.func.id
        elif isinstance(node, ast.Attribute):
            if node.attr in RUNS_OR_UNPACKS:
                yield node.attr
            base = node.value.id if isinstance(node.value, ast.Name) else None
            if node.attr not in ONLY_OF_MODULES.get(base, {node.attr}):
                yield f"{base}.{node.attr}"
            if base in ("np", "numpy") and node.attr == "load":
                yield "np.load"
            if base == "os" and node.attr.startswith(("exec", "spawn", "posix_spawn", "fork")):
                yield f"os.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            yield from {module.partition(".")[0] for module in modules} & MODULES
            if isinstance(node, ast.ImportFrom):
                allowed = ONLY_OF_MODULES.get(node.module, set(names))
                yield from (name for name in names if name not in allowed)
                yield from set(names) & (RUNS_OR_UNPACKS | {"loads"})
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode", "shell"):
            is_safe = isinstance(node.value, ast.Constant)
            if not is_safe or node.value.value is not (node.arg == "safe_mode"):
                yield node.arg


def writes_in(source):
    """Where a module writes to the file system, as far as the names of methods tell."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        owner = getattr(getattr(node.func, "value", None), "id", "a path")
        is_open = name == "open" or getattr(node.func, "id", None) == "open"
        # The mode is the second argument of the function and the first of a path's method.
        modes = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
        modes += [each.value.value for each in node.keywords if is_open and each.arg == "mode"]
        if is_open and any(len(mode) < 4 and set(mode) & set("wax+") for mode in modes):
            yield "open"
        # Strings and pictures have methods of such names too.
        if name in WRITES or (owner == "os" and name in ("replace", "remove")):
            yield name


@pytest.mark.parametrize("file", FILES)
def test_no_file_runs_or_unpacks_what_it_reads(file):
    assert list(faults_in((ROOT / file).read_text(encoding="utf-8"))) == []


def test_files_are_written_where_they_are_downloaded_and_exported_alone():
    written = {file: set(writes_in((ROOT / file).read_text(encoding="utf-8"))) for file in FILES}
    written = {file: names for file, names in written.items() if names}
    assert written.pop("datasets/_hosted.py") == {
        "open",
        "mkdir",
        "copyfileobj",
        "replace",
        "unlink",
    }
    assert written == {"onnx.py": {"write_bytes"}}


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "__import__('os')",
        "os.system('ls')",
        "import subprocess",
        "from subprocess import run",
        "pickle.load(file)",
        "pickle.loads(text)",
        "from pickle import loads",
        "np.load(path)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "keras.saving.load_model(path, safe_mode=False)",
        "archive.extractall(folder)",
        "archive.extract(name)",
        "tempfile.mktemp()",
        "keras.layers.deserialize(config)",
        "importlib.import_module(name)",
        "from importlib import import_module",
        "os.execv(path, [])",
        "import marshal, yaml",
        "def f():\n    import shelve",
    ],
)
def test_what_runs_code_is_found(source):
    assert list(faults_in(source))


@pytest.mark.parametrize(
    "source",
    ["open(path, 'w')", "path.open('a')", "path.open(mode='xb')", "os.replace(a, b)", "p.unlink()"],
)
def test_what_writes_is_found(source):
    assert list(writes_in(source))


# ------------------------------------------------------------------------------- malicious archives


def npz(folder, **members):
    """An archive of these members' bytes."""
    path = folder / "archive.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(content, shape=(1,), dtype="|O", version=(1, 0)):
    """A file of NumPy's, with this header before this content."""
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    found = bytearray(file.getvalue() + content)
    found[6:8] = bytes(version)
    return bytes(found)


GLOBAL, CALL, NEW, BUILD, STOP = b"c", b"R", b"\x81", b"b", b"."


def named(module, name):
    return GLOBAL + f"{module}\n{name}\n".encode()


def value(plain):
    """What a pickle puts a plain value on its stack with."""
    return pickle.dumps(plain, protocol=2)[2:-1]


RECONSTRUCT = named("numpy.core.multiarray", "_reconstruct")
NDARRAY, DTYPE = named("numpy", "ndarray"), named("numpy", "dtype")
EMPTY = RECONSTRUCT + b"(" + NDARRAY + value((0,)) + value("b") + b"t" + CALL
OBJECTS = DTYPE + value(("O8", 0, 1)) + CALL
OBJECTS += value((3, "|", None, None, None, -1, -1, 63)) + BUILD


def array_of(shape, rows, dtype=OBJECTS):
    """A pickle of an array, as NumPy writes it."""
    state = b"(" + value(1) + value(shape) + dtype + value(False) + rows + b"t"
    return EMPTY + state + BUILD + STOP


def test_arrays_of_lists_are_read(tmp_path):
    rows = np.empty(2, dtype=object)
    rows[:] = [[1, 2], []]
    for protocol in range(6):
        path = npz(tmp_path, **{"x.npy": npy(pickle.dumps(rows, protocol), shape=(2,))})
        assert read_ragged_npz(path)["x"].tolist() == [[1, 2], []]
    path = npz(tmp_path, **{"x.npy": npy(array_of((2,), value([[1, 2], []])), shape=(2,))})
    assert read_ragged_npz(path)["x"].tolist() == [[1, 2], []]


def test_arrays_of_numbers_are_read(tmp_path):
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.asfortranarray(np.eye(3)), "c": np.zeros(0)}
    np.savez(tmp_path / "archive.npz", **arrays)
    found = read_ragged_npz(tmp_path / "archive.npz")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


ASKS = r"asks for .* Don't use it: it may be malicious"
PICKLES = {
    "os.system": (named("os", "system") + value(("touch caught",)) + CALL + STOP, ASKS),
    "posix.system": (named("posix", "system") + value(("touch caught",)) + CALL + STOP, ASKS),
    "eval": (named("builtins", "eval") + value(("open('caught', 'w')",)) + CALL + STOP, ASKS),
    "eval of Python 2": (named("__builtin__", "eval") + value(("1",)) + CALL + STOP, ASKS),
    "getattr": (named("builtins", "getattr") + value((1, "real")) + CALL + STOP, ASKS),
    "open": (named("io", "open") + value(("caught", "w")) + CALL + STOP, ASKS),
    "NumPy's load": (named("numpy", "load") + value(("x",)) + CALL + STOP, ASKS),
    "NumPy's memmap": (named("numpy", "memmap") + value(("caught",)) + CALL + STOP, ASKS),
    "NumPy's scalar": (named("numpy.core.multiarray", "scalar") + STOP, ASKS),
    "NumPy's frombuffer": (named("numpy._core.multiarray", "frombuffer") + STOP, ASKS),
    "a part of an array": (named("numpy", "ndarray.tofile") + STOP, ASKS),
    "a name with dots": (b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.", ASKS),
    "a module within": (b"\x80\x04\x8c\x05numpy\x8c\x09os.system\x93.", ASKS),
    "instance": (b"(i" + b"os\nsystem\n.", ASKS),
    "persistent": (b"Pos.system\n.", "persistent"),
    "huge array": (NDARRAY + value(((10**9, 10**9),)) + CALL + STOP, "no array"),
    "huge shape": (array_of((10**12,), value([])), "not a sequence of lists"),
    "raw bytes as objects": (array_of((1,), b"C\x08" + bytes(8)), "not a sequence of lists"),
    "bytes of another type": (
        array_of((8,), b"C\x08" + bytes(8), DTYPE),
        "not a sequence of lists",
    ),
    "two dimensions": (array_of((1, 2), value([[1], [2]])), "not a sequence of lists"),
    "other rows": (array_of((1,), value([{"a": 1}])), "rows that aren't lists"),
    "lists in rows": (array_of((1,), value([[[1]]])), "rows that aren't lists"),
    "texts in rows": (array_of((1,), value([["a"]])), "rows that aren't lists"),
    "stand-ins in rows": (array_of((1,), b"](]" + NDARRAY + b"ae"), "rows that aren't lists"),
    "a number": (value(5) + STOP, "no array"),
    "a class": (NDARRAY + STOP, "no array"),
    "a class that is changed": (NDARRAY + value({"state": 1}) + BUILD + STOP, "can't be unpickled"),
    "an array that is not filled": (EMPTY + STOP, "no array"),
    "a short state": (EMPTY + value((1, 2)) + BUILD + STOP, "no array"),
    "nothing": (b"", "can't be unpickled"),
    "half": (array_of((1,), value([[1]]))[:40], "can't be unpickled|truncated"),
    "no pickle": (b"spam spam spam", "can't be unpickled|unpickling|invalid load key"),
}


@pytest.mark.parametrize("content", PICKLES)
def test_malicious_pickles_are_refused(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, message = PICKLES[content]
    path = npz(tmp_path, **{"x.npy": npy(content)})
    with pytest.raises(pickle.UnpicklingError, match=message):
        read_ragged_npz(path)
    assert [each.name for each in tmp_path.iterdir()] == ["archive.npz"]
    # Nor has it changed what reads the next one.
    path = npz(tmp_path, **{"x.npy": npy(array_of((1,), value([[7]])))})
    assert read_ragged_npz(path)["x"].tolist() == [[7]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "EOF|magic"),
        (b"spam spam spam", "magic string"),
        (npy(bytes(8), version=(3, 0)), "version .3, 0. of NumPy's format"),
        (npy(bytes(8), version=(9, 9)), "version .9, 9. of NumPy's format"),
        (npy(bytes(8), (10**15,), "<f8"), "cannot reshape"),
        (npy(bytes(8), (2**62, 2**62), "<f8"), "reshape|too big|too large"),
        (npy(bytes(7), (1,), "<f8"), "multiple of element size"),
        (npy(bytes(8))[:20], "EOF"),
    ],
)
def test_damaged_arrays_are_refused(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_ragged_npz(npz(tmp_path, **{"x.npy": content}))


def test_archives_that_unpack_to_too_much_are_refused(tmp_path):
    size = _ragged_npz.MOST_BYTES // 4 + 1
    path = tmp_path / "archive.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0.npy", bytes(size))
        # Only the list at the end is read, so that one member can stand for four.
        archive.filelist += archive.filelist * 3
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match=rf"Got an archive of {4 * size} bytes; expected at most"):
        read_ragged_npz(path)


@pytest.mark.parametrize(
    "name", ["../../x.npy", "/x.npy", "..\\..\\x.npy", "C:\\x.npy", "a/../x.npy"]
)
def test_names_in_an_archive_are_names_alone(name, tmp_path, monkeypatch):
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    path = npz(folder, **{name: npy(bytes(8), (1,), "<f8")})
    assert [*read_ragged_npz(path)] == [name.removesuffix(".npy")]
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]


# ------------------------------------------------------------------------------------ lying servers

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
    """Gives what it is told to give, under whatever address."""

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
    """A server in place of Keras's; what it holds is what Keras publishes."""
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
def test_a_download_that_is_not_what_it_should_be_is_thrown_away(
    name, wrong, server, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    server.files = server.files | {name: wrong}
    with pytest.raises(OSError, match=f"{name} doesn't have the checksum that Keras publishes"):
        fetch_imdb(source="keras")
    assert not [path for path in files_in(tmp_path) if name in path or "caught" in path]


def test_a_server_that_does_not_answer_is_given_up(tmp_path, monkeypatch):
    # The system takes the connection; nobody reads it. Closed in the end, or a download without a
    # limit would hang here too.
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


def test_a_download_that_breaks_off_is_thrown_away(server, tmp_path):
    content = server.files["imdb.npz"]
    server.files = server.files | {"imdb.npz": content[:-9]}
    server.headers_of = {"Content-Length": str(len(content))}
    with pytest.raises(OSError, match=r"doesn't have the checksum|was interrupted"):
        fetch_imdb(source="keras")
    assert files_in(tmp_path) == DOWNLOADED[:2]


def test_a_server_does_not_choose_the_name_of_a_file(server, tmp_path):
    name = 'attachment; filename="../../spam.npz"'
    server.headers_of = {"Content-Disposition": name, "Content-Type": "text/html"}
    fetch_imdb(source="keras")
    assert files_in(tmp_path) == DOWNLOADED


def test_a_server_can_not_point_to_files_of_this_machine(server, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(server.files["imdb.npz"])
    server.status, server.headers_of = 302, {"Location": secret.as_uri()}
    with pytest.raises(OSError, match="not allowed"):
        fetch_imdb(source="keras")
    assert files_in(tmp_path) == ["secret"]


def test_a_file_that_was_changed_since_its_check_is_not_read(server, tmp_path):
    fetch_imdb(source="keras")
    path = tmp_path / "keras" / "datasets" / "imdb.npz"
    assert _hosted.list_missing(["imdb.npz"], path.parent) == []
    npz(tmp_path, **{"x_train.npy": TRAP}).rename(path)
    with pytest.raises(OSError, match="has changed: its checksum"):
        _hosted.open_published(path)


def test_what_was_checked_is_what_is_read(server, tmp_path):
    fetch_imdb(source="keras")
    path = tmp_path / "keras" / "datasets" / "imdb.npz"
    file = _hosted.open_published(path)
    npz(tmp_path, **{"x_train.npy": TRAP}).rename(path)
    assert len(read_ragged_npz(file)["x_train"]) == 4


# --------------------------------------------------- names and dicts of which Keras makes an object

X = np.random.RandomState(0).rand(30, 4).astype(np.float32)
Y = np.arange(30) % 3
CALLED = []


@keras.saving.register_keras_serializable(package="spam")
class Registered(keras.layers.Layer):
    """Notes that it was made, or called."""

    def __init__(self, *arguments, **options):
        CALLED.append(arguments)
        super().__init__()


@keras.saving.register_keras_serializable(package="spam")
def registered(values):
    CALLED.append(values)
    return values


NAMES = ["os.system", "builtins>eval", "builtins.eval", "spam>registered", "spam>Registered"]
NAMES += ["lambda x: x", "__lambda__", "function", "Lambda", "deserialize", "get", "Registered"]
NAMES += ["keras.layers>Lambda", "../relu", '{"class_name": "Lambda"}', ""]
CONFIGS = [
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
    {"module": "builtins", "class_name": "eval", "config": {}, "registered_name": None},
    {
        "module": None,
        "class_name": "Registered",
        "config": {},
        "registered_name": "spam>Registered",
    },
    {"class_name": "Lambda", "config": {"function": "lambda x: x"}},
    keras.saving.serialize_keras_object(registered),
]
FIELDS = ["activation", "optimizer", "learning_rate", "loss", "metrics", "monitor"]


@pytest.mark.parametrize("field", FIELDS)
def test_parameters_are_known_names_or_instances(field):
    CALLED.clear()
    for odd in [*NAMES, *CONFIGS]:
        given = [odd] if field == "metrics" else odd
        clf = MulticlassDenseClassifier(3, epochs=1, validation_split=0.2, **{field: given})
        clf.set_params(patience=1)
        with pytest.raises((ValueError, TypeError), match=rf"(?i){field}|expected the name of a"):
            clf.fit(X, Y)
    assert CALLED == []


@pytest.fixture(scope="module")
def state():
    return MulticlassDenseClassifier(3, epochs=1, random_state=0).fit(X, Y).__getstate__()


def loaded(state):
    clf = MulticlassDenseClassifier.__new__(MulticlassDenseClassifier)
    clf.__setstate__(with_versions(state, _saved.CHECKED))
    return clf


@pytest.mark.parametrize("odd", [*NAMES, *CONFIGS], ids=str)
def test_an_activation_in_a_file_is_a_known_name(state, odd):
    CALLED.clear()
    hidden, output = state["_net"]["layers"]
    layers = [hidden | {"activation": odd}, output]
    altered = state | {"_net": state["_net"] | {"layers": layers}}
    with pytest.raises(ValueError, match=r"activation="):
        loaded(altered).predict(X)
    assert CALLED == []


USES = {
    "model": lambda clf: clf.model_,
    "evaluate": lambda clf: clf.evaluate(X, Y),
    "fit": lambda clf: clf.fit(X, Y),
}


@pytest.mark.parametrize("field", ["optimizer", "learning_rate", "loss", "metrics"])
@pytest.mark.parametrize("use", USES)
def test_parameters_in_a_file_are_known_names(state, field, use):
    CALLED.clear()
    for odd in [*NAMES, *CONFIGS]:
        altered = state | {field: [odd] if field == "metrics" else odd}
        with pytest.raises((ValueError, TypeError), match=r"Got |parameter of|Can't load"):
            USES[use](loaded(altered))
    assert CALLED == []


def test_a_file_of_skops_names_no_object_of_keras(state):
    skops_io = pytest.importorskip("skops.io", reason="skops is not installed")
    clf = loaded(state)
    clf.loss = CONFIGS[0]
    name = f"{type(clf).__module__}.{type(clf).__name__}"
    with pytest.raises(ValueError, match="loss="):
        skops_io.loads(skops_io.dumps(clf), trusted=[name]).model_  # noqa: B018
