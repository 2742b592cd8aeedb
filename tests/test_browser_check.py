"""The browser check of the built documentation, on small pages with one fault each."""

import builtins
import importlib.util
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "browser_check.py"
if not SCRIPT.exists():
    pytest.skip("only a clone of the repository has the script", allow_module_level=True)

spec = importlib.util.spec_from_file_location("browser_check", SCRIPT)
browser_check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(browser_check)

VALID_PAGE = """<!doctype html><title>Page</title><body data-theme="light"><article id="a">
<h1 id="title">Title</h1><p><a href="#title">Up</a> <a href="other.html#there">Other</a></p>
<div class="highlight"><pre style="background: #fff; color: #000"><span>x = 1</span></pre></div>
</article></body>"""
OTHER_PAGE = "<!doctype html><title>Other</title><body><h1 id='there'>There</h1></body>"

WIDE = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='800' height='9'/>"

# HTML that is added to the page, and a part of the expected report.
STATIC = {
    "page": ('<a href="missing.html">x</a>', "link to missing.html, which does not exist"),
    "anchor": ('<a href="#nowhere">x</a>', "link to #nowhere, an anchor that does not exist"),
    "anchor on another page": (
        '<a href="other.html#here">x</a>',
        "link to other.html#here, an anchor",
    ),
    "missing text": ('<img src="a.png">', "image a.png has no alternative text"),
    "empty text": ('<img src="a.png" alt=" ">', "image a.png has no alternative text"),
    "same title": ("<title>Other</title>", "has the title of index.html: 'Other'"),
    "no title": ("<title></title>", "has no title"),
    "file name": ('<img src="a.png" alt="a.png">', "has a file name as its alternative text"),
}
RENDERED = {
    "width": ('<div style="width: 1500px">wide</div>', "scrolls sideways by"),
    "content": (
        '<div class="content" style="overflow: auto"><p style="width: 1500px">wide</p></div>',
        "scrolls sideways by",
    ),
    "contrast": (
        '<div class="highlight"><pre style="background: #fff; color: #999">y</pre></div>',
        "code 'y' has a contrast of 2.8",
    ),
    "markup": ("<p>See :ref:`there`.</p>", "shows the markup See :ref:`there`."),
    "initial": ('<ol class="upperalpha"><li>Chollet</li></ol>', "an initial, before Chollet"),
    "cell": ('<table class="docutils"><td>a, b,</td></table>', "cuts a table cell: a, b,"),
    "section": ("<section><h2>Alone</h2></section>", "has nothing below the heading Alone"),
    "figure": (f'<img alt="Wide" src="{WIDE}" width="300">', "at 38% of its width, at 400 px"),
    "script": ("<script>missing()</script>", "script error: missing is not defined"),
    "console": ("<script>console.error('bad')</script>", "console: bad"),
    "request": ('<script src="missing.js"></script>', "failed request: file:"),
}


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text(VALID_PAGE, encoding="utf-8")
    (tmp_path / "other.html").write_text(OTHER_PAGE, encoding="utf-8")
    return tmp_path


def add_to_page(site, fault):
    page = VALID_PAGE.replace("</article>", f"{fault}</article>")
    if fault.startswith("<title>"):
        page = VALID_PAGE.replace("<title>Page</title>", fault)
    (site / "index.html").write_text(page, encoding="utf-8")


def static_faults(site):
    pages = browser_check.read_pages(site)
    for file, page in pages.items():
        yield from browser_check.link_faults(file, pages)
        yield from browser_check.title_faults(file, pages)
        yield from browser_check.image_faults(page)


def test_valid_pages_have_no_faults(site):
    assert list(static_faults(site)) == []


@pytest.mark.parametrize("name", STATIC)
def test_faults_found_without_browser(site, name):
    fault, report = STATIC[name]
    add_to_page(site, fault)
    (found,) = static_faults(site)
    assert report in found


def test_described_images_and_thumbnails_pass(site):
    add_to_page(site, '<img src="a.png" alt="Loss at each epoch"><img src="b_thumb.png" alt="">')
    assert list(static_faults(site)) == []


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ((0, 0, 0), (255, 255, 255), 21.0),
        ((255, 255, 255), (255, 255, 255), 1.0),
        ((118, 118, 118), (255, 255, 255), 4.54),
        ((119, 119, 119), (255, 255, 255), 4.48),
    ],
)
def test_contrast(first, second, ratio):
    assert browser_check.contrast(first, second) == pytest.approx(ratio, abs=0.005)
    assert browser_check.contrast(second, first) == browser_check.contrast(first, second)


def test_rgb_parses_computed_styles():
    assert browser_check.rgb("rgb(0, 16, 255)") == (0, 16, 255)
    assert browser_check.rgb("rgba(1, 2, 3, 0.5)") == (1, 2, 3)


def run(site, **environment):
    command = [sys.executable, SCRIPT, site]
    return subprocess.run(command, capture_output=True, text=True, **environment)


def test_missing_browser_error_names_package(site):
    result = run(site, env={"PATH": ""})
    assert result.returncode == 1
    assert "apt-get install chromium" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, *RENDERED])
def test_faults_found_in_browser(site, name):
    pytest.importorskip("playwright", reason="Playwright is not installed")
    if browser_check.find_browser() is None:
        pytest.skip(browser_check.NO_BROWSER)
    fault, report = RENDERED.get(name, ("", "2 pages, 0 faults"))
    add_to_page(site, fault)
    result = run(site)
    assert report in result.stdout
    assert result.returncode == (name is not None)


@pytest.mark.slow  # Only the newest versions have all names.
@pytest.mark.parametrize("file", sorted((ROOT / "docs" / "_inventories").glob("*.toml")))
def test_names_in_inventories_exist(file):
    __import__("sklearn.experimental.enable_halving_search_cv")
    __import__("sklearn.experimental.enable_iterative_imputer")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    # Terms are words of a glossary, not names in Python.
    kinds = [pages for kind, pages in table.items() if kind not in ("address", "term")]
    names = [name for pages in kinds for group in pages.values() for name in group.split()]
    assert names
    for name in names:
        assert hasattr(builtins, name) or pkgutil.resolve_name(name)
