"""Texts as word ids and as multi-hot CSR rows, in files that the contenders read.

A child that only reads arrays needs little memory for it, and none of the time that it takes to
code the texts counts anywhere.
"""


def save(folder, name, ids, target=(), rows=None):
    """Put texts into ``folder``: their ids, their labels and, where given, CSR rows."""
    import numpy as np

    splits = np.cumsum([len(text) for text in ids])[:-1]
    arrays = {"ids": np.concatenate(ids), "splits": splits, "target": target}
    if rows is not None:
        arrays |= {part: getattr(rows, part) for part in ("data", "indices", "indptr", "shape")}
    np.savez(folder / f"{name}.npz", **arrays)


def load_ids(folder, name):
    """The ids of each text, as a list of arrays, and the labels."""
    import numpy as np

    with np.load(folder / f"{name}.npz") as arrays:
        return np.split(arrays["ids"], arrays["splits"]), arrays["target"]


def load_rows(folder, name):
    """CSR rows, float32, and their labels."""
    import numpy as np
    from scipy.sparse import csr_matrix

    with np.load(folder / f"{name}.npz") as arrays:
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        return csr_matrix(parts, shape=tuple(arrays["shape"])), arrays["target"]
