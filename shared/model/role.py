"""The app's roles, as the registration's tokens name them: who may read, who may start runs, who may sweep."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["Outrider.Read", "Outrider.Use", "Outrider.Sweep"]

#: Runs, findings, pages, hunts and health.
READ: Role = "Outrider.Read"
#: Start enrichments; holds Read.
USE: Role = "Outrider.Use"
#: Start sweeps and the self-test; holds Use.
SWEEP: Role = "Outrider.Sweep"
#: Each role holds those before it.
ROLES: tuple[Role, ...] = get_args(Role)

#: By what a call is let in, who may make which.
WHO_MAY = {
    "key": "whoever holds a function key may make every call, sweeps included",
    "entra": f"{READ} reads, {USE} starts runs too, {SWEEP} sweeps and the self-test as well",
}


def holders(role: Role) -> tuple[Role, ...]:
    """Return the roles whose bearer may do what *role* allows: itself, and those that hold it."""
    return ROLES[ROLES.index(role) :]
