"""The gallery as a web page of this machine: Voila runs the demos, and nothing is fetched from elsewhere."""

from __future__ import annotations

import html
import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, cast

import nbformat
import tornado.ioloop
import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from nbformat import v4
from traitlets.config import Config
from voila.app import Voila

from course_utils.demos import kernels
from course_utils.demos.gallery import GALLERY, Card
from course_utils.errors import CourseError

__all__ = ["GalleryServer", "free_port", "gallery_page", "page_of", "write_notebooks"]

FIRST_PORT = 8866
UPLOAD = 200 * 2**20  # bytes of a message: a photograph of 50 megapixels must arrive to be told that it is too large
SETTINGS = {
    **kernels.SETTINGS,
    "VoilaConfiguration": {
        "template": "course",
        "multi_kernel_manager_class": kernels.Kernels,
        "show_tracebacks": False,
        "extension_allowlist": [  # others would only take time
            "@voila-dashboards/widgets-manager8",
            "@jupyter-widgets/jupyterlab-manager",
            "anywidget",
        ],
    },
}


def gallery_page(cards: Iterable[Card] = GALLERY, base: str = "/") -> str:
    """The page with a card for each demo, as HTML; a click on a card starts it. base: the server's root."""
    page = Template((resources.files("course_utils.demos") / "gallery.html").read_text(encoding="utf-8"))
    return page.substitute(cards="\n".join(_card(card, base) for card in cards))


def page_of(name: str = "") -> str:
    """The path of a demo's page on the server, of the gallery's where the name is empty."""
    return f"voila/render/{name}.ipynb" if name else ""


def write_notebooks(folder: Path, cards: Iterable[Card] = GALLERY) -> None:
    """Write a notebook of one cell for each demo into the folder."""
    for card in cards:
        source = f"from course_utils.demos.stage import open_alone\n\nopen_alone({card.name!r})"
        cell = v4.new_code_cell(source, id=card.name.replace("_", "-"))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(v4.new_notebook(cells=[cell], metadata=kernel), folder / f"{card.name}.ipynb")


def free_port(wanted: int | None = None, host: str = "localhost") -> int:
    """The wanted port, or the first free one of fifty from 8866 on; raises CourseError where there is none."""
    for port in [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + 50):
        with socket.socket() as probe:
            if os.name != "nt":  # there it would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError:
                raise CourseError(f"port {port} needs the administrator's rights: give --port above 1023") from None
            except OSError:
                continue
            return port
    what = f"port {wanted} is" if wanted else f"ports {FIRST_PORT} to {FIRST_PORT + 49} are"
    raise CourseError(f"{what} in use: give another with --port, or none and the first free one is taken")


class GalleryServer(Voila):
    """Voila with our gallery for its first page, for this machine alone, or with `lan` for whoever has the token."""

    def __init__(self, port: int, lan: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.folder = tempfile.TemporaryDirectory(prefix="course-demos-")
        write_notebooks(Path(self.folder.name))
        # Voila finds templates on Jupyter's path only.
        ours = str(resources.files("course_utils.demos"))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [ours, os.environ.get("JUPYTER_PATH")]))
        self.config_file_paths: list[str] = []
        self.log_level = "ERROR"
        self.open_browser = False
        self.port, self.port_retries = port, 0
        self.ip = "0.0.0.0" if lan else "localhost"
        self.token = secrets.token_urlsafe(12) if lan else ""
        self.root_dir = self.folder.name
        self.tornado_settings = {"websocket_max_message_size": UPLOAD}
        # Tornado takes Jupyter's milliseconds between pings for seconds, and warns of them.
        logging.getLogger("tornado.general").setLevel(logging.ERROR)
        self.update_config(Config(SETTINGS))
        if os.name != "nt":  # files instead of ports, which other users of this machine could listen to
            self.update_config(Config({"KernelManager": {"transport": "ipc"}}))

    def address(self, name: str = "") -> str:
        """Where a browser finds the demo, or the gallery, with the token where one is asked for."""
        host = _lan_address() if self.token else "localhost"
        return f"http://{host}:{self.port}/{page_of(name)}" + (f"?token={self.token}" if self.token else "")

    def init_handlers(self) -> list[Any]:
        """Voila's, and before them ours."""
        ours = [(self.server_url, GalleryHandler), (f"{self.server_url}alive/([0-9a-f-]+)", AliveHandler)]
        return [*ours, *super().init_handlers()]

    def listen(self) -> None:
        """Serve until Ctrl-C, with a kernel ready for the first click."""
        tornado.ioloop.IOLoop.current().add_callback(self.kernel_manager.prepare)
        super().listen()

    def stop(self) -> None:
        """End the kernels and remove the notebooks."""
        super().stop()
        self.folder.cleanup()


class GalleryHandler(JupyterHandler):
    """The first page."""

    @tornado.web.authenticated
    def get(self) -> None:
        """Write it."""
        self.finish(gallery_page(base=self.base_url))


class AliveHandler(JupyterHandler):
    """Where a demo's page asks for its kernel."""

    @tornado.web.authenticated
    async def get(self, kernel_id: str) -> None:
        """Write {"alive": true or false}, and set the cookie without which the page may not end its kernel."""
        assert self.xsrf_token
        ours = cast(kernels.Kernels, self.kernel_manager)
        self.finish({"alive": await ours.lives(kernel_id)})


def _card(card: Card, base: str) -> str:
    title, sentence, chapter = (html.escape(text) for text in (card.title, card.sentence, card.chapter))
    return (
        f'<a href="{base}{page_of(card.name)}" data-demo="{card.name}"><h2>{title}</h2><p>{sentence}</p>'
        f"<p><small>Chapter {chapter} · {card.minutes} minutes</small></p></a>"
    )


def _lan_address() -> str:
    """This machine's address in the local network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that is reserved for examples
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
