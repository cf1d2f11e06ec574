"""Follow faces in pictures that your own program takes: here a camera that pans over a photo."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from canthus import Predictor

photo = np.asarray(Image.open(Path(__file__).parents[1] / "samples" / "astronaut.jpg").convert("RGB"))


def camera() -> Iterator[tuple[float, np.ndarray]]:
    """Two seconds of a camera: timestamps in seconds and RGB pictures."""
    for number in range(60):
        left = round(40 - 40 * np.cos(number / 10))
        yield number / 30, photo[:, left : left + 400]


tracker = Predictor().tracker(smooth="medium")  # one tracker a stream
for seconds, image in camera():
    faces = tracker(image, seconds)
    if seconds % 0.5 == 0:
        for face in faces:
            x, y = face.part("nose_bridge")[0].mean(axis=0)
            print(f"{seconds:.1f} s: face {face.track_ids[0]}, nose at {x:.0f}, {y:.0f}")
