"""A benchmark's figures as a table, each beside what it is compared with and the target it should reach."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH = 120  # columns, where the output is no terminal


@dataclass(frozen=True)
class Figure:
    """One row: a figure, what it stands beside in the same run, and what it should be."""

    what: str
    here: str
    beside: str = ""
    target: str = ""
    reached: bool | None = None

    @property
    def verdict(self) -> str:
        if self.reached is None:
            return ""
        return "[green]reached[/]" if self.reached else "[red]missed[/]"


def show(title: str, figures: Sequence[Figure], note: str = "", beside: str = "beside it") -> None:
    """Print a table. It judges and never fails: a busy machine may be slow."""
    table = Table(title=title, caption=note or None, box=box.SIMPLE, title_justify="left", caption_justify="left")
    for column in ("", "here", beside, "target", ""):
        table.add_column(column, overflow="fold")
    for figure in figures:
        table.add_row(figure.what, figure.here, figure.beside, figure.target, figure.verdict)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def percentile(values: Sequence[float], percent: int) -> float:
    """Of at least two values, by linear interpolation."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
