"""What hatchling asks when it makes a wheel: the kernels are compiled, if they can be."""

import runpy
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface[Any]):
    """Makes a wheel of this machine, with the kernels in it; without a compiler, of any one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Compile before the files are gathered."""
        sys.path.insert(0, self.root)  # The builder sees nothing of ours.
        made = runpy.run_path(str(Path(self.root) / "streams" / "kernel" / "build.py"))
        for room in made["ROOMS"]:
            why_not = made["build"](room)
            if why_not:
                self.app.display_warning(f"no native kernel, Python does its work: {why_not}")
                return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        for room in made["ROOMS"]:
            place = (room / made["LIBRARY"]).relative_to(self.root).as_posix()
            build_data["artifacts"].append(f"/{place}")
