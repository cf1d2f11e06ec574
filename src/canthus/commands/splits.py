"""The dataset options that several verbs share."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from canthus.datasets import DATASETS, Reader, SampleList
from canthus.schemes import SCHEMES, Scheme


@dataclass(frozen=True)
class Split:
    """A split on disk: `dataset` names the reader, `scheme` how to read the labels (None: as stated)."""

    dataset: str
    root: Path
    split: str | None = None
    scheme: str | None = None

    def reader(self) -> Reader:
        """The reader's class; ValueError with the nearest name for an unknown one."""
        if self.dataset not in DATASETS:
            close = get_close_matches(self.dataset, DATASETS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"no dataset {self.dataset!r}; there are {', '.join(DATASETS)}{hint}")
        return DATASETS[self.dataset]

    def name(self) -> str:
        """The split asked for, else the reader's first one."""
        reader = self.reader()
        if self.split is None and not reader.splits:
            raise ValueError(f"{reader.name} needs --split; expected {reader.tree}")
        return self.split or reader.splits[0]

    def asked_scheme(self) -> Scheme | None:
        """The scheme asked for; ValueError for an unknown one."""
        if self.scheme is not None and self.scheme not in SCHEMES:
            raise ValueError(f"no scheme {self.scheme!r}; there are {', '.join(SCHEMES)}")
        return None if self.scheme is None else SCHEMES[self.scheme]

    def open(self) -> SampleList:
        """The split's samples; absent parts and unusable files are errors."""
        return self.reader()(self.root, self.name(), scheme=self.asked_scheme())


def check_schemes(model: str, labels: str, allowed: bool) -> str | None:
    """A warning where model and labels differ in scheme; ValueError unless that is `allowed`."""
    if model == labels:
        return None
    text = f"the model predicts scheme {model}, the labels are {labels}"
    if not allowed:
        raise ValueError(f"{text}; to compare them all the same, add --allow-scheme-mismatch")
    return f"{text}: the numbers hold the difference between the two"
