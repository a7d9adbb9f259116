"""What the records of a chunk came to: activities as columns, everything else as objects.

Nearly all that a partition is told is plain activity, of which the numbers are all that is needed,
so no object is made of it; whoever asks for one gets it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streams.core.inputs import Acted
from streams.core.rhythm_rows import Acts, columns_of

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

NO_ACT: Final = Acted("", "", 0)
"""Holds the place of what is no activity."""


class Signals(Sequence[Any]):
    """What records came to, in order: inputs, and before they are sorted what is none, too.

    Attributes:
        acts: Activities, shape (signals,); of what is none, the time alone means something.
        is_act: Shape (signals,): which are activities.
        user_ids: Whose they are; empty = nobody's.
        odd: Place to what is no activity, in order.
    """

    def __init__(
        self,
        acts: Acts,
        is_act: Flags,
        user_ids: list[str],
        odd: Mapping[int, Any],
        make: Callable[[int], Acted],
        origins: Rows | None = None,
    ) -> None:
        """Make one.

        Args:
            acts: As above.
            is_act: As above.
            user_ids: As above.
            odd: As above.
            make: Makes the object of the activity at an origin.
            origins: Shape (signals,): what each is called there; None = its place.
        """
        self.acts, self.is_act, self.user_ids, self.odd = acts, is_act, user_ids, odd
        self._make, self._origins = make, origins

    @classmethod
    def of(cls, inputs: Sequence[Any]) -> "Signals":
        """Return inputs that there are as objects."""
        at_ms = np.array([signal.event_time_ms for signal in inputs], np.float64)
        if set(map(type, inputs)) <= {Acted}:
            user_ids = [signal.user_id for signal in inputs]
            is_act = np.ones(len(inputs), np.bool_)
            return cls(columns_of(inputs, at_ms), is_act, user_ids, {}, inputs.__getitem__)
        odd = {place: each for place, each in enumerate(inputs) if not isinstance(each, Acted)}
        acts = [NO_ACT if place in odd else each for place, each in enumerate(inputs)]
        is_act = np.array([act is not NO_ACT for act in acts])
        user_ids = [getattr(signal, "user_id", "") for signal in inputs]
        return cls(columns_of(acts, at_ms), is_act, user_ids, odd, inputs.__getitem__)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.user_ids)

    def __getitem__(self, place: Any) -> Any:
        """Return one as an object, or some of them."""
        if isinstance(place, slice):
            return self.only(place)
        found = self.odd.get(place)
        if found is not None:
            return found
        return self._make(place if self._origins is None else self._origins.item(place))

    def __iter__(self) -> Iterator[Any]:
        """Yield all of them as objects."""
        return map(self.__getitem__, range(len(self)))

    @property
    def kinds(self) -> set[type]:
        """The types of which there are some."""
        found = set(map(type, self.odd.values()))
        return found | {Acted} if len(self.odd) < len(self) else found

    def only(self, picked: slice | Rows) -> "Signals":
        """Return some of them."""
        places = np.arange(len(self))[picked]
        if len(places) == len(self):
            return self
        user_ids = self.user_ids
        odd = self.odd
        if odd:
            odd = {new: odd[old] for new, old in enumerate(places.tolist()) if old in odd}
        return Signals(
            self.acts.only(picked), self.is_act[picked],
            user_ids[picked] if isinstance(picked, slice) else [user_ids[at] for at in places],
            odd, self._make, places if self._origins is None else self._origins[picked],
        )  # fmt: skip


def kinds_of(decoded: Sequence[Any]) -> set[type]:
    """Return the types of what records came to."""
    return decoded.kinds if isinstance(decoded, Signals) else set(map(type, decoded))


def odd_of(decoded: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    """Return what records came to, with its place; activities may be left out."""
    return decoded.odd.items() if isinstance(decoded, Signals) else enumerate(decoded)
