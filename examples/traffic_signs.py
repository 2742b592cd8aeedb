"""Made-up photos of traffic signs, saved as files, for the examples on images.

Signs are drawn with Pillow and put into parts of a photo that comes with scikit-learn. They vary in
size, place, angle, light and sharpness.
"""

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps
from sklearn.datasets import load_sample_image

KINDS = ["no entry", "priority", "stop", "turn left", "turn right", "yield"]
RED, BLUE, YELLOW, WHITE, BLACK = "#c1121c", "#0b5fa5", "#f6c700", "#f4f4f4", "#2b2b2b"
PHOTO = Image.fromarray(load_sample_image("china.jpg"))


def draw_sign(kind):
    """A sign on a transparent background."""
    sign = Image.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(sign)
    if kind == "stop":
        draw.regular_polygon((128, 128, 127), 8, fill=WHITE)
        draw.regular_polygon((128, 128, 119), 8, fill=RED)
        font = ImageFont.load_default(82)
        draw.text((128, 130), "STOP", WHITE, font, anchor="mm", stroke_width=3)
    elif kind == "yield":
        draw.regular_polygon((128, 100, 127), 3, rotation=180, fill=RED)
        draw.regular_polygon((128, 100, 75), 3, rotation=180, fill=WHITE)
    elif kind == "priority":
        for radius, colour in [(127, BLACK), (121, WHITE), (90, YELLOW)]:
            draw.regular_polygon((128, 128, radius), 4, rotation=45, fill=colour)
    else:
        draw.ellipse((2, 2, 254, 254), fill=WHITE)
        draw.ellipse((8, 8, 248, 248), fill=RED if kind == "no entry" else BLUE)
        if kind == "no entry":
            draw.rectangle((46, 104, 210, 152), fill=WHITE)
        else:
            draw.rectangle((110, 106, 212, 150), fill=WHITE)
            draw.polygon([(28, 128), (128, 40), (128, 216)], fill=WHITE)
    return ImageOps.mirror(sign) if kind == "turn right" else sign


SIGNS = {kind: draw_sign(kind).reduce(2) for kind in KINDS}


def put_up(image, kind, centre, side, rng):
    """Add a sign on a post, seen a little from the side."""
    x, y = map(int, centre)
    post = (x - side // 15, y, x + side // 15, image.height)
    ImageDraw.Draw(image).rectangle(post, fill=(int(rng.integers(70, 170)),) * 3)
    corners = np.array([[0, 0], [0, 128], [128, 128], [128, 0]])
    corners = corners + np.sign(corners - 64) * rng.uniform(-8, 20, (4, 2))
    sign = SIGNS[kind].transform((128, 128), Image.Transform.QUAD, corners.ravel().tolist())
    sign = sign.rotate(rng.uniform(-10, 10), Image.Resampling.BICUBIC)
    sign = sign.resize((side, side), Image.Resampling.LANCZOS)
    lit = ImageEnhance.Brightness(sign.convert("RGB")).enhance(rng.uniform(0.45, 1.1))
    image.paste(lit, (x - side // 2, y - side // 2), sign)


def draw_picture(size, signs, rng):
    """A part of the photo, with ``signs`` as (kind, centre, side), in any light."""
    part = np.array(size) * rng.uniform(0.25, 0.9) * np.min(np.divide(PHOTO.size, size))
    corner = rng.uniform(0, PHOTO.size - part)
    image = PHOTO.resize(size, box=(*corner, *(corner + part)))
    image = ImageOps.mirror(image) if rng.random() < 0.5 else image
    for sign in signs:
        put_up(image, *sign, rng)
    for change in (ImageEnhance.Color, ImageEnhance.Brightness, ImageEnhance.Contrast):
        image = change(image).enhance(rng.uniform(0.5, 1.2))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.012) * max(size)))


def save_pictures(folder, n_each, rng):
    """Save pictures of single signs, in one folder per kind."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for number in range(n_each):
            height = int(rng.integers(48, 150))
            size = np.array([int(height * rng.uniform(0.65, 1.6)), height])
            side = int(rng.uniform(0.5, 0.9) * size.min())
            centre = rng.uniform(side / 2, size - side / 2)
            image = draw_picture(tuple(size.tolist()), [(kind, centre, side)], rng)
            if number % 3:
                image.save(folder / kind / f"{number:03}.jpg", quality=85)
            else:
                image.convert("RGBA").save(folder / kind / f"{number:03}.png")


def save_scenes(folder, n_scenes, rng):
    """Save pictures with up to three signs; return a list of their kinds for each file."""
    folder.mkdir()
    share = np.array([0.25, 0.25, 0.1, 0.15, 0.15, 0.1])
    rows = {}
    for number in range(n_scenes):
        kinds = rng.choice(KINDS, rng.integers(4), replace=False, p=share)
        signs = []
        for kind, third in zip(kinds, rng.permutation(3), strict=False):
            side = int(rng.uniform(40, 60))
            centre = rng.uniform(
                (64 * third + side / 2, side / 2), (64 * third + 64 - side / 2, 90)
            )
            signs.append((kind, centre, side))
        path = folder / f"{number:04}.jpg"
        draw_picture((192, 128), signs, rng).save(path, quality=90)
        rows[str(path)] = sorted(kinds.tolist())
    return pd.Series(rows)
