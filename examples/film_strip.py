"""Follow faces through moving pictures, six of them in a row: python examples/film_strip.py OUT [CLIP].

Without a clip: a photograph, over which a camera moves.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from canthus import Faces, Predictor
from canthus.draw import draw_faces
from canthus.images import read_image

SIDE, COUNT = 200, 6


def camera_over(photo: Path) -> Iterator[tuple[np.ndarray, Faces]]:
    """50 pictures, two seconds, of a camera that pans, tilts and turns; each with its faces."""
    image = read_image(photo)
    tracker = Predictor().tracker()  # one for each stream
    for index in range(50):
        phase = 2 * np.pi * index / 60
        centre = 225 + 30 * np.sin(phase), 122 + 15 * np.cos(2 * phase)
        matrix = cv2.getRotationMatrix2D(centre, 12 * np.sin(phase + 1), 1.1 + 0.2 * np.sin(phase))
        matrix[:, 2] += SIDE / 2 - np.array(centre)
        picture = cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
        yield picture, tracker(picture, index / 25)


out = Path(sys.argv[1])
if len(sys.argv) > 2:
    pictures = ((frame.image, faces) for frame, faces in Predictor().video(sys.argv[2]))
else:
    pictures = camera_over(Path(__file__).parents[1] / "samples" / "astronaut.jpg")

drawn = []
ids: set[int] = set()
for number, (picture, faces) in enumerate(pictures):
    ids.update(faces.track_ids.tolist())
    if number % 8 == 0 and len(drawn) < COUNT:
        scale = SIDE / picture.shape[0]
        drawn.append(cv2.resize(draw_faces(picture, faces), None, fx=scale, fy=scale))
out.mkdir(parents=True, exist_ok=True)
Image.fromarray(np.hstack(drawn)).save(out / "film_strip.jpg", quality=90)
print(f"{number + 1} pictures, {len(ids)} faces followed")
