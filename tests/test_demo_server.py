"""`course demo`: the gallery's page and server, without a browser."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from course_utils.demos import kernels, server
from course_utils.demos.gallery import GALLERY, Card
from course_utils.errors import CourseError

command = importlib.import_module("course_utils.cli.demo")  # the package has the function of that name
ROOT = Path(__file__).parent.parent


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        yield other.getsockname()[1]


def start(*options):
    run = subprocess.Popen(
        [sys.executable, "-c", "from course_utils.cli import main; main()", "demo", "--no-browser", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = run.stdout.readline()
    found = re.search(r"The demos are at (\S+)", line)
    assert found, line + run.stderr.read()
    return run, found[1]


def get(address, opener=None):
    """The page, once somebody listens there."""
    for _ in range(200):
        try:
            with (opener or urllib.request.build_opener()).open(address, timeout=20) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except (ConnectionError, urllib.error.URLError):
            pass
    raise AssertionError(f"nobody listens at {address}")


def end(run):
    """Ctrl-C; returns what it wrote to stderr."""
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert run.returncode == 0
    return errors


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a child")
class TestServed:
    def test_the_gallery_lists_every_demo_and_fetches_nothing(self):
        run, address = start("--port", str(server.free_port()))
        try:
            page = get(address)
            assert re.findall(r'data-demo="(\w+)"', page) == [card.name for card in GALLERY]
            assert "http://" not in page
            assert "https://" not in page
            with pytest.raises(urllib.error.HTTPError, match="404"):
                get(f"{address}voila/render/nothing.ipynb")
            assert json.loads(get(f"{address}alive/0a1b-2c3d")) == {"alive": False}
        finally:
            errors = end(run)
        assert "Traceback" not in errors
        assert "Task was destroyed" not in errors

    def test_the_local_network_needs_the_token(self):
        run, address = start("residual", "--lan", "--port", str(server.free_port()))
        try:
            where, token = re.fullmatch(
                r"http://(.+):\d+/voila/render/residual.ipynb\?token=(\S{16})", address
            ).groups()
            assert where != "localhost"
            assert "give it to your class alone" in [run.stdout.readline(), run.stdout.readline()][1]
            port = re.search(r":(\d+)/", address)[1]
            local = f"http://127.0.0.1:{port}/"
            assert "data-demo" not in get(local)
            visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            assert "data-demo" in get(f"{local}?token={token}", visitor)
            assert "data-demo" in get(local, visitor), "the cookie stands for the token"
        finally:
            end(run)


class TestBadInput:
    def test_a_port_in_use(self, taken):
        with pytest.raises(CourseError, match=f"port {taken} is in use: give another with --port, or none"):
            server.free_port(taken)

    def test_no_port_free(self, monkeypatch, taken):
        monkeypatch.setattr(server, "FIRST_PORT", taken)
        assert taken < server.free_port() < taken + 50
        monkeypatch.setattr(server, "range", lambda first, end: [taken], raising=False)
        with pytest.raises(CourseError, match=f"ports {taken} to {taken + 49} are in use"):
            server.free_port()

    def test_a_port_that_is_not_ours(self, monkeypatch):
        def refuse(self, address):
            raise PermissionError

        monkeypatch.setattr(socket.socket, "bind", refuse)
        with pytest.raises(CourseError, match="port 80 needs the administrator's rights"):
            server.free_port(80)

    def test_an_unknown_name(self):
        with pytest.raises(CourseError, match="did you mean dropout"):
            command.demo("dropuot")

    def test_voila_missing(self, monkeypatch):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(CourseError, match="Voila, which serves the demos, is not installed"):
            command.demo()


class TestCommand:
    @pytest.mark.parametrize("lan", [False, True])
    def test_starts_the_server_and_opens_the_demo(self, monkeypatch, capsys, lan):
        """As the tests above, in this process and without waiting for a browser."""
        opened, started = [], []
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.setattr(server.Voila, "start", lambda self: started.append(self))
        monkeypatch.setattr(
            command.threading, "Timer", lambda delay, call, args: type("T", (), {"start": lambda _: call(*args)})()
        )
        monkeypatch.setattr(command.webbrowser, "open", opened.append)
        monkeypatch.setenv("JUPYTER_PATH", "elsewhere")
        command.demo("dropout", lan=lan)
        (served,) = started
        assert opened == [served.address("dropout")]
        assert opened[0] in capsys.readouterr().out
        assert served.ip == ("0.0.0.0" if lan else "localhost")
        assert bool(served.token) == lan
        assert os.environ["JUPYTER_PATH"].split(os.pathsep) == [str(Path(server.__file__).parent), "elsewhere"]
        assert any(path.endswith("voila/templates/course") for path in served.template_paths)
        notebook = nbformat.read(Path(served.root_dir) / "dropout.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert notebook.cells[0].source.endswith("open_alone('dropout')")
        monkeypatch.setattr(server.Voila, "stop", lambda self: None)
        served.stop()
        assert not Path(served.root_dir).exists()


class Started(kernels.AsyncMappingKernelManager):
    """Kernels that are no processes: their ids are numbers, and what is in `dead` has died."""

    def __init__(self):
        super().__init__()
        self.options, self.dead, self.culled = [], set(), []

    async def start_kernel(self, **options):
        self.options.append(options)
        return str(len(self.options))

    def __contains__(self, kernel_id):
        return int(kernel_id) <= len(self.options)

    def get_kernel(self, kernel_id):
        async def is_alive():
            return kernel_id not in self.dead

        return type("Manager", (), {"is_alive": staticmethod(is_alive)})

    async def cull_kernel_if_idle(self, kernel_id):
        self.culled.append(kernel_id)


class Kernels(kernels.Kernels, Started):
    """Ours over these."""


class TestKernels:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch):
        monkeypatch.setattr(kernels, "PAUSE", 0)

    def run(self, story):
        """Let a coroutine function play with new kernels."""
        manager = Kernels()
        asyncio.run(story(manager))
        return manager

    def test_a_page_gets_the_spare_one_and_soon_another_is_spare(self):
        async def story(manager):
            manager.prepare()
            manager.prepare()
            assert await manager.start_kernel(kernel_name="python3", env={}) == "1"
            await asyncio.sleep(0.01)
            assert await manager.spare == "2"

        started = self.run(story).options
        assert len(started) == 2
        assert all(kernels.WARM_UP in str(options["extra_arguments"]) for options in started)

    @pytest.mark.parametrize("dies", [False, True])
    def test_without_a_living_spare_one_is_started(self, dies):
        async def story(manager):
            if dies:
                manager.prepare()
                manager.dead.add("1")
            assert await manager.start_kernel(kernel_name="python3") == str(1 + dies)

        assert self.run(story).options[dies] == {"kernel_name": "python3"}

    def test_what_lives(self):
        async def story(manager):
            assert not await manager.lives("1")
            manager.prepare()
            assert await manager.lives(await manager.spare)
            manager.dead.add("1")
            assert not await manager.lives("1")

        self.run(story)

    def test_the_spare_one_is_not_culled(self):
        async def story(manager):
            await manager.cull_kernel_if_idle("1")
            manager.prepare()
            await manager.cull_kernel_if_idle("1")
            await manager.cull_kernel_if_idle(await manager.spare)
            await manager.cull_kernel_if_idle("2")

        assert self.run(story).culled == ["1", "1", "2"]


def test_a_cards_text_is_text():
    page = server.gallery_page([Card("x", "A <b>", "B & C.", "01", 5, "?", ".")], base="/deep/")
    assert "<h2>A &lt;b&gt;</h2><p>B &amp; C.</p>" in page
    assert 'href="/deep/voila/render/x.ipynb"' in page


def test_without_a_network_the_machine_has_a_name(monkeypatch):
    def unreachable(self, address):
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert server._lan_address() == socket.gethostname()
