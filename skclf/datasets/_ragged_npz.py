"""Read `.npz` archives whose arrays hold lists, running nothing that they might contain.

Keras's text sets are arrays of lists. NumPy stores such arrays as pickles, and a pickle may call
any function that it can name. Reading lists takes four names; here there are no others, and behind
them stand classes that only keep what they are told. Nothing is written anywhere.
"""

import io
import pickle
import zipfile

import numpy as np

_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

# Keras's own archives unpack to less than a fifth of it.
MOST_BYTES = 2**29


class _Told:
    """Stands where a pickle wants NumPy to make something: keeps its state, and makes nothing."""

    __slots__ = ("state",)

    def __new__(cls, *arguments):
        return super().__new__(cls)

    def __init__(self, *arguments):
        self.state = None

    def __setstate__(self, state):
        self.state = state


_KNOWN = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),  # how Python 3 writes bytes for Python 2
}


class _ListUnpickler(pickle.Unpickler):
    """Knows what an array of lists says of itself, and nothing else."""

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise _unsafe(f"asks for {module}.{name}")
        return _Told


def _unsafe(what):
    return pickle.UnpicklingError(
        f"Got a file that {what}, but expected one of plain arrays. Don't use it: it may be "
        "malicious."
    )


def _read_rows(stream):
    """A 1-D array of lists of numbers, out of the pickle that NumPy makes of it."""
    try:
        told = _ListUnpickler(stream).load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:
        raise _unsafe(f"can't be unpickled ({type(error).__name__}: {error})") from error
    state = told.state if type(told) is _Told else None
    if type(state) is not tuple or len(state) != 5:
        raise _unsafe("holds no array where it announces one")
    _version, shape, _dtype, _is_fortran, rows = state
    if type(rows) is not list or shape != (len(rows),):
        raise _unsafe("holds an array that is no sequence of lists")
    array = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        if type(row) is not list or not set(map(type, row)) <= {int, float}:
            raise _unsafe("holds other rows than lists of numbers")
        array[place] = row
    return array


def _read_array(name, content):
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in _READ_HEADER:
        raise ValueError(f"Got {name!r} in version {version} of NumPy's format; expected 1 or 2.")
    shape, is_fortran, dtype = _READ_HEADER[version](stream)
    if dtype.hasobject:
        return _read_rows(stream)
    # No more memory than the file has, whatever shape it announces.
    numbers = np.frombuffer(content, dtype, offset=stream.tell())
    return numbers.reshape(shape, order="F" if is_fortran else "C")


def read_ragged_npz(file):
    """Read all arrays of an `.npz` file, arrays of lists included.

    Parameters
    ----------
    file : path-like or binary file
        The archive.

    Returns
    -------
    arrays : dict
        Each array under its name.

    Raises
    ------
    pickle.UnpicklingError
        If the file holds anything but arrays of numbers and of lists of numbers.
    ValueError
        If it is no file of NumPy's, or unpacks to more than `MOST_BYTES`.
    """
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > MOST_BYTES:
            raise ValueError(f"Got an archive of {size} bytes; expected at most {MOST_BYTES}.")
        return {
            name.removesuffix(".npy"): _read_array(name, archive.read(name))
            for name in archive.namelist()
        }
