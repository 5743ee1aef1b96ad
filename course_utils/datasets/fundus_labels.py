"""The table that says which validation picture shows pathologic myopia: CSV, or Excel as its authors hand it out."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from course_utils.errors import CourseError

__all__ = ["read_labels"]

COLUMNS = ("imgName", "Label")
BYTES = 32 << 20  # what a table may unpack to; that of the set has 400 rows
AGAIN = "take the table that came with the data set, or mend this line"


def read_labels(content: bytes, name: str) -> dict[str, int]:
    """The label, 0 or 1, of each picture that the table lists, by the picture's name without its ending.

    content: the bytes of a CSV (UTF-8, any line ends) or XLSX file; the columns imgName and Label are read.
    name: the file's, whose ending tells the format, and which stands in messages.
    Raises CourseError for an unreadable table, a missing column, a label that is not 0 or 1, or a name listed twice.
    """
    rows = iter(_excel(content, name) if name.lower().endswith(".xlsx") else _csv(content, name))
    header = [str(cell).strip() for cell in next(rows, ())]
    if lacking := [column for column in COLUMNS if column not in header]:
        raise CourseError(f"{name} has no column {lacking[0]} in its first line: {AGAIN}")
    picture, label = (header.index(column) for column in COLUMNS)
    labels: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        if all(cell in (None, "") for cell in row):
            continue
        if len(row) <= max(picture, label) or not row[picture]:
            raise CourseError(f"{name}, line {number}, names no picture or no label: {AGAIN}")
        stem = PurePosixPath(str(row[picture]).strip()).stem
        if stem in labels:
            raise CourseError(f"{name}, line {number}, lists {stem} a second time: {AGAIN}")
        labels[stem] = _label(row[label], f"{name}, line {number},", stem)
    return labels


def _label(value: Any, where: str, stem: str) -> int:
    text = str(value).strip()
    if text not in ("0", "1", "0.0", "1.0"):  # a spreadsheet may write 1 as 1.0
        raise CourseError(f"{where} gives {stem} the label {text!r} instead of 0 or 1: {AGAIN}")
    return int(text[0])


def _csv(content: bytes, name: str) -> Iterable[Sequence[Any]]:
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{name} is no table of comma-separated text ({error}): {AGAIN}") from error


def _excel(content: bytes, name: str) -> Iterable[Sequence[Any]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:  # which is what an .xlsx file is
            size = sum(part.file_size for part in parts.infolist())
        if size > BYTES:
            raise CourseError(f"{name} would unpack to {size >> 20:,} MB, more than a table of labels needs: {AGAIN}")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return list(book.worksheets[0].iter_rows(values_only=True))
    except CourseError:
        raise
    except Exception as error:  # a damaged workbook can raise nearly anything
        raise CourseError(f"{name} is no Excel workbook that can be read ({error}): {AGAIN}") from error
