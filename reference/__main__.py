"""Write the files that are out of date and name them."""

from __future__ import annotations

import sys

from reference import MADE, REPOSITORY

for path, make in MADE.items():
    file, text = REPOSITORY / path, make()
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {path}\n")
