"""Find the files of a text set: hosted by Keras, or part of an installed distribution.

Keras's files come first, so that a call returns the data of Keras's tutorials wherever they are
available.

The files of a distribution are found through its metadata and read as data. The distribution itself
is never imported, and doesn't even have to be importable.
"""

import importlib.metadata
from typing import NamedTuple

from . import _hosted


class InstalledFiles(NamedTuple):
    """Files of a text set that come with a distribution.

    Attributes
    ----------
    distribution : str
        Its name, which is also the name of the source.
    command : str
        The command that installs it.
    paths : tuple of str
        Its files, relative to the folder in which it is installed.
    subsets : tuple of str
        The subsets that its files contain.
    """

    distribution: str
    command: str
    paths: tuple[str, ...]
    subsets: tuple[str, ...]

    def find(self):
        """Paths of the files, or an empty list if one of them is missing."""
        try:
            distribution = importlib.metadata.distribution(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return []
        paths = [distribution.locate_file(path) for path in self.paths]
        return paths if all(path.is_file() for path in paths) else []


def _check_subset(source, subset, installed):
    if source == installed.distribution and subset not in installed.subsets:
        raise ValueError(
            f"Got subset={subset!r} with source={source!r}; expected "
            f"subset={' or '.join(map(repr, installed.subsets))}, because that distribution has no "
            "other. Use it, or source='keras', which also has a test set."
        )


def find_files(hosted, installed, source, subset, data_home, download_if_missing):
    """Find the files to read, and download missing ones if that is allowed.

    Parameters
    ----------
    hosted : tuple of str
        Names of Keras's hosted files.
    installed : InstalledFiles
        The distribution that holds the set too.
    source : {"auto", "keras"} or the name of the distribution
        Where to look. With ``"auto"``, Keras's files come first, downloaded if necessary, and then
        those of the distribution.
    subset : {"train", "test", "all"}
        The subset that the files must contain.
    data_home : path-like or None
        Folder of the hosted files. If None, it is Keras's own.
    download_if_missing : bool
        Whether a download is allowed.

    Returns
    -------
    found : str
        ``"keras"`` or the name of the distribution.
    paths : list of path-like
        The files.

    Raises
    ------
    OSError
        If the files can't be found. The message lists all ways to get them.
    """
    _check_subset(source, subset, installed)
    folder = _hosted.find_folder(data_home)
    failures = []
    if source in ("auto", "keras"):
        failures = _get_hosted(hosted, folder, download_if_missing)
        if not failures:
            return "keras", [folder / name for name in hosted]
    if source != "keras":
        paths = installed.find() if subset in installed.subsets else []
        if paths:
            return installed.distribution, paths
        failures.append(f"no installed {installed.distribution} has subset={subset!r}")
    raise OSError(_say_how(failures, hosted, installed, subset, folder))


def _get_hosted(names, folder, download_if_missing):
    """Download Keras's files if they are missing; return what failed, or an empty list."""
    missing = _hosted.list_missing(names, folder)
    failures = [f"{folder} lacks Keras's {' and '.join(missing)}"] if missing else []
    if missing and download_if_missing:
        try:
            for name in missing:
                _hosted.download(name, folder)
        except OSError as error:
            failures.append(f"the download failed ({error})")
        else:
            return []
    return failures


def _say_how(failures, hosted, installed, subset, folder):
    """Return the message for a set that can't be found: what was tried, and how to get the set."""
    ways = []
    if subset in installed.subsets:
        ways.append(f"run `{installed.command}`" + (" and use source='auto'" if hosted else ""))
    if hosted:
        ways.append(
            "with internet access, use source='auto' and download_if_missing=True, or put "
            f"{' and '.join(hosted)} from {_hosted.ADDRESS} into {folder}"
        )
    return f"Found no data: {'; '.join(failures)}. To get it, {'; or, '.join(ways)}."
