"""`docs/benchmarks.md`: one section a benchmark, each written by its own command and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

HEAD = """# Benchmarks

Every section is written by the command that it names; none is written by hand. Figures of one section come
from one run on one machine, so compare within a section, and take ratios rather than times. The networks of
the zoo, row by row, are on [their own page](zoo_check.md).
"""


def write_section(page: Path, name: str, title: str, command: str, lines: Sequence[str]) -> None:
    """Put `lines` (Markdown) below the heading `title` in place of the section `name` of `page`.

    A new section goes to the end; a missing page is begun with its introduction. The section says the command
    and the day.
    """
    text = page.read_text(encoding="utf-8") if page.is_file() else HEAD
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    stamp = f"Written by `{command}` on {date.today().isoformat()}."
    section = "\n".join([start, f"## {title}", "", stamp, "", *lines, end])
    if start in text:
        text = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _: section, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table: the first column to the left, the others to the right."""
    rule = "|---|" + "--:|" * (len(head) - 1)
    return [f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows), ""]
