// Tables that are wider than the screen scroll in boxes of their own, and so do figures that would
// have to shrink too much. Without this script they shrink, and tables scroll without the hint.
(() => {
    const HINT = "scroll sideways →";
    // Labels of 10 points are 14 px high in figures of full width, and 7.2 px at the first of these
    // shares of it. Figures that would be smaller are shown at the second.
    const SMALLEST = 0.52;
    const SCROLLED = 0.75;

    function fullWidth(image) {
        const pixels = image.classList.contains("plot-directive") ? 2 : 1;
        return parseFloat(image.style.width) || image.naturalWidth / pixels;
    }

    function wrapFigure(image) {
        if (image.closest(".sphx-glr-thumbcontainer, .wide-figure")) return;
        const box = document.createElement("div");
        box.className = "wide-figure";
        // Figures with a width are links to their files.
        const figure = image.closest("a.image-reference") ?? image;
        figure.replaceWith(box);
        box.append(figure);
        resized.observe(box);
        mark(box);
    }

    function mark(box) {
        const image = box.classList.contains("wide-figure") && box.querySelector("img");
        if (image) {
            const full = fullWidth(image);
            const isSmall = box.clientWidth < SMALLEST * full;
            image.style.minWidth = isSmall ? `${SCROLLED * full}px` : "";
        }
        const isWide = box.scrollWidth > box.clientWidth + 4;
        const before = box.previousElementSibling;
        const hint = before?.classList.contains("scroll-hint") ? before : null;
        if (isWide && !hint) {
            const text = document.createElement("p");
            text.className = "scroll-hint";
            text.textContent = HINT;
            box.before(text);
            // Boxes that scroll must be reachable by the keyboard.
            box.tabIndex = 0;
        } else if (!isWide && hint) {
            hint.remove();
            box.removeAttribute("tabindex");
        }
        box.classList.toggle("is-scrolled", isWide);
    }

    // Long names may be broken after their parts; in tables on phones only (see skclf.css).
    function markParts(name) {
        if (name.textContent.length > 16) {
            name.innerHTML = name.innerHTML.replace(/[_.,(=[]+|[a-z](?=[A-Z][a-z])/g, "$&<wbr>");
        }
    }

    const resized = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));

    document.addEventListener("DOMContentLoaded", () => {
        const boxes = document.querySelectorAll("article .table-wrapper, article .output_html");
        boxes.forEach((box) => resized.observe(box));
        const names = document.querySelectorAll("table.docutils code .pre, .related-pages .title");
        names.forEach(markParts);
        for (const image of document.querySelectorAll("article img")) {
            if (image.complete) wrapFigure(image);
            else image.addEventListener("load", () => wrapFigure(image));
        }
    });
})();
