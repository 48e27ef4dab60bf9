"""The playbooks' Bicep templates: their parameters, the one role they assign, and what they fill in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLAYBOOKS = Path(__file__).parents[2] / "infra" / "playbooks"
TEMPLATES = sorted(PLAYBOOKS.glob("*.bicep"))

# Azure built-in roles (Microsoft Learn): the ids are the same in every tenant.
ROLES = {"microsoftSentinelAutomationContributor": "f4c81013-99ee-4d62-a7ee-b3f1f648599a"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_every_parameter_says_whether_it_is_required(template: Path) -> None:
    """It is optional exactly if it has a default; and no template takes or lists a secret."""
    text = template.read_text("utf-8")
    described = re.findall(r"@description\('(Required|Optional)\. .+'\)\nparam (\w+) \w+( = )?", text)

    assert len(re.findall(r"^param ", text, re.MULTILINE)) == len(described)
    assert [] == [name for need, name, default in described if (need == "Optional") != bool(default)]
    assert not re.search(r"@secure|listKeys|listCallbackUrl|\.list\w+\(", text)


def test_only_the_documented_role_is_assigned() -> None:
    """Its id is the one that Microsoft documents, and there is no other assignment."""
    text = "".join(template.read_text("utf-8") for template in TEMPLATES)
    ids = dict(re.findall(r"^var (\w+) = '([0-9a-f]{8}-[0-9a-f-]{27})'$", text, re.MULTILINE))

    assert ROLES == ids
    assert len(ids) == text.count("Microsoft.Authorization/roleAssignments@")


def test_bicep_fills_in_identity_path_and_body() -> None:
    """They go where the definitions have them, and no IP address may trigger the callout example."""
    text = (PLAYBOOKS / "playbooks.bicep").read_text("utf-8")

    assert "actions: { Hunt: { inputs: { authentication: { identity: identity.id } } } }" in text
    assert "triggers: { Microsoft_Sentinel_entity: { inputs: { path: entity.value.path } } }" in text
    assert "actions: { Hunt: { inputs: { body: entity.value.body } } }" in text
    assert "triggers: { allowedCallerIpAddresses: [] }" in text


def test_an_updated_incident_is_sent_only_for_new_alerts() -> None:
    """Outrider's own comment is an update as well, and must not send the incident again."""
    text = (PLAYBOOKS / "automation-rules.bicep").read_text("utf-8")
    _, _, updated = text.partition("Updated: [")

    assert "arrayType: 'Alerts'" in updated.partition("\n  ]")[0]
    assert "changeType: 'Added'" in updated.partition("\n  ]")[0]
    assert "Created: []" in text
