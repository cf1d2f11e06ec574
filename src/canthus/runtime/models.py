"""From the name of a model to its ONNX file."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

#: Bundled models: name -> file in `assets/`.
BUNDLED = {"face68": "face68.onnx"}
DEFAULT_MODEL = "face68"


def model_file(model: str | Path | None = None) -> Path:
    """The .onnx file of a bundled name (default `face68`), an .onnx path, a zoo row or a .safetensors file.

    The last two are exported once into a cache, which needs `canthus[train]`. Raises ValueError for an
    unknown name, FileNotFoundError for a missing file.
    """
    name = str(model if model is not None else DEFAULT_MODEL)
    if name in BUNDLED:
        return Path(str(files("canthus").joinpath("assets", BUNDLED[name])))
    suffix = Path(name).suffix.lower()
    if suffix in (".onnx", ".safetensors") and not Path(name).is_file():
        raise FileNotFoundError(f"{name}: no such model file")
    if suffix == ".onnx":
        return Path(name)
    rows = _rows()
    if suffix != ".safetensors" and name not in rows:
        known = [*BUNDLED, *rows]
        close = get_close_matches(name, known, n=1, cutoff=0.4)
        nearest = f"; did you mean {close[0]}?" if close else f"; bundled: {', '.join(BUNDLED)}"
        raise ValueError(
            f"no model {name!r}: expected a bundled name, a zoo row, an .onnx or a .safetensors file{nearest}"
        )
    try:
        from canthus.export import cached_export
    except ImportError as error:
        raise ValueError(
            f"{name} has to be exported to ONNX once, which needs PyTorch (no module {error.name}): "
            "pip install 'canthus[train]', or give an .onnx file"
        ) from None
    return Path(cached_export(name))


def _rows() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = files("canthus").joinpath("recipes")
    return sorted(Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".yaml"))
