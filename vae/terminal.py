"""What is printed for a person, on a terminal or into a file."""

import sys

from rich.console import Console
from rich.progress import Progress, ProgressColumn

WIDTH_OF_A_FILE = 240  # columns; nothing is cut short for a reader that has no edge


def console() -> Console:
    """A console that prints text as it is: a name such as `[red]` is a name, no command."""
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    return Console(width=width, markup=False, emoji=False, highlight=False)


def progress(screen: Console, *columns: ProgressColumn) -> Progress:
    """Bars on a terminal, and nothing in a file, where they would leave an empty line."""
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
