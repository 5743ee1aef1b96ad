"""Bring files from a server, a folder or an archive into a folder, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from tqdm import tqdm

from course_utils.errors import CourseError

__all__ = ["download", "read", "save", "staging", "walk"]

CHUNK = 1 << 18  # bytes
DEPTH = 3  # archives within archives: training.zip holds PALM-Training400.zip
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
UNPACKED = 8 << 30  # bytes that one archive may unpack to; PALM, the largest set in zip archives, has one gigabyte
RATIO = 100  # of unpacked to packed bytes, from LARGE bytes on; pictures and numbers stay below 10
LARGE = 1 << 20
READ_ERRORS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError)


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A scratch folder inside `folder`, from which whole files are moved into place by a rename.

    What is left in it disappears with it, and so does `folder` where nothing came into it.
    Raises CourseError where the disk is full or `folder` cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".incoming-", dir=folder) as scratch:
                yield Path(scratch)
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()  # refuses where anything lies in it
    except OSError as error:
        raise CourseError(_no_room(folder, error)) from error


def _no_room(folder: Path, error: OSError) -> str:
    elsewhere = "or name another folder with COURSE_DATA_DIR"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space is left for {folder}: make room, {elsewhere}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written: allow it, {elsewhere}"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"{folder} cannot be a folder, because a file is in its place: move that file away, {elsewhere}"
    return f"{folder} could not be filled ({error.strerror or error}): try again, {elsewhere}"


def download(urls: Sequence[str], path: Path, checksum: str, size: int, timeout: float = 30) -> None:
    """Download one file by pooch, with a progress bar in a terminal, from the first address that has it.

    checksum: "sha256:…" as pooch writes it. size: in bytes, for the bar. timeout: seconds without an answer.
    A broken download starts again at the next address. Raises CourseError that tells what each address
    answered; OSError where `path` cannot be written.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")
    reasons = []
    for url in urls:
        with tqdm(total=size, desc=path.name, unit="B", unit_scale=True, disable=None) as bar:
            fetch = partial(_stream, timeout=timeout, bar=bar)
            try:
                pooch.retrieve(url, known_hash=checksum, fname=path.name, path=path.parent, downloader=fetch)
            except requests.RequestException as error:
                reasons.append(f"{urlsplit(url).netloc} {_answer(error, timeout)}")
            except ValueError:
                reasons.append(f"{urlsplit(url).netloc} sent something else (wrong checksum)")
            else:
                path.chmod(0o644)  # pooch leaves it readable by its owner only; a class shares one folder
                return
    raise CourseError(f"{path.name} could not be downloaded: {'; '.join(reasons)}")


def _stream(url: str, target: str, _: object, *, timeout: float, bar: tqdm) -> None:
    import requests

    plain = {"Accept-Encoding": "identity"}  # else a server may pack once more what is packed
    with requests.get(url, stream=True, timeout=timeout, headers=plain) as answer:
        answer.raise_for_status()
        with Path(target).open("wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _answer(error: Exception, timeout: float) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"did not answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off half way"
    return "cannot be reached"


def save(stream: IO[bytes], path: Path, name: str, limit: int | None = None) -> None:
    """Copy a stream to a file; `name` stands in messages. With `limit`, one byte more than that at most.

    Raises CourseError where the stream cannot be read to its end; OSError where `path` cannot be written.
    """
    left = CHUNK if limit is None else limit + 1
    with path.open("wb") as file:
        while left > 0 and (chunk := read(stream, min(CHUNK, left), name)):
            file.write(chunk)
            left = left if limit is None else left - len(chunk)


def walk(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of a folder, a zip or tar archive, or a single file: each one's path with slashes, and its bytes.

    Only files whose bare name is `wanted` are opened. Zip archives inside are looked into, tar archives only where
    `source` is one. An archive's names are compared and never written to, so it cannot place a file anywhere.
    Read each stream before the next. Raises CourseError where the source is missing or cannot be read, or where a zip
    archive would unpack to far more than any data set.
    """
    if not source.exists():
        raise CourseError(f"{source} does not exist: name the folder, file or archive that holds the data")
    if not source.is_dir():
        yield from _open(source, wanted)
        return
    for folder, below, names in os.walk(source):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for path in sorted(Path(folder, name) for name in names):
            if path.is_file() and (wanted(path.name) or path.suffix.lower() == ".zip"):
                yield from _open(path, wanted)


def _open(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        with path.open("rb") as file:
            yield from _look_into(path.as_posix(), file, wanted, DEPTH)
    except READ_ERRORS as error:
        raise CourseError(_unreadable(str(path), error)) from error


def _look_into(
    name: str, file: IO[bytes], wanted: Callable[[str], bool], depth: int
) -> Iterator[tuple[str, IO[bytes]]]:
    bare = PurePosixPath(name).name
    if wanted(bare):
        yield name, file
    elif bare.lower().endswith(".zip") and depth > 0:
        with zipfile.ZipFile(file) as archive:
            members = [
                member
                for member in sorted(archive.infolist(), key=lambda member: member.header_offset)
                if wanted(PurePosixPath(member.filename).name) or member.filename.lower().endswith(".zip")
            ]
            _refuse_bomb(name, members)
            for member in members:
                with archive.open(member) as inner:
                    yield from _look_into(member.filename, inner, wanted, depth - 1)
    elif bare.lower().endswith(TAR):
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            for part in tar:
                if part.isfile() and wanted(PurePosixPath(part.name).name) and (content := tar.extractfile(part)):
                    yield part.name, content


def _refuse_bomb(name: str, members: list[zipfile.ZipInfo]) -> None:
    """What an archive declares is all that zipfile ever reads of it, so looking at that is enough."""
    total = sum(member.file_size for member in members)
    swollen = [m.filename for m in members if m.file_size > max(LARGE, RATIO * m.compress_size)]
    if total > UNPACKED or swollen:
        what = f"{swollen[0]} in it would grow {RATIO}-fold and more" if swollen else f"it holds {total >> 30} GB"
        raise CourseError(f"{name} looks like a zip bomb ({what}): do not use it, and name another archive")


def read(stream: IO[bytes], size: int, name: str) -> bytes:
    """The next bytes of a stream, `size` at most; CourseError with `name` where they cannot be read."""
    try:
        return stream.read(size)
    except READ_ERRORS as error:
        raise CourseError(_unreadable(name, error)) from error


def _unreadable(name: str, error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
    return f"{name} cannot be read ({reason.splitlines()[0]}): copy it again, or name another folder, file or archive"
