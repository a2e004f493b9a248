"""The command line: argv -> use case -> exit code. One module per group of verbs; no logic here."""

from connector.cli.main import main

__all__ = ["main"]
