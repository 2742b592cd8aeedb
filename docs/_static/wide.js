// Tables and two-panel figures that are wider than the screen scroll in boxes of their own. Without
// this script figures shrink instead, and tables scroll without the hint.
(() => {
    const HINT = "scroll sideways →";

    function wrapWideFigure(image) {
        if (image.closest("a, .sphx-glr-thumbcontainer, .wide-figure")) return;
        if (image.naturalWidth < 700 || image.naturalWidth < 1.6 * image.naturalHeight) return;
        const box = document.createElement("div");
        box.className = "wide-figure";
        image.replaceWith(box);
        box.append(image);
        resized.observe(box);
        mark(box);
    }

    function mark(box) {
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

    const resized = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));

    document.addEventListener("DOMContentLoaded", () => {
        for (const box of document.querySelectorAll("article .table-wrapper")) resized.observe(box);
        for (const image of document.querySelectorAll("article img")) {
            if (image.complete) wrapWideFigure(image);
            else image.addEventListener("load", () => wrapWideFigure(image));
        }
    });
})();
