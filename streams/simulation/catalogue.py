"""The named scenarios; each shows one thing that happens to a real deployment."""

from typing import Final

import msgspec

from streams.simulation.scenario import (
    DST_ZONES,
    EVERYWHERE,
    Noise,
    Outage,
    Scenario,
    Senders,
    Wishes,
)

LEAVERS: Final = {"stable": 0.3, "doomed": 0.2, "persuadable": 0.3, "drifting": 0.2}
DOGS: Final = {"stable": 0.3, "sleeping_dog": 0.5, "persuadable": 0.1, "doomed": 0.1}

_ALL: Final = (
    Scenario(name="steady", what="Most users stay, some leave: a business on a usual day."),
    Scenario(
        name="drift", what="Users slow down before they leave; the alert comes early.",
        mix={"stable": 0.4, "drifting": 0.6},
    ),
    Scenario(
        name="seasonal", what="Users pause for a season and come back by themselves.",
        mix={"stable": 0.3, "seasonal": 0.7},
    ),
    Scenario(
        name="one_timers", what="Nine of ten come once and never again; nobody is alerted.",
        mix={"one_time": 0.9, "stable": 0.1}, new_share=0.9,
    ),
    Scenario(
        name="outage", what="The source logs nothing for four days and tells nobody.",
        outages=(Outage(60.0, 4.0),),
    ),
    Scenario(
        name="outage_announced", what="The same, announced: no silence, and nobody is alerted.",
        outages=(Outage(60.0, 4.0, is_announced=True),),
    ),
    Scenario(
        name="holiday", what="Four of five users do nothing for a week, and come back after it.",
        holidays=((55.0, 7.0),),
    ),
    Scenario(
        name="campaign", what="Everybody comes on two days of a sale, and many only then.",
        campaigns=(40.0, 80.0),
    ),
    Scenario(
        name="mass_exit", what="A third of all users leaves on one day; the budget holds.",
        exits=((60.0, 0.35),),
    ),
    Scenario(
        name="bots", what="A few bots make most of the events, then vanish.",
        bots=4,
    ),
    Scenario(
        name="clock_skew", what="A third of the clocks is wrong, by up to fifty minutes.",
        noise=Noise(skewed=0.33),
    ),
    Scenario(
        name="disorder", what="A quarter of the events comes hours late.",
        noise=Noise(late=0.25, late_hours=5.0),
    ),
    Scenario(
        name="label_delay", what="One event in ten is reported a day or two later.",
        noise=Noise(late=0.1, late_hours=30.0),
    ),
    Scenario(
        name="duplicates", what="A third of the events is delivered twice.",
        noise=Noise(twice=0.33, late_hours=3.0),
    ),
    Scenario(
        name="dst_spring", what="Clocks change in fifteen zones; quiet hours follow them.",
        zones=DST_ZONES, start="2024-01-20", wishes=Wishes(moving=0.2),
    ),
    Scenario(
        name="dst_autumn", what="Clocks change back, in September to November.",
        zones=DST_ZONES, start="2024-08-20", wishes=Wishes(moving=0.2),
    ),
    Scenario(
        name="leap_day", what="A year with a 29th of February, seen from every zone.",
        zones=EVERYWHERE, start="2028-01-10", days=90,
    ),
    Scenario(
        name="sleeping_dogs", what="Half of the users pause and come back, unless disturbed.",
        mix=DOGS,
    ),
    Scenario(
        name="persuadables", what="Most who leave can be held, if contacted in time.",
        mix={"stable": 0.3, "persuadable": 0.7},
    ),
    Scenario(
        name="lost_causes", what="Those with the most value and risk cannot be held by anything.",
        mix={"stable": 0.4, "lost_cause": 0.4, "persuadable": 0.2},
    ),
    Scenario(
        name="aa", what="Touches do nothing: whatever effect is reported is chance.",
        mix=LEAVERS, effect=0.0, rules="holdout: {share: 0.3, salt: aa}",
    ),
    Scenario(
        name="true_effect", what="Touches work, and by how much is known for each user.",
        mix=LEAVERS, rules="holdout: {share: 0.3, salt: effect}",
    ),
    Scenario(
        name="small_budget", what="Many at risk, and place for few: only the best are contacted.",
        mix=LEAVERS, rules="budget: {touches_per_day: 8}",
    ),
    Scenario(
        name="tiny_staff", what="Two calls a day are all that the staff can make.",
        mix=LEAVERS, rules="""
budget: {calls_per_day: 2}
playbooks:
  - name: calls
    close_after: 2d
    steps: [{channel: call, template_key: care_call, expires: 1d}]
""",
    ),
    Scenario(
        name="opt_outs", what="One in four answers a touch with an opt-out, or opts out by itself.",
        wishes=Wishes(opting_out=0.2, changing=0.3, refused=0.2),
        senders=Senders(opted_out=0.25),
    ),
    Scenario(
        name="erasures", what="One in five asks to be forgotten; some come back as strangers.",
        wishes=Wishes(erased=0.2),
    ),
    Scenario(
        name="no_consent", what="Of most users no consent is on record: they are left alone.",
        wishes=Wishes(unknown=0.7),
    ),
    Scenario(
        name="bad_senders", what="Feedback is late, double, contradictory, or of no touch.",
        senders=Senders(
            fail=0.2, dead=0.3, late=0.3, twice=0.3, contradict=0.2, strange=0.2, silent=0.2
        ),
    ),
    Scenario(
        name="complaint_wave", what="A bad product: a third of the users complains on one day.",
        complaints=((60.0, 0.33),),
    ),
    Scenario(
        name="new_deployment", what="The service is switched on, and knows nobody yet.",
        new_share=1.0, days=60,
    ),
    Scenario(
        name="kill_switch", what="Operators stop everything for ten days, and resume.",
        mix=LEAVERS, stops=((60.0, 10.0),),
    ),
    Scenario(
        name="observe", what="The default of a new deployment: all is decided, nothing goes out.",
        rules="mode: observe",
    ),
)  # fmt: skip

SCENARIOS: Final[dict[str, Scenario]] = {scenario.name: scenario for scenario in _ALL}
"""Name to scenario."""


def resized(scenario: Scenario, users: int | None, days: int | None) -> Scenario:
    """Return a scenario with other numbers of users and days; None keeps them."""
    return msgspec.structs.replace(
        scenario,
        users=scenario.users if users is None else users,
        days=scenario.days if days is None else days,
    )
