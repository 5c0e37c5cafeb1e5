#!/usr/bin/env python3
"""Make tests/reference/resize.json with Pillow: resize_reference.py > tests/reference/resize.json

Images are made up: pixel i of "noise" is the top byte of value i of the reference filling of that name, "gradient" is
(7 x + 5 y + 40 c + x y) mod 256. Small results are listed value by value, large ones by their SHA-256. Cases where Pillow 13 or
later would begin with the columns are refused, since earlier versions never do."""
import hashlib, json, math
from PIL import Image

MASK, GOLDEN = (1 << 64) - 1, 0x9E3779B97F4A7C15


def noise(count):
    key = 14695981039346656037
    for b in b"noise":
        key = (key ^ b) * 1099511628211 & MASK
    for i in range(count):
        z = key + (i + 1) * GOLDEN & MASK
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        yield (z ^ (z >> 31)) >> 56


def picture(pattern, h, w):
    if pattern == "noise":
        data = bytes(noise(h * w * 3))
    else:
        data = bytes((7 * x + 5 * y + 40 * c + x * y) % 256 for y in range(h) for x in range(w) for c in range(3))
    return Image.frombytes("RGB", (w, h), data)


FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
rows = []


def add(case, image):
    data = image.tobytes()
    if len(data) <= 260:
        case["values"] = list(data)
    else:
        case["sha256"] = hashlib.sha256(data).hexdigest()
    rows.append(json.dumps(case, separators=(",", ":")))


def resized(image, h, w, kernel):
    by_rows = image.resize((w, image.height), FILTERS[kernel]).resize((w, h), FILTERS[kernel])
    result = image.resize((w, h), FILTERS[kernel])
    assert result.tobytes() == by_rows.tobytes()
    return result


for pattern in ("noise", "gradient"):
    for kernel in FILTERS:
        for h, w, out_h, out_w in ((12, 17, 7, 9), (7, 9, 12, 17), (40, 3, 5, 3), (3, 40, 3, 11), (1, 1, 4, 4), (64, 48, 16, 12), (9, 9, 9, 9),
                                   (5, 90, 9, 3), (333, 500, 224, 224)):
            case = {"pattern": pattern, "h": h, "w": w, "filter": kernel, "out_h": out_h, "out_w": out_w}
            add(case, resized(picture(pattern, h, w), out_h, out_w, kernel))
        for h, w, resize, crop in ((31, 47, 24, 15), (47, 31, 24, 15), (50, 50, 33, 14), (300, 451, 256, 224), (427, 640, 342, 299)):
            short, long = min(h, w), max(h, w)
            side = int(resize * long / short)
            out_h, out_w = (resize, side) if h <= w else (side, resize)
            image = resized(picture(pattern, h, w), out_h, out_w, kernel)
            top, left = round((out_h - crop) / 2.0), round((out_w - crop) / 2.0)
            case = {"pattern": pattern, "h": h, "w": w, "filter": kernel, "resize": resize, "crop": crop}
            add(case, image.crop((left, top, left + crop, top + crop)))
print("[\n" + ",\n".join(rows) + "\n]")
