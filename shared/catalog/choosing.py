"""
Choose the hunts of a run, and say of every hunt why it runs or not.

A hunt runs by itself if its file has an `enrichment` block, or HUNTS_AUTO names it, and if there is something of
its kind to hunt for. Those that fit the incident's alerts come first, and MAX_HUNTS is as many as one run takes,
of each sort its share.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from shared.model.hunt import DEVICE_CARD, SEVERITIES

from .attack import plain
from .select import entities_of, misfit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt

    from .load import Catalog

#: How near a hunt is to the incident's alerts: it has a technique of theirs, a tactic, or neither.
_TECHNIQUE, _TACTIC, _NEITHER = range(3)
#: What of a run's hunts is for each sort, where that many fit: what happened on the devices, where the indicators are, and
#: what is normal there. Else forty ways to attack a device would leave no room for who else talked to an address.
_SHARES = {"device": 0.5, "indicator": 0.3, "context": 0.2}
#: What an entry of HUNTS_AUTO stands for every hunt with.
EVERY = "*"


#: `notNamed`: nobody asked for it; `noEntity`: there is nothing of its kind to hunt for; `otherKind`: there are
#: devices, but all of another kind; `beyond`: it would run, but for MAX_HUNTS.
Fate = Literal["runs", "notNamed", "noEntity", "otherKind", "beyond"]


class Policy(Struct, frozen=True):
    """
    What a deployment says of its hunts.

    `auto` are the entries of HUNTS_AUTO: the names of hunts without a block that run by themselves, the tactics of
    such hunts, or `*`. `most` is MAX_HUNTS, how many hunts one run takes beside the device card.
    """

    auto: tuple[str, ...] = ()
    most: int = 40


class About(Struct, frozen=True):
    """
    What a run is about: its entities, the hunts that its caller named, and the ATT&CK of the incident's alerts.

    Without `names`, the hunts that run by themselves are chosen.
    """

    chosen: Chosen
    names: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()


class Choice(Struct, frozen=True):
    """What becomes of one hunt, and why, in words that can follow its name and a colon."""

    hunt: Hunt
    fate: Fate
    why: str
    #: Its place among the hunts that run, from 1; 0 for the device card and for those that do not run.
    rank: int = 0

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self.fate == "runs"


class _Near(NamedTuple):
    distance: int
    why: str


def choose_hunts(catalog: Catalog, about: About, policy: Policy) -> tuple[Choice, ...]:
    """
    Decide of every hunt in *catalog* whether a run about this takes it.

    The device card comes first, then the hunts that run, by rank, then the others by name. A hunt is ranked by how
    near it is to the alerts, then by its severity, then by its name. Where more fit than a run takes, each sort of hunt
    (`_SHARES`) has its share, as far as there are so many, and of hunts that are as near and as severe, those that are
    taken are spread over tactics and systems (`_spread`). Hunts that a caller named are not cut.
    """
    fit: list[tuple[_Near, Hunt]] = []
    rest: list[Choice] = []
    for hunt in catalog.hunts:
        if hunt.name == DEVICE_CARD and hunt.name not in about.names:
            continue
        if unfit := _why_not(hunt, about, policy):
            rest.append(unfit)
        else:
            fit.append((_near(hunt, about), hunt))
    fit.sort(key=lambda one: (one[0].distance, SEVERITIES.index(one[1].severity), one[1].name))
    most = len(fit) if about.names else policy.most
    taken = _within(_spread(fit), most)
    kept = [
        Choice(hunt, "runs", _why(near, hunt, about, policy), rank)
        for rank, (near, hunt) in enumerate((one for one in fit if one[1].name in taken), 1)
    ]
    over = f"{most} others come first, and one run takes no more (MAX_HUNTS)"
    rest += [Choice(hunt, "beyond", over) for _, hunt in fit if hunt.name not in taken]
    return (*_card(catalog, about, kept, rest), *kept, *sorted(rest, key=lambda choice: choice.hunt.name))


def _spread(fit: list[tuple[_Near, Hunt]]) -> list[Hunt]:
    """
    Return hunts in the order in which a run takes them: of those as near and as severe, one of each tactic and system in turn.

    By their names alone, what is called `web-shell-written` would never run beside forty others. A hunt of HUNTS_DIR with
    a block comes before all others: somebody wrote it for this fleet.
    """
    turns: Counter[tuple[str, ...]] = Counter()
    placed: list[tuple[bool, int, int, int, str, Hunt]] = []
    for near, hunt in fit:
        severity = SEVERITIES.index(hunt.severity)
        group = (
            str(near.distance),
            hunt.severity,
            _sort(hunt),
            *hunt.tactics[:1],
            *hunt.applies_to.os_platform,
        )
        placed.append((hunt.shipped or not hunt.auto, near.distance, severity, turns[group], hunt.name, hunt))
        turns[group] += 1
    return [hunt for *_, hunt in sorted(placed, key=lambda one: one[:5])]


def _within(ranked: list[Hunt], most: int) -> set[str]:
    """Return the names of the *most* hunts that a run takes, of those that fit, by rank."""
    if len(ranked) <= most:
        return {hunt.name for hunt in ranked}
    taken: set[str] = set()
    for sort, share in _SHARES.items():
        mine = [hunt.name for hunt in ranked if _sort(hunt) == sort]
        taken.update(mine[: int(most * share)])
    others = [hunt.name for hunt in ranked if hunt.name not in taken]
    return taken.union(others[: most - len(taken)])


def _sort(hunt: Hunt) -> str:
    return hunt.role if hunt.role == "context" else hunt.entity


def unmatched(catalog: Catalog, policy: Policy) -> tuple[str, ...]:
    """Return a line for each entry of HUNTS_AUTO that no hunt in *catalog* has as its name or tactic."""
    return tuple(
        f"HUNTS_AUTO: no hunt that is loaded has the name or the tactic {entry!r}"
        for entry in policy.auto
        if entry != EVERY and not any(_named_by(entry, hunt) for hunt in catalog.hunts)
    )


def _card(catalog: Catalog, about: About, kept: list[Choice], rest: list[Choice]) -> Iterator[Choice]:
    """Yield the device card, unless it was named, and is thus among those *kept*."""
    card = catalog.by_name.get(DEVICE_CARD)
    if card is None or DEVICE_CARD in about.names:
        return
    if any(choice.hunt.entity == "device" for choice in kept):
        yield Choice(card, "runs", "it runs beside every hunt for devices")
    elif any(choice.fate == "otherKind" for choice in rest):
        # What a device is to which no hunt applies is all that can be said of it.
        yield Choice(card, "runs", "it says what the devices are to which no hunt applies")
    else:
        yield Choice(card, "noEntity", "no hunt for devices runs beside it")


def _why_not(hunt: Hunt, about: About, policy: Policy) -> Choice | None:
    """Return the choice of a hunt that does not run, whatever else does; None for one that fits."""
    if about.names and hunt.name not in about.names:
        return Choice(hunt, "notNamed", "others were named")
    if not (about.names or hunt.auto or _auto(hunt, policy)):
        return Choice(
            hunt, "notNamed", "its file has no enrichment block: name it in `hunts`, or in HUNTS_AUTO"
        )
    if not entities_of(hunt, about.chosen):
        needs = "device" if hunt.entity == "device" else f"indicator of kind {', '.join(hunt.kinds)}"
        return Choice(hunt, "noEntity", f"there is no {needs}")
    if hunt.entity == "device" and all(
        device.os_platform and hunt.applies_to.excludes(device.os_platform, "")
        for device in about.chosen.devices
    ):
        return Choice(hunt, "otherKind", misfit(hunt, about.chosen.devices[0].os_platform))
    return None


def _why(near: _Near, hunt: Hunt, about: About, policy: Policy) -> str:
    if about.names:
        return "it was named"
    by = "it runs by itself" if hunt.auto else f"HUNTS_AUTO has {_auto(hunt, policy)}"
    return f"{by}; {near.why or f'its severity is {hunt.severity}'}"


def _auto(hunt: Hunt, policy: Policy) -> str:
    """Return the entry of HUNTS_AUTO that names a hunt; '' if none does."""
    return next((entry for entry in policy.auto if entry == EVERY or _named_by(entry, hunt)), "")


def _named_by(entry: str, hunt: Hunt) -> bool:
    return entry.lower() == hunt.name or plain(entry) in (set(map(plain, hunt.tactics)) - {""})


def _near(hunt: Hunt, about: About) -> _Near:
    for technique in hunt.techniques:
        if _is_among(technique, about.techniques):
            return _Near(_TECHNIQUE, f"an alert has its technique {technique}")
    wanted = set(map(plain, about.tactics)) - {""}
    for tactic in hunt.tactics:
        if plain(tactic) in wanted:
            return _Near(_TACTIC, f"an alert has its tactic {tactic}")
    return _Near(_NEITHER, "")


def _is_among(technique: str, others: Collection[str]) -> bool:
    """Tell whether a technique is one of *others*, or above or below one: T1048 and T1048.003 are the same."""
    mine = technique.upper()
    return any(
        mine == other or mine.startswith(f"{other}.") or other.startswith(f"{mine}.")
        for other in map(str.upper, others)
    )
