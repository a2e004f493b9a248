"""Where the console script begins: the one place that is there before anything heavy is imported."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the program; Ctrl-C while it is still loading ends it as quietly as later."""
    try:
        from connector.cli import main as program
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
        os._exit(130)
    program()


if __name__ == "__main__":
    main()
