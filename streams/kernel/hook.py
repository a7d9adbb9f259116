"""What hatchling asks when it makes a wheel: the kernel is compiled, if it can be."""

import runpy
import sysconfig
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOM: Final = "streams/kernel"


class KernelHook(BuildHookInterface[Any]):
    """Makes a wheel of this machine, with the kernel in it; without a compiler, of any one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Compile before the files are gathered."""
        why_not = runpy.run_path(str(Path(self.root) / ROOM / "build.py"))["build"]()
        if why_not:
            self.app.display_warning(f"no native kernel, Python does its work: {why_not}")
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append(f"/{ROOM}/_kernel.so")
