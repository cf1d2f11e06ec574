"""Landmarks of one photograph, printed: python examples/one_photo.py [PHOTO]."""

import sys
from pathlib import Path

from canthus import Predictor

photo = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "samples" / "astronaut.jpg"
predictor = Predictor()
for face in predictor(photo):
    x1, y1, x2, y2 = face.boxes[0]
    print(f"face from ({x1:.0f}, {y1:.0f}) to ({x2:.0f}, {y2:.0f})")
    for part in face.scheme.parts:
        x, y = face.part(part)[0].mean(0)
        print(f"  {part:12} around ({x:6.1f}, {y:6.1f}) px")
