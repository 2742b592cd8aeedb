"""Read `.npz` archives whose arrays hold lists, running nothing that they might contain.

Keras's text sets are arrays of lists. NumPy stores such arrays as pickles, and a pickle may call
any function that it can name. Reading lists takes three names; here there are no others.
"""

import io
import pickle
import zipfile

import numpy as np

_RECONSTRUCT = np.empty(0, dtype=object).__reduce__()[0]

_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
}

_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Knows how to make arrays, and nothing else."""

    def find_class(self, module, name):
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"Got a file that asks for {module}.{name}, but expected one of plain arrays. "
                "Don't use it: it may be malicious."
            )
        return _ALLOWED[module, name]


def _read_array(content):
    stream = io.BytesIO(content)
    _, _, dtype = _READ_HEADER[np.lib.format.read_magic(stream)](stream)
    if dtype.hasobject:
        return _ArrayUnpickler(stream).load()
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def read_ragged_npz(path):
    """Read all arrays of an `.npz` file, arrays of lists included.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    arrays : dict
        Each array under its name.

    Raises
    ------
    pickle.UnpicklingError
        If the file holds anything but arrays of numbers and of lists of numbers.
    """
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): _read_array(archive.read(name))
            for name in archive.namelist()
        }
