"""Who gets which role of the app, and on which workspaces the app gets its own."""

from __future__ import annotations

import re

from tests.support.templates import text


def test_each_group_gets_the_role_it_is_for() -> None:
    """Readers read, analysts and the playbooks' identity start runs, operators sweep; main.bicep passes each on."""
    registration, main = text("modules/app-registration.bicep"), text("main.bicep")
    roles = dict(re.findall(r"var (\w+)RoleId = guid\(name, '(Outrider\.\w+)'\)", registration))

    assert {"read": "Outrider.Read", "use": "Outrider.Use", "sweep": "Outrider.Sweep"} == roles
    assert "[{ id: readersGroupId, role: readRoleId }]" in registration
    assert "[{ id: operatorsGroupId, role: sweepRoleId }]" in registration
    assert "[analystsGroupId], callerPrincipalIds)" in registration
    assert "map(analysts, id => { id: id, role: useRoleId })" in registration
    assert "concat(callerPrincipalIds, withPlaybooks ? [playbooks!.outputs.principalId] : [])" in main
    for group in ("readersGroupId", "analystsGroupId", "operatorsGroupId"):
        assert f"    {group}: {group}\n" in main


def test_every_workspace_that_is_served_gets_the_role() -> None:
    """SENTINEL_WORKSPACE lists those that the templates assign the role on, and no others."""
    main = text("main.bicep")

    assert "SENTINEL_WORKSPACE: join(workspaceIds, ',')" in main
    assert (
        "var workspaceIds = concat(empty(sentinelWorkspaceId) ? [] : [sentinelWorkspaceId], furtherSentinelWorkspaceIds)"
    ) in main
    assert 2 == main.count("'./modules/sentinel-role.bicep'")
