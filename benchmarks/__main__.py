"""Every benchmark in turn, each in a process of its own: `python -m benchmarks [--write]`, or `make benchmark`."""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.harness import ROOT, chromium
from benchmarks.report import WIDTH

NAMES = ("drag", "decode", "start", "sessions", "training", "train_page")
RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep what is printed in benchmarks/{RESULTS.name}")
    write = parser.parse_args().write
    described = machine()
    print(described)
    printed = {name: "".join(run(name)) for name in NAMES}
    if write:
        tables = "\n".join(f"## {name}\n\n```\n{text.strip()}\n```\n" for name, text in printed.items())
        RESULTS.write_text(f"# Benchmarks\n\n`make benchmark`, on this machine: {described}.\n\n{tables}")


def run(name: str) -> Iterator[str]:
    """What the benchmark prints, line by line, and printed here as well. Raises SystemExit when it fails."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    environment = os.environ | {"COLUMNS": str(WIDTH), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            yield line
    if process.returncode:
        sys.exit(f"benchmarks.{name} failed; it said why above")


def machine() -> str:
    """The machine in words: enough to read the figures by."""
    with chromium() as browser:
        browser_version = browser.version
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "streamlit"))
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory; "
        f"Python {platform.python_version()}, {packages}, Chromium {browser_version}"
    )


if __name__ == "__main__":
    main()
