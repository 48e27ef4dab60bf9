"""Write the query of a hunt for a run's entities, and the link that opens it in the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.kql.portal import portal_link
from shared.kql.write import device_query, indicator_query, is_fair_for_devices, is_fair_for_indicators

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt
    from shared.model.record import Plan
    from shared.settings import Settings

    from .load import Catalog


def portal_links(plan: Plan, catalog: Catalog, settings: Settings) -> dict[str, str]:
    """
    Return the link that opens a hunt's query in the portal, for each hunt of *plan* by name.

    A hunt is missing where its query is too long for a link, or the catalogue does not have it.
    """
    hunts = catalog.by_name
    links = {
        planned.name: portal_link(
            hunt_query(
                hunts[planned.name],
                plan.entities(planned),
                settings.max_rows + 1,
                planned.window.end,
            ),
            settings.cloud.portal,
        )
        for planned in plan.hunts
        if planned.name in hunts
    }
    return {name: link for name, link in links.items() if link}


def hunt_query(hunt: Hunt, chosen: Chosen, take: int, end: datetime) -> str:
    """
    Write a hunt's query for a run's entities and a window that ends at *end*, limited to *take* rows.

    `is_fair` says how they are limited. Raises ValueError where none of the entities fits the hunt.
    """
    if hunt.entity == "device":
        return device_query(hunt.query, chosen.devices, take=take, end=end, applies_to=hunt.applies_to)
    return indicator_query(hunt.query, chosen.indicators, take=take, end=end)


def is_fair(hunt: Hunt, chosen: Chosen) -> bool:
    """
    Tell whether `hunt_query` limits the rows of each device, or of each indicator, and not just of all.

    Each that has rows is then in the answer, also in one that is cut, as long as they are fewer than its rows.
    Whose a row is says its column DeviceId, or Indicator, in any case. False where there is just one to hunt for.
    """
    if hunt.entity == "device":
        return is_fair_for_devices(hunt.query, chosen.devices)
    return is_fair_for_indicators(hunt.query, chosen.indicators)
