"""Upright, equally large face cut-outs from landmarks: python examples/aligned_faces.py OUT [PHOTO]."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from canthus import SCHEMES, Predictor
from canthus.geometry import Crop
from canthus.images import read_image

SIZE = 192
EYES = np.array([[0.35, 0.42], [0.65, 0.42]]) * SIZE  # where the person's right and left eye shall lie

out = Path(sys.argv[1])
photo = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parents[1] / "samples" / "astronaut.jpg"
out.mkdir(parents=True, exist_ok=True)
image = read_image(photo)
faces = Predictor()(image)
five = faces.scheme.convert(faces.points, SCHEMES["five"])
for i, (right, left) in enumerate(five[:, :2]):
    # the similarity that takes the eyes to EYES, as a complex number: z -> a z + b
    a = complex(*(EYES[1] - EYES[0])) / complex(*(left - right))
    b = complex(*EYES[0]) - a * complex(*right)
    crop = Crop(np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]]), SIZE)
    path = out / f"{photo.stem}_{i}.png"
    Image.fromarray(crop.warp(image)).save(path)
    print(path)
