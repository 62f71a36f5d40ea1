"""The command line: each command parses, calls the workspace and renders."""

from app.cli.root import cli, main

__all__ = ["cli", "main"]
