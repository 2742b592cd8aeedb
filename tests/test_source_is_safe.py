"""The source of skclf: no module runs or unpacks what it reads, or writes files unasked."""

import ast
from pathlib import Path

import pytest

import skclf

ROOT = Path(skclf.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

RUNS_CODE = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
# Attributes of any object, since the source doesn't show an object's type.
RUNS_OR_UNPACKS = {"system", "popen", "extract", "extractall", "unpack_archive", "mktemp"}
RUNS_OR_UNPACKS |= {"import_module", "load_model", "from_json", "enable_unsafe_deserialization"}
RUNS_OR_UNPACKS |= {"deserialize", "deserialize_keras_object", "model_from_json", "fromfile"}
ALLOWED_NAMES = {"pickle": {"Unpickler", "UnpicklingError"}, "tempfile": set()}
FORBIDDEN_MODULES = {
    "subprocess",
    "marshal",
    "shelve",
    "ctypes",
    "yaml",
    "dill",
    "cloudpickle",
    "runpy",
}
FORBIDDEN_MODULES |= {"code", "codeop", "pty", "imp", "xml", "ftplib", "telnetlib", "socketserver"}
WRITES = {"write_text", "write_bytes", "mkdir", "makedirs", "rename", "unlink", "removedirs"}
WRITES |= {"rmdir", "rmtree", "copyfile", "copyfileobj", "symlink_to", "touch", "chmod"}


def faults_in(source):
    """Yield the names of calls, attributes and imports that no module may use."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in RUNS_CODE:
                yield node.func.id
        elif isinstance(node, ast.Attribute):
            if node.attr in RUNS_OR_UNPACKS:
                yield node.attr
            base = node.value.id if isinstance(node.value, ast.Name) else None
            if node.attr not in ALLOWED_NAMES.get(base, {node.attr}):
                yield f"{base}.{node.attr}"
            if base in ("np", "numpy") and node.attr == "load":
                yield "np.load"
            if base == "os" and node.attr.startswith(("exec", "spawn", "posix_spawn", "fork")):
                yield f"os.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            yield from {module.partition(".")[0] for module in modules} & FORBIDDEN_MODULES
            if isinstance(node, ast.ImportFrom):
                allowed = ALLOWED_NAMES.get(node.module, set(names))
                yield from (name for name in names if name not in allowed)
                yield from set(names) & (RUNS_OR_UNPACKS | {"loads"})
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode", "shell"):
            is_safe = isinstance(node.value, ast.Constant)
            if not is_safe or node.value.value is not (node.arg == "safe_mode"):
                yield node.arg


def writes_in(source):
    """Yield the names of calls that seem to write to the file system."""
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
        # Strings and images have methods with some of these names too.
        if name in WRITES or (owner == "os" and name in ("replace", "remove")):
            yield name


@pytest.mark.parametrize("file", FILES)
def test_no_module_runs_or_unpacks_what_it_reads(file):
    assert list(faults_in((ROOT / file).read_text(encoding="utf-8"))) == []


def test_only_downloads_and_onnx_export_write_files():
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
def test_faults_in_finds_calls_that_run_code_or_unpack_files(source):
    assert list(faults_in(source))


@pytest.mark.parametrize(
    "source",
    ["open(path, 'w')", "path.open('a')", "path.open(mode='xb')", "os.replace(a, b)", "p.unlink()"],
)
def test_writes_in_finds_writes(source):
    assert list(writes_in(source))
