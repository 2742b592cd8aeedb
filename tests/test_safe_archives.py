"""Reading .npz archives: malicious or damaged ones are an error, and no code runs."""

import pickle
import zipfile

import numpy as np
import pytest
from npz_files import BUILD, CALL, DTYPE, EMPTY, NDARRAY, STOP, array_of, named, npy, npz, value

from skclf.datasets import _ragged_npz
from skclf.datasets._ragged_npz import read_ragged_npz


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
def test_malicious_pickles_are_an_error(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, message = PICKLES[content]
    path = npz(tmp_path, **{"x.npy": npy(content)})
    with pytest.raises(pickle.UnpicklingError, match=message):
        read_ragged_npz(path)
    assert [each.name for each in tmp_path.iterdir()] == ["archive.npz"]
    # The next archive is read as before.
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
def test_damaged_arrays_are_an_error(content, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_ragged_npz(npz(tmp_path, **{"x.npy": content}))


def test_archives_that_unpack_to_too_many_bytes_are_an_error(tmp_path):
    size = _ragged_npz.MOST_BYTES // 4 + 1
    path = tmp_path / "archive.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0.npy", bytes(size))
        # Only the directory at the end is read, so one member can be listed four times.
        archive.filelist += archive.filelist * 3
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match=rf"Got an archive of {4 * size} bytes; expected at most"):
        read_ragged_npz(path)


@pytest.mark.parametrize(
    "name", ["../../x.npy", "/x.npy", "..\\..\\x.npy", "C:\\x.npy", "a/../x.npy"]
)
def test_names_in_an_archive_are_not_used_as_paths(name, tmp_path, monkeypatch):
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    path = npz(folder, **{name: npy(bytes(8), (1,), "<f8")})
    assert [*read_ragged_npz(path)] == [name.removesuffix(".npy")]
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
