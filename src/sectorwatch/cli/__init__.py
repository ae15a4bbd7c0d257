"""The command line: a module a command, each as thin as it can be over the other rooms."""

from __future__ import annotations

from sectorwatch.cli.app import main

__all__ = ["main"]
