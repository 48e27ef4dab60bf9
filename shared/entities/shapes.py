"""
What an incident can hold, as two tables: Graph's types of evidence, and Sentinel's kinds of entity.

For each there is its name for people, the fields that name one of them, and the fields that are hunted. What no hunt
takes is named as *not looked at*, so that nothing of an incident is passed over without a word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .fields import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How a field is read: as an indicator of that kind (`any` guesses it), as an object with a file's hashes, as a device,
#: or as the domain of whoever sent a mail, or of the address that names them.
How = Literal["ip", "any", "domain", "fileHash", "hashes", "device", "sender"]

#: Characters of a type that is not known, and of what one is called.
_LONGEST, _LONGEST_NAME = 60, 255
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Shape(NamedTuple):
    """
    One type of evidence, or kind of entity.

    `named` and `hunted` are paths: `a.b` is the field b of the object a, and `a[]` each item of the list a. Of `named`,
    the first that holds text counts. `whole` says that nothing is left to look at once something of it is hunted,
    and `beside` is the field that names entities which stand beside it and are hunted on their own.
    """

    noun: str
    named: tuple[str, ...] = ()
    hunted: tuple[tuple[str, How], ...] = ()
    whole: bool = True
    beside: str = ""

    def name_of(self, item: Any) -> str:
        """Return what one is called, in at most 255 characters; '' where no field says."""
        found = (text_of(value) for path in self.named for value in values_at(item, path))
        return next(filter(None, found), "")[:_LONGEST_NAME]


def _unhunted(noun: str, *named: str) -> Shape:
    return Shape(noun, named)


_ACCOUNT = ("userPrincipalName", "accountName", "displayName", "userSid", "azureAdUserId")

#: By Graph's type (v1.0, `microsoft.graph.security.…Evidence`) without that ending.
_EVIDENCE: dict[str, Shape] = {
    "device": Shape("device", (), ((".", "device"),)),
    "ip": Shape("ip", ("ipAddress",), (("ipAddress", "ip"),)),
    "url": Shape("url", ("url",), (("url", "any"),)),
    # hostIpAddress asked, and dnsServerIp answered: neither is what the name stands for.
    "dns": Shape("domain", ("domainName",), (("domainName", "domain"), ("ipAddresses[].ipAddress", "ip"))),
    "networkConnection": Shape("network connection", ("destinationAddress.ipAddress", "sourceAddress.ipAddress"),
        (("destinationAddress.ipAddress", "ip"), ("sourceAddress.ipAddress", "ip"))),
    "file": Shape("file", ("fileDetails.fileName",), (("fileDetails", "hashes"),)),
    "fileHash": Shape("fileHash", ("value",), ((".", "fileHash"),)),
    "malware": Shape("malware", ("name", "category"), (("files[].fileDetails", "hashes"), ("processes[].imageFile", "hashes"))),
    "process": Shape("process", ("imageFile.fileName", "processCommandLine"), (("imageFile", "hashes"),)),
    "blob": Shape("blob", ("name", "url"), (("fileHashes[]", "fileHash"),)),
    "hostLogonSession": Shape("account", tuple(f"account.userAccount.{name}" for name in _ACCOUNT), (("host", "device"),), whole=False),
    "analyzedMessage": Shape("mail message", ("subject", "networkMessageId"),
        (("senderIp", "ip"), ("urls[]", "any"), ("p1Sender.domainName", "sender"), ("p2Sender.domainName", "sender")), whole=False),
    "submissionMail": Shape("reported mail", ("subject", "networkMessageId"), (("senderIp", "ip"), ("sender", "sender")), whole=False),
    "teamsMessage": Shape("Teams message", ("subject", "messageId"),
        (("senderIP", "ip"), ("urls[].url", "any"), ("files[].fileDetails", "hashes"), ("senderFromAddress", "sender")), whole=False),
    "mailCluster": _unhunted("mail cluster", "clusterByValue", "query"),
    "user": _unhunted("account", *(f"userAccount.{name}" for name in _ACCOUNT)),
    "mailbox": _unhunted("mailbox", "primaryAddress", "upn", "displayName"),
    "mailboxConfiguration": _unhunted("mailbox setting", "mailboxPrimaryAddress", "upn", "displayName"),
    "cloudLogonSession": _unhunted("cloud session", *(f"account.userAccount.{name}" for name in _ACCOUNT), "sessionId"),
    "cloudLogonRequest": _unhunted("cloud sign-in", "requestId"),
    "cloudApplication": _unhunted("cloud app", "displayName", "appId"),
    "oauthApplication": _unhunted("OAuth app", "displayName", "appId", "objectId"),
    "servicePrincipal": _unhunted("service principal", "servicePrincipalName", "appId", "servicePrincipalObjectId"),
    "aiAgent": _unhunted("AI agent", "agentName", "agentId"),
    "activeDirectoryDomain": _unhunted("Active Directory domain", "activeDirectoryDomainName"),
    "securityGroup": _unhunted("security group", "displayName", "friendlyName", "securityGroupId", "sid"),
    "registryKey": _unhunted("registry key", "registryKey"),
    "registryValue": _unhunted("registry value", "registryValueName", "registryKey"),
    "azureResource": _unhunted("Azure resource", "resourceName", "resourceId"),
    "amazonResource": _unhunted("AWS resource", "resourceName", "amazonResourceId"),
    "googleCloudResource": _unhunted("Google Cloud resource", "resourceName", "fullResourceName"),
    "blobContainer": _unhunted("blob container", "name", "url"),
    "sasToken": _unhunted("SAS token", "signatureHash"),
    "container": _unhunted("container", "name", "containerId"),
    "containerImage": _unhunted("container image", "imageId"),
    "containerRegistry": _unhunted("container registry", "registry"),
    "kubernetesCluster": _unhunted("Kubernetes cluster", "name"),
    "kubernetesController": _unhunted("Kubernetes controller", "name"),
    "kubernetesNamespace": _unhunted("Kubernetes namespace", "name"),
    "kubernetesPod": _unhunted("Kubernetes pod", "name"),
    "kubernetesSecret": _unhunted("Kubernetes secret", "name"),
    "kubernetesService": _unhunted("Kubernetes service", "name"),
    "kubernetesServiceAccount": _unhunted("Kubernetes service account", "name"),
    "ioTDevice": _unhunted("IoT device", "deviceName", "deviceId"),
    "nic": _unhunted("network adapter", "macAddress"),
    "gitHubOrganization": _unhunted("GitHub organization", "displayName", "login"),
    "gitHubRepo": _unhunted("GitHub repository", "login", "repoId"),
    "gitHubUser": _unhunted("GitHub user", "login", "name"),
}  # fmt: skip

#: The same in lower case, since Graph's own SDK ignores case.
EVIDENCE = {name.lower(): shape for name, shape in _EVIDENCE.items()}

#: By Sentinel's kind in lower case (Azure's "entities reference"); their fields are in lower case, too.
ENTITIES: dict[str, Shape] = {
    "host": Shape("device", (), ((".", "device"),)),
    "ip": Shape("ip", ("address",), (("address", "ip"),)),
    # Analytics rules also map bare domains to this kind.
    "url": Shape("url", ("url",), (("url", "any"),)),
    "dnsresolution": Shape("domain", ("domainname",), (("domainname", "domain"),)),
    "dns": Shape("domain", ("domainname",), (("domainname", "domain"),)),
    "filehash": Shape("fileHash", ("hashvalue", "value"), ((".", "fileHash"),)),
    "file": Shape("file", ("filename", "name"), (("filehashes[]", "fileHash"),), beside="filehashentityids"),
    "mailmessage": Shape("mail message", ("subject", "networkmessageid"),
        (("senderip", "ip"), ("urls[]", "any"), ("p1senderdomain", "sender"), ("p2senderdomain", "sender")), whole=False),
    "submissionmail": Shape("reported mail", ("subject", "networkmessageid"), (("senderip", "ip"), ("sender", "sender")), whole=False),
    "mailcluster": _unhunted("mail cluster", "clusterquerystarttime", "query"),
    "mailbox": _unhunted("mailbox", "mailboxprimaryaddress", "upn", "displayname"),
    "account": _unhunted("account", "userprincipalname", "upn", "accountname", "name", "displayname", "sid", "aaduserid"),
    "cloudapplication": _unhunted("cloud app", "appname", "name", "appid"),
    "malware": Shape("malware", ("malwarename", "name", "category"), beside="fileentityids"),
    "process": Shape("process", ("commandline", "processid"), beside="imagefileentityid"),
    "registrykey": _unhunted("registry key", "key"),
    "registryvalue": _unhunted("registry value", "valuename", "keyentityid"),
    "securitygroup": _unhunted("security group", "distinguishedname", "sid"),
    "azureresource": _unhunted("Azure resource", "resourceid"),
    "iotdevice": _unhunted("IoT device", "devicename", "deviceid"),
    "nic": _unhunted("network adapter", "macaddress"),
    # What an alert or a bookmark is about stands beside it, as entities.
    "securityalert": _unhunted("alert", "alertdisplayname"),
    "bookmark": _unhunted("bookmark", "displayname"),
}  # fmt: skip


def shape_of(name: str, shapes: dict[str, Shape]) -> Shape:
    """Return the shape called *name*; for a type that is not known, one that is called by its own words."""
    return shapes.get(name.lower()) or Shape(_WORDS.sub(" ", name).lower()[:_LONGEST])


def values_at(item: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path of *item*, also where it is not of the type that the path says; nothing for None."""
    if item is None:
        return
    step, _, rest = path.partition(".")
    if not step:
        yield item
        return
    if not isinstance(item, dict):
        yield item
        return
    value = item.get(step.removesuffix("[]"))
    inside = value if step.endswith("[]") and isinstance(value, list) else [value]
    for each in inside:
        if rest:
            yield from values_at(each, rest)
        elif each is not None:
            yield each
