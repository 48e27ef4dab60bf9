"""The hunting quota of an app is kept in its store, for all of its processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.deployed import finished, hosted, identity

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.tenant.state import Tenant


def test_a_run_takes_a_place_for_each_hunting_call(cloud: tuple[str, Tenant], tmp_path: Path) -> None:
    """Another process of the app, with the same store, finds them there."""
    with hosted(tmp_path, **identity(cloud[0]), HUNTS_PER_MINUTE="1000") as http:
        run = finished(http, http.post("/api/enrich", json={"incidentId": "4101"}).headers["location"])
    places = list((tmp_path / "state" / "quota" / "places").iterdir())

    assert "completed" == run["status"]
    assert len(places) == sum(call.kind == "hunt" for call in cloud[1].calls)
