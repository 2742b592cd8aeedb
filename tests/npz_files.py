"""Archives, arrays and pickles written by hand, which may be damaged or malicious."""

import io
import pickle
import zipfile

import numpy as np


def npz(folder, **members):
    """Write an archive with these members' bytes."""
    path = folder / "archive.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(content, shape=(1,), dtype="|O", version=(1, 0)):
    """The bytes of a file in NumPy's format, with this header and content."""
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
    """The opcodes that push a plain value onto a pickle's stack."""
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
