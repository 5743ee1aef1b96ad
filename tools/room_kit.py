"""Make one folder from which a room of laptops installs without a network: python -m tools.room_kit [FOLDER] [--try].

It holds the wheels of constraints.txt for this platform and this Python, the data sets that are here and whole, the
files of the last commit, and a page that says what to type. Run again with the same folder on another platform, it
adds that platform's wheels.
"""

from __future__ import annotations

import argparse
import html
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from packaging.utils import parse_wheel_filename

from course_utils import registry, settings
from course_utils.acquire import fill
from course_utils.errors import CourseError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["commands", "main", "make", "requirements", "try_out"]

ROOT = Path(__file__).resolve().parent.parent
MARK = ".room-kit"
PLATFORMS = {"linux": "Linux", "manylinux": "Linux", "macosx": "macOS", "win": "Windows"}


def main(arguments: list[str] | None = None) -> int:
    """Make the kit and, with --try, install from it with the network off; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.room_kit", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default="room-kit", type=Path, help="a new folder, or an earlier kit")
    parser.add_argument("--try", action="store_true", dest="tried", help="then install from it with the network off")
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    try:
        make(folder)
        if options.tried:
            try_out(folder)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the kit could not be written: {error}: mend that, then run this again", file=sys.stderr)
        return 1
    return 0


def make(folder: Path, root: Path = ROOT) -> None:
    """Fill `folder`; raises CourseError where it is not ours to fill, or something for it cannot be had."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise CourseError(f"{folder} is not empty and no room kit: name a folder that does not exist yet")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    commit = _copy_course(root, folder / "course")
    _fetch_wheels(root, folder / "wheels")
    sets = _copy_data(folder / "data")
    (folder / "README.html").write_text(_page(folder, commit, sets), encoding="utf-8")
    for part in ("wheels", "data", "course"):
        print(f"{part:7} {_size(folder / part) / 1e6:8.1f} MB")
    print(f"The kit is in {folder}: open its README.html.")


def requirements(root: Path = ROOT) -> list[str]:
    """Everything that pyproject.toml names: for students, for authors, and to build the package itself."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    return [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *extras["cpu"],
        *extras["author"],
    ]


def commands(windows: bool, python: str, sets: list[str]) -> list[str]:
    """What is typed on one laptop, in a terminal (PowerShell on Windows) that stands in the kit's folder."""
    begin = ['KIT="$PWD"', 'mkdir -p "$HOME/paddle-course"', 'cp -R course/. "$HOME/paddle-course"']
    begin += ['cd "$HOME/paddle-course"', f"python{python} -m venv .venv"]
    programs, slash = ".venv/bin/", "/"
    if windows:
        begin = ['$KIT = "$PWD"', 'New-Item -ItemType Directory -Force "$HOME\\paddle-course"']
        begin += ['Copy-Item -Recurse -Force course\\* "$HOME\\paddle-course"', 'cd "$HOME\\paddle-course"']
        begin += [f"py -{python} -m venv .venv"]
        programs, slash = ".venv\\Scripts\\", "\\"
    wheels = f'"$KIT{slash}wheels"'
    install = f'{programs}python -m pip install --no-index --find-links {wheels} -c constraints.txt -e ".[cpu]"'
    data = [f'{programs}course data get {name} --from "$KIT{slash}data{slash}{name}"' for name in sets]
    return [*begin, install, *data, f"{programs}course doctor"]


def try_out(folder: Path) -> None:
    """Follow the page in a scratch home with the network off; CourseError where a command fails."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    sets = [path.name for path in sorted((folder / "data").iterdir())]
    script = "\n".join(["set -e", *commands(False, python, sets)])
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
        print("unshare is not allowed here: the network is kept off by proxies that lead nowhere.")
        alone = []
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COURSE_"))}
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        environment |= {"HOME": home, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", **nowhere}
        run = subprocess.run([*alone, "sh", "-c", script], cwd=folder, env=environment)
    if run.returncode != 0:
        raise CourseError(f"installing from {folder} failed with the network off: see the lines above")
    print("Installed from the kit with the network off.")


def _copy_course(root: Path, target: Path) -> str:
    """The files of the last commit, in place of an earlier kit's; returns the commit's short name."""
    commit = _git(root, "rev-parse", "--short", "HEAD").decode().strip()
    if _git(root, "status", "--porcelain", "--untracked-files=no"):
        print(f"What is not committed stays out: the kit holds commit {commit}.")
    if target.exists():
        shutil.rmtree(target)
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", "HEAD"))) as archive:
        archive.extractall(target, **safe)  # type: ignore[arg-type]
    return commit


def _git(root: Path, *arguments: str) -> bytes:
    try:
        run = subprocess.run(["git", *arguments], cwd=root, capture_output=True)
    except FileNotFoundError as error:
        raise CourseError("git is not installed, and the kit holds the files of the last commit: install it") from error
    if run.returncode != 0:
        raise CourseError(f"git {arguments[0]} failed in {root}: {run.stderr.decode().strip()}")
    return run.stdout


def _fetch_wheels(root: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "-qq"]
    command += ["--find-links", str(target), "--constraint", str(root / "constraints.txt"), "--wheel-dir", str(target)]
    print("Fetching wheels: some minutes.", flush=True)
    if subprocess.run([*command, *requirements(root)]).returncode != 0:
        raise CourseError("pip could not fetch all wheels: see the lines above; a kit is made where there is a network")


def _copy_data(target: Path) -> list[str]:
    """Copy each set that is here and whole; returns their names."""
    target.mkdir(exist_ok=True)
    copied = []
    for name, entry in registry.entries().items():
        problems = [finding.problem for finding in registry.inspect(name) if finding.problem]
        if not problems:
            fill(entry, target / name, settings.data_dir() / name)
            copied.append(name)
        elif all(problem == "is missing" for problem in problems):
            print(f"{name} is not here and stays out.")
        else:
            print(f"{name} is not whole and stays out: `course data verify {name}` says why.")
    return copied


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _served(wheels: Path) -> list[str]:
    """The laptops that Paddle's wheels in the kit are for: "Linux x86_64 with Python 3.11"."""
    found = set()
    for wheel in wheels.glob("paddlepaddle-*.whl"):
        for tag in parse_wheel_filename(wheel.name)[3]:
            family = next(name for start, name in PLATFORMS.items() if tag.platform.startswith(start))
            machine = next(part for part in ("x86_64", "amd64", "arm64") if tag.platform.endswith(part))
            found.add(f"{family} {machine} with Python {tag.interpreter[2]}.{tag.interpreter[3:]}")
    return sorted(found)


def _page(folder: Path, commit: str, sets: list[str]) -> str:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    quote: Callable[[str], str] = html.escape
    rows = [registry.entry(name) for name in sets]
    data = "".join(f"<li>{quote(f'{row.title}: {row.licence}. {row.citation}')}</li>\n" for row in rows)
    served = "".join(f"<li>{quote(text)}</li>\n" for text in _served(folder / "wheels"))
    posix, windows = ("\n".join(map(quote, commands(system, python, sets))) for system in (False, True))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The course without a network</title>
<style>
body {{ max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; }}
pre {{ background: #f3f3f3; padding: 1rem; overflow-x: auto; }}
</style>
<h1>The course without a network</h1>
<p>Commit {quote(commit)}; {_size(folder / "wheels") / 1e6:.0f} MB of wheels,
{_size(folder / "data") / 1e6:.0f} MB of data. The wheels are for:</p>
<ul>
{served}</ul>
<p>For another system or another Python, run <code>python -m tools.room_kit</code> there, on this same folder: it adds
what is lacking. A laptop needs that Python already; put its installer beside this page.</p>
<h2>For the room</h2>
<p>Put this folder on sticks, or share it on the room's own network. Each laptop reads about
{(_size(folder / "wheels") + _size(folder / "data")) / 1e6:.0f} MB once and needs about 2 GB of disk.</p>
<h2>On each laptop</h2>
<p>Open a terminal in this folder. Linux and macOS:</p>
<pre>{posix}
.venv/bin/course study</pre>
<p>Windows, in PowerShell (untried):</p>
<pre>{windows}
.venv\\Scripts\\course study</pre>
<p>The doctor shows one table and says whether the chapters can run. From then on <code>course study</code>, typed as in
the last line and in the same folder, opens the chapters; <code>make study</code> would look for a network.</p>
<h2>Data sets in this kit</h2>
<ul>
{data or "<li>none: the chapters use their samples</li>"}</ul>
</html>
"""


if __name__ == "__main__":
    sys.exit(main())
