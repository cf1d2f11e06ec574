"""Small faces pasted onto pictures without faces: the test material for faces of 20 to 40 px."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator

from canthus.face_detection.labels import Labels, join
from canthus.face_detection.layers import covered, ellipse_alpha, place
from canthus.face_detection.scenes import Image, Scene

#: Longer side of a pasted face's `face` box, px.
SIZES = (20.0, 40.0)
#: Half axes of the pasted ellipse in longer sides of the box: the face, the hair and a little background.
RADIUS = 0.85
#: Backgrounds with a shorter side, px, are left out.
LEAST_SIDE = 160
TRIES = 100


def paste_faces(
    backgrounds: Sequence[Image], faces: Sequence[Scene], *, seed: int, per_picture: int = 2
) -> list[tuple[Image, Labels]]:
    """Every face once, `per_picture` to a picture, at random places of the backgrounds, each used about as
    often.

    `faces` are scenes whose first label is the face to paste. The longer side of each pasted box is drawn
    evenly from `SIZES`; nothing else about the face is changed but its size. Returns pictures (H, W, 3) and
    their labels.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(faces))
    roomy = [index for index, image in enumerate(backgrounds) if min(image.shape[:2]) >= LEAST_SIDE]
    if not roomy:
        raise ValueError(
            f"no background has both sides >= {LEAST_SIDE} px; found {len(backgrounds)} smaller ones"
        )
    grounds = rng.permutation(roomy)
    made = []
    for picture, start in enumerate(range(0, len(order), per_picture)):
        canvas = np.array(backgrounds[grounds[picture % len(grounds)]])
        labels = Labels.empty()
        for index in order[start : start + per_picture]:
            labels = join([labels, _paste(canvas, faces[index], labels, rng)])
        made.append((canvas, labels))
    return made


def _paste(canvas: Image, scene: Scene, present: Labels, rng: Generator) -> Labels:
    """Blend the scene's first face into the canvas at a free place; returns its label."""
    box = scene.labels.boxes[0]
    size = float(rng.uniform(*SIZES))
    scale = size / float((box[2:] - box[:2]).max())
    room = np.array(canvas.shape[1::-1]) - 1.0
    for _ in range(TRIES):
        target = size / 2 + rng.random(2) * (room - size)
        layer = place(
            scene, (box[:2] + box[2:]) / 2, target, scale, angle=0.0, mirror=False, size=RADIUS * size
        )
        x1, y1, x2, y2 = region = layer.extent(max(canvas.shape[:2]))
        x2, y2 = min(x2, canvas.shape[1]), min(y2, canvas.shape[0])
        if covered(present, region, 0.0):
            continue
        patch, inside = layer.pixels(x1, y1, x2 - x1, y2 - y1)
        alpha = inside * ellipse_alpha(layer, (x1, y1, x2, y2), rng)
        ground = canvas[y1:y2, x1:x2].astype(np.float32)
        canvas[y1:y2, x1:x2] = np.clip(cv2.add(ground, alpha[..., None] * (patch - ground)), 0, 255).astype(
            np.uint8
        )
        return scene.labels.select([0]).moved(layer.matrix)
    raise ValueError(
        f"no free place for a face of {size:.0f} px in a picture of {canvas.shape[1]}x{canvas.shape[0]} px"
    )
