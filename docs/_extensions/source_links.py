"""Links from the API pages to the source in the repository, with line numbers."""

import importlib
import inspect
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Until pyproject.toml has [project.urls].
DEFAULT_URLS = {
    "Repository": "https://github.com/skclf/skclf",
    "Documentation": "https://skclf.readthedocs.io",
}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DESCRIPTION = PROJECT["description"]


def project_urls():
    """Addresses of the repository and the documentation, by these names."""
    found = {name.capitalize(): address for name, address in PROJECT.get("urls", {}).items()}
    found.setdefault("Repository", found.get("Source", DEFAULT_URLS["Repository"]))
    return {name: address.rstrip("/") for name, address in (DEFAULT_URLS | found).items()}


def lines_of(module, fullname):
    """File and first and last line of an object, or None if it has no source of its own here."""
    found = importlib.import_module(module)
    for name in fullname.split("."):
        found = inspect.getattr_static(found, name, None) or getattr(found, name, None)
    if isinstance(found, property):
        found = found.fget
    try:
        # Decorators such as scikit-learn's available_if wrap functions in other objects.
        found = inspect.unwrap(getattr(found, "fn", getattr(found, "__func__", found)))
        file = Path(inspect.getsourcefile(found))
        lines, first = inspect.getsourcelines(found)
    except (TypeError, OSError):
        return None
    if not file.is_relative_to(ROOT / "skclf"):
        return None
    return file.relative_to(ROOT).as_posix(), first, first + len(lines) - 1


def resolver(version):
    """The function ``linkcode_resolve`` for a version of skclf."""
    branch = "main" if "dev" in version else f"v{version}"
    address = f"{project_urls()['Repository']}/blob/{branch}"

    def linkcode_resolve(domain, info):
        if domain != "py" or not info["module"]:
            return None
        found = lines_of(info["module"], info["fullname"])
        return found and f"{address}/{found[0]}#L{found[1]}-L{found[2]}"

    return linkcode_resolve
