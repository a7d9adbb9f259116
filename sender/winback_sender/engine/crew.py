"""All whom the main thread of a sender works with, and what they hand over."""

from typing import NamedTuple

from winback_sender.engine.courier import Couriers
from winback_sender.engine.desk import Desk
from winback_sender.engine.ear import Answered, Overheard, StraySaid
from winback_sender.engine.endings import Endings
from winback_sender.engine.errand import Done
from winback_sender.engine.intake import Intake
from winback_sender.engine.news import News
from winback_sender.engine.reader import Reader
from winback_sender.engine.resolver import Resolver
from winback_sender.engine.teller import Acknowledged, Teller

Mail = News | Done | Overheard | StraySaid | Answered | Acknowledged | Exception


class Crew(NamedTuple):
    """All whom the loop works with."""

    desk: Desk
    intake: Intake
    endings: Endings
    resolver: Resolver
    couriers: Couriers
    reader: Reader
    teller: Teller
