"""Every type of evidence is hunted, or named with the reason why it is not."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from msgraph.generated.models.security import alert_evidence

from shared.entities.choosing import Limits
from shared.entities.defender import count_unreadable, from_evidence
from shared.entities.pieces import NO_HASH, NO_HUNT, NO_VALUE
from shared.entities.sentinel import from_entities
from shared.entities.shapes import ENTITIES, EVIDENCE
from shared.model.entity import NOT_SUSPICIOUS, Chosen, Device, Dropped, Indicator

SDK = Path(alert_evidence.__file__)
SHA1, SHA256 = "a1" * 20, "b2" * 32
#: The types that Graph's own SDK knows, as in `ip`.
TYPES = sorted(re.findall(r'"#microsoft\.graph\.security\.(\w+)Evidence"\.casefold', SDK.read_text()))


def evidence(kind: str, verdict: str = "suspicious", **fields: Any) -> dict[str, Any]:
    """Return a piece of Defender's evidence."""
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "verdict": verdict, **fields}


def of(*items: dict[str, Any]) -> Chosen:
    """Return what is hunted of a Defender incident's evidence, and what is not."""
    return from_evidence(items, Limits(), private=False)


def put(item: dict[str, Any], path: str, value: str) -> None:
    """Put *value* at a path of *item*, with the objects and lists on the way."""
    step, _, rest = path.partition(".")
    if rest:
        inside: dict[str, Any] = {}
        put(inside, rest, value)
        item[step.removesuffix("[]")] = [inside] if step.endswith("[]") else inside
    elif step:
        item[step.removesuffix("[]")] = [value] if step.endswith("[]") else value


def snake(name: str) -> str:
    """Write a name as the SDK's files and fields are called."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def unknown_step(kind: str, path: str) -> str:
    """Follow a path through the SDK's models; return the first step that is no field of one, '' if all are."""
    steps = [step.removesuffix("[]") for step in path.split(".") if step]
    for n, step in enumerate(steps):
        model = getattr(import_module(f"{alert_evidence.__package__}.{snake(kind)}"), kind)
        if step not in model().get_field_deserializers():
            return f"{kind}.{step}"
        if n < len(steps) - 1:
            kind = str(model.__annotations__[snake(step)]).rstrip("]").rpartition("[")[2]
    return ""


@pytest.mark.fault("A7", before="[]: a mail, an account or a name alone was passed over without a word")
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_that_graph_has_is_hunted_or_named(kind: str) -> None:
    """By a word for people and its own name, with a reason; a type that is not known would be, too."""
    shape = EVIDENCE[kind.lower()]
    item = evidence(kind)
    for path in shape.named:
        put(item, path, "a name")
    found = of(item)
    paths = (*shape.named, *(path for path, _ in shape.hunted))

    assert found.entities or all(
        drop.kind and drop.reason and drop.value in ("a name", "") for drop in found.dropped
    )
    assert found.entities or found.dropped
    assert shape.named or kind == "device"
    assert [] == [
        wrong for path in paths if (wrong := unknown_step(f"{kind[0].upper()}{kind[1:]}Evidence", path))
    ]


@pytest.mark.fault("A7", before="(): nothing of it was hunted, nor named")
@pytest.mark.parametrize(
    ("item", "hunted", "dropped"),
    [
        (evidence("dns", domainName="evil.example", hostIpAddress={"ipAddress": "198.51.100.1"}, dnsServerIp={"ipAddress": "198.51.100.2"},
            ipAddresses=[{"ipAddress": "203.0.113.9"}]), ["ip:203.0.113.9", "domain:evil.example"], ()),
        (evidence("fileHash", algorithm="sha256", value=SHA256), [f"fileHash:{SHA256}"], ()),
        (evidence("fileHash", algorithm="sha256ac", value=SHA256), [], (Dropped("fileHash", SHA256, NO_HASH),)),
        (evidence("networkConnection", sourceAddress={"ipAddress": "10.1.2.3"}, destinationAddress={"ipAddress": "203.0.113.9"}),
            ["ip:203.0.113.9"], (Dropped("ip", "10.1.2.3", "private or reserved address"),)),
        (evidence("analyzedMessage", subject="Invoice", senderIp="203.0.113.9", urls=["https://evil.example/a"], p2Sender={"domainName": "Sender.example"},
            recipientEmailAddress="a@contoso.com"), ["ip:203.0.113.9", "url:evil.example/a", "domain:sender.example"],
            (Dropped("mail message", "Invoice", NO_HUNT),)),
        (evidence("analyzedMessage", subject="x", p1Sender={"domainName": "contoso.com"}, p2Sender={"domainName": "gmail.com"},
            recipientEmailAddress="a@contoso.com"), [], (Dropped("domain", "contoso.com", "the recipient's own domain"),
            Dropped("domain", "gmail.com", "a mail service that anyone can use"), Dropped("mail message", "x", NO_HUNT))),
        (evidence("analyzedMessage", "unknown", networkMessageId="m-1", p2Sender={"domainName": "sender.example"}), [],
            (Dropped("domain", "sender.example", NOT_SUSPICIOUS), Dropped("mail message", "m-1", NO_HUNT))),
        (evidence("submissionMail", subject="x", sender="bob@sender.example", senderIp="203.0.113.9"),
            ["ip:203.0.113.9", "domain:sender.example"], (Dropped("reported mail", "x", NO_HUNT),)),
        (evidence("teamsMessage", subject="hi", senderIP="203.0.113.9", urls=[{"url": "evil.example/b"}], files=[{"fileDetails": {"sha1": SHA1}}]),
            ["ip:203.0.113.9", "url:evil.example/b", f"fileHash:{SHA1}"], (Dropped("Teams message", "hi", NO_HUNT),)),
        (evidence("malware", "unknown", name="Emotet", files=[{"fileDetails": {"sha1": SHA1}}], processes=[{"imageFile": {"sha256": SHA256}}]),
            [f"fileHash:{SHA1}", f"fileHash:{SHA256}"], ()),
        (evidence("malware", name="Emotet"), [], (Dropped("malware", "Emotet", NO_HASH),)),
        (evidence("hostLogonSession", host={"deviceDnsName": "srv-7"}, account={"userAccount": {"userPrincipalName": "a@contoso.com"}}),
            ["device:srv-7"], (Dropped("account", "a@contoso.com", NO_HUNT),)),
        (evidence("blob", name="a.zip", fileHashes=[{"algorithm": "sha1", "value": SHA1}]), [f"fileHash:{SHA1}"], ()),
        (evidence("file", fileDetails={"fileName": "a.exe"}), [], (Dropped("file", "a.exe", NO_HASH),)),
        (evidence("process", "unknown", imageFile={"fileName": "bash", "sha1": SHA1}), [], (Dropped("process", "bash", NOT_SUSPICIOUS),)),
        (evidence("user", userAccount={"accountName": "svc", "userSid": "S-1-5-21"}), [], (Dropped("account", "svc", NO_HUNT),)),
        (evidence("ip"), [], (Dropped("ip", "", NO_VALUE),)),
        (evidence("device"), [], (Dropped("device", "", NO_VALUE),)),
        (evidence("quantumLeap", name="x"), [], (Dropped("quantum leap", "", NO_HUNT),)),
    ],
    ids=lambda value: value["@odata.type"].rsplit(".", 1)[-1] if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_is_an_indicator_or_a_device_is_hunted(
    item: dict[str, Any], hunted: list[str], dropped: tuple[Dropped, ...]
) -> None:
    """And the rest of the piece is named."""
    found = of(item)

    assert (hunted, dropped) == ([entity.key for entity in found.entities], found.dropped)
    assert 0 == count_unreadable([item])


@pytest.mark.fault("A7", before="(): an account, a mailbox or a process of Sentinel's was passed over")
@pytest.mark.parametrize(
    ("item", "hunted", "dropped"),
    [
        ({"kind": "Account", "properties": {"accountName": "svc"}}, [], (Dropped("account", "svc", NO_HUNT),)),
        ({"kind": "MailMessage", "properties": {"subject": "Invoice", "senderIP": "203.0.113.9", "urls": ["https://evil.example/a"],
            "p2SenderDomain": "sender.example", "recipient": "a@contoso.com"}},
            ["ip:203.0.113.9", "url:evil.example/a", "domain:sender.example"], (Dropped("mail message", "Invoice", NO_HUNT),)),
        ({"kind": "File", "properties": {"fileName": "a.exe", "fileHashEntityIds": ["e1"]}}, [], ()),
        ({"kind": "File", "properties": {"fileName": "a.exe"}}, [], (Dropped("file", "a.exe", NO_HASH),)),
        ({"kind": "Process", "properties": {"commandLine": "whoami", "imageFileEntityId": "e2"}}, [], ()),
        ({"kind": "Process", "properties": {"commandLine": "whoami"}}, [], (Dropped("process", "whoami", NO_HUNT),)),
        ({"kind": "Malware", "properties": {"malwareName": "Emotet"}}, [], (Dropped("malware", "Emotet", NO_HUNT),)),
        ({"kind": "Ip", "properties": None}, [], (Dropped("ip", "", NO_VALUE),)),
        ({"kind": "FileHash", "properties": {"hashValue": SHA256, "algorithm": "SHA256AC"}}, [], (Dropped("fileHash", SHA256, NO_HASH),)),
        ({"kind": "Unheard", "properties": {}}, [], (Dropped("unheard", "", NO_HUNT),)),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_every_kind_of_sentinels_is_hunted_or_named(
    item: dict[str, Any], hunted: list[str], dropped: tuple[Dropped, ...]
) -> None:
    """A file whose hashes stand beside it is hunted by those."""
    found = from_entities([item], Limits(), private=False)

    assert (hunted, dropped) == ([entity.key for entity in found.entities], found.dropped)


def test_sentinels_kinds_are_those_of_its_reference() -> None:
    """Azure's "entities reference", in lower case; `dns` is how alerts write DnsResolution."""
    wanted = (
        "account azureresource bookmark cloudapplication dns dnsresolution file filehash host iotdevice ip mailbox mailcluster "
        "mailmessage malware nic process registrykey registryvalue securityalert securitygroup submissionmail url"
    )

    assert wanted.split() == sorted(ENTITIES)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"verdict": "malicious", "roles": ["contextual"], "remediationStatus": "blocked"}, {"verdict": "suspicious", "roles": ["attacker"]}),
        ({"roles": ["commandAndControl"]}, {"roles": ["destination"]}),
        ({"roles": ["attacker", "contextual"]}, {"roles": []}),
        ({"roles": ["destination"]}, {"roles": ["contextual"]}),
        ({}, {"roles": ["contextual"]}),
        ({"roles": None, "remediationStatus": "active"}, {"remediationStatus": "remediated"}),
        ({"remediationStatus": "notFound"}, {"remediationStatus": "prevented"}),
        ({"roles": "attacker"}, {"roles": ["contextual"]}),
    ],
)  # fmt: skip
def test_roles_and_remediation_count_in_the_order(better: dict[str, Any], worse: dict[str, Any]) -> None:
    """The verdict first, then who attacks before what is only context, then what is not over."""
    first, last = (evidence("ip", **({"verdict": "unknown", "ipAddress": address} | fields)) for address, fields in
        (("203.0.113.1", better), ("203.0.113.2", worse)))  # fmt: skip

    assert ["203.0.113.1", "203.0.113.2"] == [one.value for one in of(last, first).indicators]


def test_a_device_known_from_a_session_is_one_device() -> None:
    """With the evidence that has its id, it is hunted once."""
    session = evidence("hostLogonSession", host={"mdeDeviceId": "0f" * 20, "deviceDnsName": "srv-7"})

    assert (Device("0f" * 20, "srv-7", "Linux"),) == of(
        session, evidence("device", mdeDeviceId="0f" * 20, osPlatform="Linux")
    ).devices
    assert (Indicator("ip", "203.0.113.9"),) == of(evidence("IP", ipAddress="203.0.113.9")).indicators
