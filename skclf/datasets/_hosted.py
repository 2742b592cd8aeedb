"""Download and check the files that Keras hosts.

A file is used only if it has the checksum that Keras publishes, so the data are always those of
Keras's authors, even if another program downloaded the file.
"""

import hashlib
import io
import os
import secrets
import shutil
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

# As in the source of keras.datasets: SHA-256 of the arrays, MD5 of the word indices.
CHECKSUMS = {
    "imdb.npz": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    "imdb_word_index.json": "bfafd718b763782e994055a2d397834f",
    "reuters.npz": "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    "reuters_word_index.json": "4d44cc38712099c9e383dc6e5f11a921",
}

TIMEOUT_SECONDS = 10


def find_folder(data_home):
    """Return the folder of hosted files: `data_home`, or the folder that Keras uses."""
    if data_home is not None:
        return Path(data_home).expanduser()
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"


def _is_published(file, name):
    """Return whether an open file is the one that Keras publishes under `name`."""
    algorithm = "md5" if len(CHECKSUMS[name]) == 32 else "sha256"
    digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest() == CHECKSUMS[name]


def _holds_published(path, name):
    with open(path, "rb") as file:
        return _is_published(file, name)


def list_missing(names, folder):
    """List the names whose file is missing in `folder`, or isn't the published one."""
    return [
        name
        for name in names
        if not (folder / name).is_file() or not _holds_published(folder / name, name)
    ]


def open_published(path):
    """Load a hosted file into memory, so that it can't change between the check and its use.

    Raises
    ------
    OSError
        If it isn't the one that Keras publishes.
    """
    file = io.BytesIO(path.read_bytes())
    if not _is_published(file, path.name):
        raise OSError(
            f"{path} has changed: its checksum is not the one that Keras publishes. Fetch the data "
            "again."
        )
    file.seek(0)
    return file


def download(name, folder):
    """Download a hosted file into `folder`; an incomplete or wrong file never appears there.

    Raises
    ------
    OSError
        If the file can't be downloaded or written, or isn't the one that Keras publishes.
    """
    unfinished = folder / f"{name}.{secrets.token_hex(4)}.part"
    try:
        with urlopen(ADDRESS + name, timeout=TIMEOUT_SECONDS) as response:
            folder.mkdir(parents=True, exist_ok=True)
            with open(unfinished, "wb") as file:
                shutil.copyfileobj(response, file)
        if not _holds_published(unfinished, name):
            raise OSError(f"{ADDRESS}{name} doesn't have the checksum that Keras publishes")
        os.replace(unfinished, folder / name)
    except HTTPException as error:
        raise OSError(f"{ADDRESS}{name} was interrupted: {error!r}") from error
    finally:
        unfinished.unlink(missing_ok=True)
