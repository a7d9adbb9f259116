"""All whom the main thread of a sender works with, and what they hand over."""

from typing import NamedTuple

from winback_sender.courier import Couriers
from winback_sender.desk import Desk
from winback_sender.ear import Answered, Overheard, StraySaid
from winback_sender.endings import Endings
from winback_sender.errand import Done
from winback_sender.intake import Intake
from winback_sender.news import News
from winback_sender.reader import Reader
from winback_sender.resolver import Resolver
from winback_sender.teller import Acknowledged, Teller

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
