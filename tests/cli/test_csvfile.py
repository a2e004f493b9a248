"""CSV that a spreadsheet opens without calculating, one line a row."""

from __future__ import annotations

import csv
import io

import pytest

from connector.cli.csvfile import cell, lines


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe(start):
    assert cell(f"{start}HYPERLINK(1)").startswith("'")


def test_a_row_is_one_line_whatever_it_holds():
    names = ['=cmd|" /C calc"!A0', "a\r\nb,c", 'O"Brien', "x\u2028y\x00z\ud83d", None, 7, "محمد"]
    (first, second) = lines(["a"] * len(names), [names])
    assert second.count("\n") == 1
    assert second.endswith("\r\n")
    assert next(csv.reader(io.StringIO(second, newline=""))) == [
        '\'=cmd|" /C calc"!A0', "a  b,c", 'O"Brien', "x y z ", "", "7", "محمد",
    ]  # fmt: skip
    assert first.count("a") == len(names)
    second.encode()
