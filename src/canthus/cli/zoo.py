"""`canthus zoo`: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from canthus.commands.finish import finish


def zoo(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/zoo.md.")] = False,
) -> None:
    """List the recipes."""
    from canthus.commands.zoo import zoo

    finish(lambda: zoo(markdown=markdown))
