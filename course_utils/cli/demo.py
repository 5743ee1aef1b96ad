"""`course demo`: the classroom demos in the browser, served by this machine alone."""

from __future__ import annotations

import importlib.util
import threading
import webbrowser
from typing import Annotated

import typer

from course_utils.errors import CourseError

__all__ = ["demo"]


def demo(
    name: Annotated[str, typer.Argument(help="Open this demo; without a name, the gallery of all.")] = "",
    port: Annotated[
        int | None,
        typer.Option(metavar="P", min=1, max=65535, help="The port; the first free one from 8866 on if none."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address and open nothing.")] = False,
    lan: Annotated[
        bool, typer.Option("--lan", help="Serve the local network too, to those who have the address with its token.")
    ] = False,
) -> None:
    """Open the classroom demos; they need no network."""
    from course_utils.demos.gallery import card

    if name:
        card(name)
    if importlib.util.find_spec("voila") is None:
        raise CourseError("Voila, which serves the demos, is not installed in this Python: run `make study`")
    from course_utils.demos.server import GalleryServer, free_port

    server = GalleryServer(free_port(port, "0.0.0.0" if lan else "localhost"), lan)
    server.initialize([])
    print(f"The demos are at {server.address(name)}\nCtrl-C here ends them.", flush=True)
    if lan:
        print("Whoever has this address can use this machine through them: give it to your class alone.", flush=True)
    if not no_browser:
        threading.Timer(1, webbrowser.open, [server.address(name)]).start()
    server.start()
