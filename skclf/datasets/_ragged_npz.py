"""Read `.npz` archives whose arrays hold lists, without running code from the archive.

Keras's text sets are arrays of lists. NumPy stores such arrays as pickles, and unpickling can call
any function by its name. Arrays of lists need only the names in `_KNOWN`. This reader replaces all
of them by a class that only stores its state, and raises an error for any other name.
"""

import io
import pickle
import zipfile

import numpy as np

_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

# Keras's archives unpack to less than a fifth of this.
MOST_BYTES = 2**29


class _StoredState:
    """Replaces NumPy's classes and functions in a pickle; only stores the state it is given."""

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
    """Unpickles arrays of lists, and raises an error for anything else."""

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise _unsafe(f"asks for {module}.{name}")
        return _StoredState


def _unsafe(what):
    return pickle.UnpicklingError(
        f"Got a file that {what}; expected a file of plain arrays. Don't use it: it may be "
        "malicious."
    )


def _read_rows(stream):
    """Read a 1-D array of lists of numbers from NumPy's pickle of it."""
    try:
        array_state = _ListUnpickler(stream).load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:
        raise _unsafe(f"can't be unpickled ({type(error).__name__}: {error})") from error
    state = array_state.state if type(array_state) is _StoredState else None
    if type(state) is not tuple or len(state) != 5:
        raise _unsafe("has no array where its header announces one")
    _version, shape, _dtype, _is_fortran, rows = state
    if type(rows) is not list or shape != (len(rows),):
        raise _unsafe("has an array that is not a sequence of lists")
    array = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        if type(row) is not list or not set(map(type, row)) <= {int, float}:
            raise _unsafe("has rows that aren't lists of numbers")
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
    # Takes no more memory than the file, whatever shape the header announces.
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
        If the file contains anything except arrays of numbers and of lists of numbers.
    ValueError
        If the file isn't one of NumPy's, or unpacks to more than `MOST_BYTES`.
    """
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > MOST_BYTES:
            raise ValueError(f"Got an archive of {size} bytes; expected at most {MOST_BYTES}.")
        return {
            name.removesuffix(".npy"): _read_array(name, archive.read(name))
            for name in archive.namelist()
        }
