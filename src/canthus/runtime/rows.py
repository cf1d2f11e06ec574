"""From a zoo row to its weights: the official checkpoint, downloaded and converted once into the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

from canthus import __version__
from canthus.cache import cache_folder, locked
from canthus.published import checkpoint_of
from canthus.recipe import Recipe, load_recipe


def row_weights(row: str) -> Path:
    """The .safetensors file of a row; made by the first call, which needs a network and `canthus[train]`.

    ValueError for a row whose weights are not published, `DownloadError` for a file that cannot be had.
    """
    recipe = load_recipe(row)
    path = converted_file(recipe)
    if path.is_file():
        return path
    published = checkpoint_of(recipe)
    if published is None:
        raise ValueError(
            f"{row}: no weights are published for this row; train it (canthus train {row} --root DATA) "
            f"and give runs/{row}/{row}.safetensors, or any .safetensors or .onnx file, as the model"
        )
    try:
        from canthus.checkpoints import convert_checkpoint
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{row}: its checkpoint has to be converted once, which needs PyTorch (no module {error.name}): "
            "pip install 'canthus[train]', or give an .onnx file"
        ) from None
    checkpoint = published.fetch(
        f"run `canthus convert FILE OUT.safetensors --recipe {row}` and give OUT.safetensors as the model"
    )
    with locked(path):
        if not path.is_file():
            convert_checkpoint(checkpoint, recipe, path)
    return path


def converted_file(recipe: Recipe) -> Path:
    """Where a row's weights are kept; another recipe, or another version of the program, has another file."""
    content = f"{__version__} {recipe.model_dump_json()}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    return cache_folder() / "weights" / f"{recipe.name}-{digest[:12]}.safetensors"
