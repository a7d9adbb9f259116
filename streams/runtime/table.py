"""The Faust table of a worker's lanes: its place in the assignor, and its changelog."""

from typing import Any

import faust

from streams.runtime.lanes import Lanes
from winback_sender.logs import LIBRARY


class LaneTable(faust.Table):
    """A Faust table for its place in the assignor and its changelog; the state lives in lanes."""

    logger = LIBRARY

    def __init__(self, app: Any, *, lanes: Lanes, **arguments: Any) -> None:
        super().__init__(app, **arguments)
        self._lanes = lanes

    async def on_start(self) -> None:
        """Neither a store nor a topic is to be made by Faust."""

    async def on_stop(self) -> None:
        """Make durable what was applied, and leave."""
        await self._lanes.close()
