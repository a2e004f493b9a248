"""Where the console script begins: the one place that is there before anything heavy is imported."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the program; Ctrl-C while it is still loading ends it as quietly as later."""
    gc.disable()  # what is loaded stays: looking through it again and again is a sixth of the loading time
    try:
        from connector.cli import main as program
    except BaseException as error:
        if not _by_ctrl_c(error):
            raise
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
        os._exit(130)
    gc.freeze()
    gc.enable()
    program()


def _by_ctrl_c(error: BaseException | None) -> bool:
    """A class under construction wraps it: Python 3.11 makes a RuntimeError of it in `__set_name__`."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    main()
