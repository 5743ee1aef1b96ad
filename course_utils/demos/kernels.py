"""The kernels of the demos: one is kept ready, so that a click need not wait until Python has imported everything."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

__all__ = ["SETTINGS", "Kernels"]

PAUSE = 6  # seconds after a click in which the processors belong to the demo that opens
WARM_UP = "from course_utils.demos.stage import warm_up; warm_up(); del warm_up"
SETTINGS = {
    "MappingKernelManager": {"cull_idle_timeout": 600, "cull_interval": 60},  # seconds; of those without a page
    "KernelManager": {"autorestart": False},  # a new one would know nothing of the page: it must be loaded again
}


class Kernels(AsyncMappingKernelManager):
    """Jupyter's kernels, of which one without a page is spare: started in advance and warm."""

    spare: asyncio.Task[str] | None = None

    def prepare(self) -> None:
        """Start a spare kernel unless there is one."""
        if self.spare is None:
            warm = [f"--IPKernelApp.exec_lines={WARM_UP}"]
            quiet = subprocess.DEVNULL  # Ctrl-C in its first seconds would show where it stood
            start = super().start_kernel(kernel_name="python3", cwd=self.root_dir, extra_arguments=warm, stderr=quiet)
            self.spare = asyncio.get_running_loop().create_task(start)

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]  # there it is an alias
        """The spare kernel's id, and soon another is spare; where none lives, that of one started now."""
        spare, self.spare = self.spare, None
        asyncio.get_running_loop().call_later(PAUSE, self.prepare)
        if spare is not None:
            kernel_id = await spare
            if await self.lives(kernel_id):
                return kernel_id
        return await super().start_kernel(**options)

    async def lives(self, kernel_id: str) -> bool:
        """Whether the process of that kernel is there."""
        return kernel_id in self and await ensure_async(self.get_kernel(kernel_id).is_alive())

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that no page has used for ten minutes, as when a phone has gone, but not the spare one."""
        if self.spare is None or not self.spare.done() or self.spare.result() != kernel_id:
            await super().cull_kernel_if_idle(kernel_id)
