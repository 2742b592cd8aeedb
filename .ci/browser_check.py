"""Open every page of the built documentation in a browser, and report what a reader would see.

``python .ci/browser_check.py docs/_build/html`` looks for pages that scroll sideways, broken
internal links and anchors, images without a description, titles that two pages share, markup that
was not rendered, sections without text, figures that shrink too much, code with too little
contrast, errors on the console and failed requests. It needs Playwright and a Chromium or Chrome;
``--find`` exits with 0 where there is one.
"""

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

WIDTHS = (400, 768, 1024, 1366, 1920)
THEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MINIMAL_CONTRAST = 4.5  # WCAG 2.1, level AA
SMALLEST_SHARE = 0.51  # of a figure's full width, at which labels of 10 points are 7 px high
NO_BROWSER = "Found no Chromium or Chrome; on Debian, install one with `apt-get install chromium`."

# How far the page, or its content, is wider than the window, and what sticks out first.
OVERFLOW = """() => {
    const root = document.documentElement;
    const boxes = [root, ...document.querySelectorAll(".content")];
    const excess = Math.max(...boxes.map((box) => box.scrollWidth - box.clientWidth));
    if (excess <= 0) return null;
    const found = [...document.querySelectorAll("article *, .content")].find(
        (each) => each.getBoundingClientRect().right > root.clientWidth + 1);
    return [excess, found ? found.tagName.toLowerCase() + "." + found.className : "?"];
}"""

# Each pair of colours in code, with the first text that has it.
CODE_COLOURS = """() => {
    const background = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (!/^(transparent|rgba\\(.*, 0\\))$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const pairs = {};
    for (const box of document.querySelectorAll("article .highlight pre, article code")) {
        for (const each of [box, ...box.querySelectorAll("span")]) {
            const text = [...each.childNodes].filter((node) => node.nodeType === 3)
                .map((node) => node.textContent).join("").trim();
            if (!text) continue;
            pairs[[getComputedStyle(each).color, background(each)].join("|")] ??= text.slice(0, 30);
        }
    }
    return Object.entries(pairs);
}"""


# Markup outside code, and sections that hold only a heading.
UNFINISHED = """() => {
    const found = [];
    const texts = document.createTreeWalker(
        document.querySelector("article") ?? document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = texts.nextNode()); ) {
        if (node.parentElement.closest("pre, code, script, style, .sig")) continue;
        const text = node.textContent.trim();
        if (/``|`_|:[a-z:]+:`|^\\.\\. [a-z-]+::|\\|[a-z_]+\\|/m.test(text)) {
            found.push("shows the markup " + text.slice(0, 40));
        }
    }
    for (const list of document.querySelectorAll("article ol.upperalpha, article ol.loweralpha")) {
        found.push("makes a list of an initial, before " + list.innerText.trim().slice(0, 40));
    }
    for (const cell of document.querySelectorAll("article table.docutils td")) {
        const text = cell.textContent.trim();
        // The next line of the cell became a row of its own.
        if (/,$|\\b(and|or|of|that|the|with)$/.test(text)) found.push("cuts a table cell: " + text);
    }
    for (const section of document.querySelectorAll("article section")) {
        const [heading, ...rest] = [...section.children].filter((each) => each.tagName !== "SPAN");
        if (heading && !rest.length) {
            found.push("has nothing below the heading " + heading.textContent.trim());
        }
    }
    return found;
}"""

# Figures that are shown much smaller than they were drawn; those with 200 dpi, at half their size.
SMALL_FIGURES = """async (share) => {
    // The page adapts its figures after it has been laid out in the new width.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    return [...document.querySelectorAll("article img")]
        .filter((image) => !image.closest(".sphx-glr-thumbcontainer"))
        .map((image) => {
            const pixels = image.classList.contains("plot-directive") ? 2 : 1;
            const full = parseFloat(image.style.width) || image.naturalWidth / pixels;
            return [image.src.split("/").pop(), image.width / full];
        })
        .filter((found) => found[1] < share);
}"""


class Page(HTMLParser):
    """The title, links, anchors and images of a page."""

    def __init__(self, text):
        super().__init__()
        self.title, self.links, self.anchors, self.images = "", [], {"", "top"}, []
        self.is_title = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Collect what a tag adds to the page."""
        attributes = dict(attrs)
        self.is_title = tag == "title" and not self.title
        if attributes.get("id"):
            self.anchors.add(attributes["id"])
        if tag == "a" and attributes.get("name"):
            self.anchors.add(attributes["name"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append((attributes.get("src") or "", attributes.get("alt")))

    def handle_data(self, data):
        """Collect the title."""
        if self.is_title:
            self.title += data

    def handle_endtag(self, tag):
        """End the title."""
        self.is_title = False


def read_pages(root):
    """All pages below a folder, by their files."""
    files = sorted(file for file in root.rglob("*.html") if "_static" not in file.parts)
    return {file: Page(file.read_text(encoding="utf-8")) for file in files}


def link_faults(file, pages):
    """Links of a page to files or anchors that don't exist."""
    for link in pages[file].links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            yield f"link to {link}, which does not exist"
        elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"link to {link}, an anchor that does not exist"


def title_faults(file, pages):
    """Titles that are missing, or that an earlier page has."""
    title = pages[file].title.strip()
    if not title:
        yield "has no title"
    for other in pages:
        if other == file:
            break
        if title and pages[other].title.strip() == title:
            yield f"has the title of {other.name}: {title!r}"


def image_faults(page):
    """Images whose alternative text is missing, empty, or the name of a file."""
    for source, text in page.images:
        name = Path(urlsplit(source).path).name
        # Thumbnails of the gallery are decoration: the title of the example stands below.
        if name.endswith("_thumb.png") and text == "":
            continue
        if not (text or "").strip():
            yield f"image {name} has no alternative text"
        elif re.fullmatch(r"\S+\.(png|jpe?g|svg|gif)|\S*(_|sphx)\S*", text.strip()):
            yield f"image {name} has a file name as its alternative text: {text!r}"


def luminance(colour):
    """Relative luminance of an RGB colour between 0 and 255, as WCAG 2.1 defines it."""
    shares = [value / 255 for value in colour]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    """Ratio of contrast of two colours, between 1 and 21."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def rgb(text):
    """The three numbers of a computed style such as ``rgb(0, 16, 255)``."""
    return tuple(float(value) for value in re.findall(r"[\d.]+", text)[:3])


def contrast_faults(colours, theme):
    """Pairs of colours in code that are hard to read."""
    for pair, text in colours:
        ratio = contrast(*(rgb(colour) for colour in pair.split("|")))
        if ratio < MINIMAL_CONTRAST:
            yield f"code {text!r} has a contrast of {ratio:.1f} in the {theme} theme ({pair})"


def find_browser():
    """Path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def page_faults(tab, file, heard):
    """What goes wrong with a page in the browser, in both themes and at all widths."""
    heard.clear()
    tab.goto(file.as_uri())
    for theme in THEMES:
        tab.evaluate("theme => { document.body.dataset.theme = theme }", theme)
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 900})
            found = tab.evaluate(OVERFLOW)
            if found:
                yield f"scrolls sideways by {found[0]} px at {width} px, {theme} ({found[1]})"
            for name, share in tab.evaluate(SMALL_FIGURES, SMALLEST_SHARE):
                yield f"shows {name} at {share:.0%} of its width, at {width} px"
        yield from contrast_faults(tab.evaluate(CODE_COLOURS), theme)
    yield from tab.evaluate(UNFINISHED)
    yield from heard


def browser_faults(files, executable):
    """Pairs of a file and a fault."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        # Without animations, colours are measured after the change of theme and not during it.
        tab = browser.new_page(reduced_motion="reduce")
        heard = []
        tab.on("console", lambda m: m.type == "error" and heard.append(f"console: {m.text}"))
        tab.on("pageerror", lambda error: heard.append(f"script error: {error}"))
        tab.on("requestfailed", lambda request: heard.append(f"failed request: {request.url}"))
        for file in files:
            for fault in page_faults(tab, file, heard):
                yield file, fault
        browser.close()


def all_faults(root, executable):
    """Pairs of a file and a fault: first those that need no browser."""
    pages = read_pages(root)
    for file, page in pages.items():
        for check in (link_faults(file, pages), title_faults(file, pages), image_faults(page)):
            yield from ((file, fault) for fault in check)
    yield from browser_faults(pages, executable)


def main(arguments):
    """Check a folder, print its faults, and exit with 1 if there are any."""
    if arguments == ["--find"]:
        sys.exit(find_browser() is None)
    if len(arguments) != 1 or not Path(arguments[0], "index.html").exists():
        sys.exit("Usage: python .ci/browser_check.py FOLDER, which holds the built index.html.")
    root, executable = Path(arguments[0]).resolve(), find_browser()
    if executable is None:
        sys.exit(NO_BROWSER)
    found = list(dict.fromkeys(all_faults(root, executable)))
    for file, fault in found:
        print(f"{file.relative_to(root)}: {fault}")
    print(f"{len(read_pages(root))} pages, {len(found)} faults")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1:])
