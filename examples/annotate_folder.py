"""Draw the faces of many pictures: python examples/annotate_folder.py OUT [FOLDER]."""

import sys
from pathlib import Path

from PIL import Image

from canthus import Predictor
from canthus.draw import Layers, draw_faces
from canthus.images import read_image

out = Path(sys.argv[1])
folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parents[1] / "samples"
photos = sorted(folder.glob("*.jpg"))
out.mkdir(parents=True, exist_ok=True)
# stream() reads the next pictures in threads while the current one is worked on
for photo, faces in zip(photos, Predictor().stream(photos), strict=True):
    drawn = draw_faces(read_image(photo), faces, Layers(ellipses=0.9))
    Image.fromarray(drawn).save(out / photo.name)
    print(f"{photo.name}: {len(faces)} faces")
