"""Two good hunt files, and mistakes that people make in them, one at a time."""

from __future__ import annotations

from typing import NamedTuple

DEVICE = """\
id: 0b54e7b2-0000-4000-8000-000000000000
name: An archive in a folder for temporary files
version: 1.0.0
description: Finds archives.
tactics:
  - Collection
relevantTechniques:
  - T1560.001
metadata:
  author:
    name: Ada
query: |
  let Archives =
      DeviceProcessEvents
      | where FileName in~ ("tar", "zip");
  Archives
  | join kind=inner (
      DeviceNetworkEvents
      | where RemoteIPType == "Public"
      | project DeviceId, NetTime = Timestamp, RemoteIP
  ) on DeviceId
  | project Timestamp, NetTime, DeviceName, FileName, ProcessCommandLine, RemoteIP, DeviceId
  | order by Timestamp desc
enrichment:
  entity: device
  appliesTo:
    osPlatform: [Linux]
    deviceType: [Server]
  role: finding
  severity: high
  lookback: P7D
  columns: [DeviceName, FileName, RemoteIP]
  prevalence: RemoteIP
  means: Something was packed.
  falsePositives:
    - Backups
  blindSpots:
    - Other tools
  nextSteps:
    - Look at the archive.
  sweep:
    summarize: |
      | summarize Runs = count(), FirstSeen = min(Timestamp) by DeviceId, DeviceName, FileName
    new: FirstSeen
    comment: true
"""

INDICATOR = """\
id: 0b54e7b2-0000-4000-8000-000000000000
name: Who spoke to an address
version: 1.0.0
tactics: [CommandAndControl]
relevantTechniques: [T1071]
query: |
  DeviceNetworkEvents
  | where RemoteIP in (_IpAddresses)
  | extend Indicator = RemoteIP
  | project Timestamp, DeviceName, Indicator, DeviceId
enrichment:
  entity: indicator
  kinds: [ip]
  columns: [Indicator, DeviceName]
  means: The address was spoken to.
  falsePositives: [Scanners]
  blindSpots: [Devices without a sensor]
  nextSteps: [Look the address up.]
"""


class Mistake(NamedTuple):
    """
    What is written, *new*, in the place of *old* in a good file, and what is said about it.

    `at` is the text at whose first character the problem is said to be, and `said` the beginning of its text. `refused` tells
    whether the app refuses the file, and `schema` whether an editor marks it, by the schema.
    """

    old: str
    new: str
    at: str
    said: str
    refused: bool = True
    schema: bool = False
    text: str = DEVICE
    name: str = ""


def _warned(
    old: str, new: str, at: str, said: str, *, schema: bool = False, text: str = DEVICE, name: str = ""
) -> Mistake:
    return Mistake(old, new, at, said, refused=False, schema=schema, text=text, name=name)


MISTAKES = {
    # The file and its keys
    "a tab": Mistake("  role:", "\trole:", "\trole", "write spaces for this tab"),
    "a value indented by a tab": Mistake("  - Collection", "\t- Collection", "\t- Coll", "write spaces for this tab"),
    "less indentation": Mistake("  appliesTo:\n", " appliesTo:\n", " appliesTo", "did not find expected key: indent the line"),
    "more indentation": Mistake("  role: finding", "   role: finding", "   role", "did not find expected key: indent"),
    "a colon in a value": Mistake("Something was", "Read this: something was", ": something", "mapping values are not allowed in this context: indent the line as the others of its block, or write a value that holds a colon in quotes"),
    "an open list": Mistake("[Linux]", "[Linux", ": [Server", "did not find expected ',' or ']': close the list"),
    "an open quote": Mistake("means: Some", 'means: "Some', "", "found unexpected end of stream: close the quote"),
    "a key without a blank": Mistake("role: finding\n  severity", "role:finding\n  severity", "role:finding", "could not find expected ':': write a colon and a blank after the key"),
    "a query in the first column": Mistake("query: |\n  let Archives", "query: |\nlet Archives", "let Archives", "the block under `query: |` ends before this line: indent it by 2 spaces, as the rest of the query"),
    "a line of the query in the first column": Mistake("  | order by", "| order by", "| order by", "the block under `query: |` ends before this line: indent it by 2 spaces"),
    "a first line of the query that is indented more": Mistake("  let Archives", "    let Archives", "Archives\n  | join", "the block under `query: |` ends before this line: indent it by 4 spaces"),
    "a line of the sweep that is indented less": Mistake("comment: true\n", "", "| where Runs", "the block under `summarize: |` ends before this line: indent it by 6 spaces", text=DEVICE.replace("    new: FirstSeen", "    | where Runs > 1\n    new: FirstSeen")),
    "a text of the block in the first column": Mistake("  means:", "means:", "means:", "means: belongs into the enrichment block: indent it"),
    "a severity in the first column": Mistake("  severity:", "severity:", "severity:", "severity: belongs into the enrichment block: indent it"),
    "a list of the block in the first column": Mistake("  falsePositives:", "falsePositives:", "falsePositives:", "falsePositives: belongs into the enrichment block: indent it"),
    "a system outside of appliesTo": Mistake("  appliesTo:\n    osPlatform: [Linux]\n", "  osPlatform: [Linux]\n  appliesTo:\n", "osPlatform", "enrichment.osPlatform: unknown; there are entity, allow, kinds, binds, appliesTo, role, severity, lookback, lookahead, maxWindow, columns, prevalence, means, falsePositives, blindSpots, nextSteps, sweep; it belongs below appliesTo: indent it more", schema=True),
    "a system outside of the block": Mistake("    osPlatform: [Linux]\n", "", "osPlatform", "osPlatform: belongs below appliesTo in the enrichment block: indent it", schema=True, text=DEVICE + "osPlatform: [Linux]\n"),
    "a role within appliesTo": Mistake("  role: finding", "    role: finding", "role: f", "enrichment.appliesTo.role: unknown; there are osPlatform, deviceType; it belongs into enrichment itself: indent it less", schema=True),
    "a key twice": Mistake("version: 1.0.0\n", "version: 1.0.0\nversion: 1.1.0\n", "version: 1.1.0", "write the key version once"),
    "a key twice in the block": Mistake("  role: finding", "  severity: low", "severity: high", "write the key severity once"),
    "two documents": Mistake("enrichment:\n", "---\nenrichment:\n", "---", "write one document a file"),
    "an anchor": Mistake("[Linux]", "&os [Linux]", "&os", "write out what is repeated"),
    "a misspelt block": Mistake("enrichment:\n", "enrichement:\n", "enrichement:", "enrichement: unknown; did you mean enrichment?", schema=True),
    "a misspelt query": Mistake("query: |", "querry: |", "querry", "querry: unknown; did you mean query?", schema=True),
    "a misspelt list of techniques": Mistake("relevantTechniques:", "relevantTechnique:", "relevantTechnique:", "relevantTechnique: unknown; did you mean relevantTechniques?", schema=True),
    "a key in capitals": Mistake("tactics:", "Tactics:", "Tactics", "Tactics: unknown; did you mean tactics?", schema=True),
    "a key of the block outside of it": Mistake("  role: finding\n", "", "role: finding", "role: belongs into the enrichment block: indent it", schema=True, text=DEVICE + "role: finding\n"),
    "a misspelt key of the block": Mistake("  lookback:", "  lookBack:", "lookBack", "enrichment.lookBack: unknown; there are", schema=True),
    "a misspelt key of appliesTo": Mistake("osPlatform:", "osPlatforms:", "osPlatforms", "enrichment.appliesTo.osPlatforms: unknown; there are osPlatform, deviceType; did you mean osPlatform?", schema=True),
    "a misspelt key of the sweep": Mistake("    new:", "    News:", "News", "enrichment.sweep.News: unknown; there are", schema=True),
    "a key that is not read": _warned("metadata:", "author: Ada\nmetadata:", "author: Ada", "author: unknown, and not read", schema=True),
    "a key that is nearly one": _warned("description:", "descripton:", "descripton", "descripton: unknown, and not read; did you mean description?", schema=True),
    # Texts
    "no name": Mistake("name: An archive in a folder for temporary files\n", "", "id:", "name: is missing", schema=True),
    "an empty name": Mistake("name: An archive in a folder for temporary files", "name: ' '", "' '", "name: write a title", schema=True),
    "an id that is no GUID": Mistake("id: 0b54e7b2-", "id: hunt-", "hunt-", "id: write a GUID", schema=True),
    "no id": _warned("id: 0b54e7b2-0000-4000-8000-000000000000\n", "", "name:", "id: write a GUID, so that"),
    "the id of a shipped hunt": Mistake("0b54e7b2-0000-4000-8000-000000000000", "9e27b4a0-61cf-4c38-a5d9-3d80f4e6b712", "9e27b4a0", "id: 9e27b4a0-61cf-4c38-a5d9-3d80f4e6b712 is that of device-card"),
    "the id of a shipped hunt beside another mistake": Mistake("0b54e7b2-0000-4000-8000-000000000000", "9e27b4a0-61cf-4c38-a5d9-3d80f4e6b712", "9e27b4a0", "id: 9e27b4a0-61cf-4c38-a5d9-3d80f4e6b712 is that of device-card", text=DEVICE.replace("columns: [DeviceName", "columns: [DevicName")),
    "a version with a blank": Mistake("version: 1.0.0", "version: 1 0", "1 0", "version: write a version such as 1.0.0", schema=True),
    "a version in words": _warned("version: 1.0.0", "version: draft", "draft", "version: write numbers with dots", schema=True),
    "smart quotes in a text": _warned("means: Something was packed.", "means: “Something was packed.”", "“Some", "enrichment.means: write straight quotes"),
    "nothing that says what rows mean": _warned("  means: Something was packed.\n", "", "entity: device", "enrichment.means: write means"),
    "no blind spots": _warned("  blindSpots:\n    - Other tools\n", "", "entity: device", "enrichment.blindSpots: write blindSpots"),
    "a text for a list": Mistake("falsePositives: [Scanners]", "falsePositives: Scanners", "Scanners", "enrichment.falsePositives: write a list, as in [a, b]", schema=True, text=INDICATOR),
    # ATT&CK
    "a tactic in words": _warned("  - Collection", "  - Lateral Movement", "Lateral Movement", "tactics[0]: Lateral Movement is no tactic of ATT&CK 18.1: write LateralMovement", schema=True),
    "a misspelt tactic": _warned("  - Collection", "  - Colection", "Colection", "tactics[0]: Colection is no tactic of ATT&CK 18.1: write Collection", schema=True),
    "no tactic at all": _warned("tactics:\n  - Collection\n", "", "id:", "tactics: write tactics"),
    "a technique that was withdrawn": _warned("T1560.001", "T1086", "T1086", "relevantTechniques[0]: T1086 was withdrawn: write T1059.001 (Command and Scripting Interpreter: PowerShell)", schema=True),
    "a technique that nobody knows": _warned("T1560.001", "T1560.009", "T1560.009", "relevantTechniques[0]: T1560.009 is no technique of ATT&CK 18.1: the nearest is T1560 (Archive Collected Data)", schema=True),
    "a technique with a wrong digit": _warned("T1560.001", "T1860", "T1860", "relevantTechniques[0]: T1860 is no technique of ATT&CK 18.1: the nearest is T1560 (Archive Collected Data)", schema=True),
    "a technique with two digits swapped": _warned("T1560.001", "T1650.001", "T1650", "relevantTechniques[0]: T1650.001 is no technique of ATT&CK 18.1: the nearest is T1560.001", schema=True),
    "a technique by its name": _warned("T1560.001", "Archive Collected Data", "Archive Coll", "relevantTechniques[0]: Archive Collected Data is no id of a technique of ATT&CK 18.1: the nearest is T1560", schema=True),
    "a technique in small letters": _warned("T1560.001", "t1560.001", "t1560", "relevantTechniques[0]: write T1560.001", schema=True),
    "a technique of another tactic": _warned("T1560.001", "T1490", "T1490", "relevantTechniques[0]: T1490 (Inhibit System Recovery) is of Impact: add one to tactics"),
    # Whom it is for
    "a misspelt system": Mistake("[Linux]", "[Lunix]", "Lunix", "enrichment.appliesTo.osPlatform[0]: no device is called Lunix: write Linux", schema=True),
    "a system with a blank": Mistake("[Linux]", "[Windows 11]", "Windows 11", "enrichment.appliesTo.osPlatform[0]: no device is called Windows 11: write Windows11", schema=True),
    "smart quotes around a system": Mistake("[Linux]", "[“Linux”]", "“Linux", "enrichment.appliesTo.osPlatform[0]: no device is called “Linux”: write Linux", schema=True),
    "a system that is none": _warned("[Linux]", "[Solaris]", "Solaris", "enrichment.appliesTo.osPlatform[0]: Solaris is none of the names", schema=True),
    "a misspelt type of device": Mistake("[Server]", "[Servers]", "Servers", "enrichment.appliesTo.deviceType[0]: no device is called Servers: write Server", schema=True),
    "a text for the list of systems": Mistake("[Linux]", "Linux", "Linux\n", "enrichment.appliesTo.osPlatform: write a list", schema=True),
    "an entity that is none": Mistake("entity: device", "entity: account", "account", "enrichment.entity: Invalid enum value 'account'; write one of device, indicator", schema=True),
    "kinds of a device hunt": Mistake("  role:", "  kinds: [ip]\n  role:", "kinds", "enrichment.kinds: is for indicator hunts", schema=True),
    "no kinds of an indicator hunt": Mistake("  kinds: [ip]\n", "", "entity: indicator", "enrichment.kinds: an indicator hunt needs one", schema=True, text=INDICATOR),
    "a kind that is none": Mistake("kinds: [ip]", "kinds: [ipAddress]", "ipAddress", "enrichment.kinds[0]: Invalid enum value 'ipAddress'; write one of", schema=True, text=INDICATOR),
    "a kind that the query does not use": Mistake("kinds: [ip]", "kinds: [ip, url]", "[ip, url]", "enrichment.kinds: has url if, and only if, the query uses _Urls", text=INDICATOR),
    "systems of an indicator hunt": Mistake("  kinds: [ip]\n", "  kinds: [ip]\n  appliesTo: {osPlatform: [Linux]}\n", "appliesTo", "enrichment.appliesTo: is for device hunts", schema=True, text=INDICATOR),
    # How much, and how long
    "a severity that is none": Mistake("severity: high", "severity: critical", "critical", "enrichment.severity: Invalid enum value 'critical'; write one of high, medium, low", schema=True),
    "a role that is none": Mistake("role: finding", "role: baseline", "baseline", "enrichment.role: Invalid enum value 'baseline'; write one of finding, context", schema=True),
    "a duration in KQL": Mistake("lookback: P7D", "lookback: 7d", "7d", "enrichment.lookback: Invalid ISO8601 duration; write one such as P1D or PT6H", schema=True),
    "a duration of months": Mistake("lookback: P7D", "lookback: P1Y", "P1Y", "enrichment.lookback: Only units 'D', 'H', 'M', and 'S' are supported when parsing ISO8601 durations; write one such as P1D or PT6H", schema=True),
    "a window of 31 days": Mistake("lookback: P7D", "lookback: P31D", "P31D", "enrichment.lookback: must be more than nothing and at most P30D"),
    "a window longer than the longest": Mistake("lookback: P7D", "lookback: P10D", "entity: device", "enrichment.maxWindow: must be as long as lookback, P10D"),
    # Columns
    "a misspelt column": Mistake("columns: [DeviceName", "columns: [DevicName", "DevicName", "enrichment.columns[0]: the query returns no column DevicName, but"),
    "a column of the table alone": Mistake("FileName, RemoteIP]", "AccountName, RemoteIP]", "AccountName", "enrichment.columns[1]: the query returns no column AccountName"),
    "a value that is not counted": Mistake("prevalence: RemoteIP", "prevalence: RemotePort", "RemotePort", "enrichment.prevalence: write one of", schema=True),
    "a counted value that is not shown": Mistake("FileName, RemoteIP]", "FileName]", "RemoteIP\n  means", "enrichment.prevalence: add RemoteIP to columns"),
    "rows without the indicator": Mistake("DeviceName, Indicator, DeviceId\n", "DeviceName, DeviceId\n", "|\n  DeviceN", "query: return a column Indicator, which says what each row matched; its last operator leaves it out", text=INDICATOR),
    "rows of nobody": _warned("  | order by Timestamp desc\n", "  | summarize Runs = count() by FileName, RemoteIP\n", "|\n  let", "query: its rows have neither DeviceId nor DeviceName", text=DEVICE.partition("  sweep:")[0].replace("[DeviceName, ", "[")),
    # Sweeps
    "a sweep's count for its time": Mistake("new: FirstSeen", "new: Runs", "Runs\n", "enrichment.sweep.new: must be a time, and Runs is none: name a column such as FirstSeen = min(Timestamp)"),
    "a sweep's device for its time": Mistake("new: FirstSeen", "new: DeviceName", "DeviceName\n    comment", "enrichment.sweep.new: must be a time"),
    "a sweep's time that is not there": Mistake("new: FirstSeen", "new: Timestamp", "Timestamp\n    comment", "enrichment.sweep.new: must be a column of the sweep's rows, which are DeviceId"),
    "neither true nor false": Mistake("comment: true", "comment: maybe", "maybe", "enrichment.sweep.comment: write true or false", schema=True),
    # The query
    "smart quotes in the query": Mistake('"Public"', "“Public”", "“Public", 'query: write " in the place of “'),
    "a bracket that is not closed": Mistake('("tar", "zip");', '("tar", "zip";', '("tar"', "query: close this ("),
    "a string that is not closed": Mistake('"Public"', '"Public', '"Public', "query: close this string"),
    "an invisible character": Mistake("RemoteIPType ==", "RemoteIPType\u200b ==", "\u200b", "query: remove the invisible character U+200B"),
    "a table of storage in a device hunt": Mistake("      DeviceProcessEvents", "      CloudStorageAggregatedEvents", "CloudStorageAggregatedEvents", "query: CloudStorageAggregatedEvents has no DeviceId: leave it out, or write a hunt with entity: indicator"),
    "a table that nobody has": Mistake("      DeviceProcessEvents", "      DeviceProcesEvents", "DeviceProcesEvents", "query: DeviceProcesEvents is neither declared"),
    "a join on a constant": _warned(") on DeviceId", ") on 1", "join", "query: this join is on a constant"),
    "a join without a kind": _warned("join kind=inner (", "join (", "join", "query: a join without a kind keeps one of several equal rows"),
    "a join of the fleet": _warned(") on DeviceId", ") on $left.FileName == $right.RemoteIP", "join", "query: a sweep would join rows of one device with those of another"),
    "a join of two whole tables": _warned('  Archives\n  | join kind=inner (\n      DeviceNetworkEvents\n      | where RemoteIPType == "Public"\n      | project DeviceId, NetTime = Timestamp, RemoteIP\n  ) on DeviceId\n', "  DeviceProcessEvents\n  | join kind=inner DeviceNetworkEvents on DeviceId\n  | extend NetTime = Timestamp1\n", "join", "query: this join reads all of DeviceNetworkEvents"),
    "a hash that is looked for within texts": _warned('in~ ("tar", "zip");', f'in~ ("tar", "zip")\n      | where SHA1 contains "{"a" * 40}";', "contains", "query: contains looks through every text"),
    "an expression for all rows": _warned('| where FileName in~ ("tar", "zip");', '| where ProcessCommandLine matches regex "t[a-z]r";', "matches", "query: this expression is tried on every row of the table"),
    "a long range": _warned("  let Archives", "  let Many = range n from 1 to 100000000 step 1;\n  let Archives", "range n", "query: this range makes over 1,000,000 rows"),
    "a function that is none": Mistake("| where FileName in~", "| where tolowr(FileName) in~", "(FileName) in~", "query: tolowr() is neither declared"),
    # The file's name
    "an ending in capitals": _warned("", "", "", "call the file an-ending-in-capitals.yaml", name="an-ending-in-capitals.YAML"),
    "a short ending": _warned("", "", "", "call the file a-short-ending.yaml", name="a-short-ending.yml"),
    "a name with blanks": _warned("", "", "", "call the file a-name-with-blanks.yaml", name="A name with blanks.yaml"),
    "a name in another alphabet": Mistake("", "", "", "name the file with letters a to z", name="調査.yaml"),
    "the name of a shipped hunt": Mistake("", "", "", "the name device-card is taken by another file", name="device-card.yaml"),
}  # fmt: skip

#: What Microsoft's parser sees, and nobody else.
PARSERS = {
    "a misspelt column of the query": Mistake('RemoteIPType == "Public"', 'RemoteIpType == "Public"', "RemoteIpType", "query: The name 'RemoteIpType' does not refer to any known column, table, variable or function. (KS142); did you mean RemoteIPType?"),
    "a misspelt column of the query and the block": Mistake("FileName, ProcessCommandLine, RemoteIP, DeviceId", "FileNam, ProcessCommandLine, RemoteIP, DeviceId", "FileNam,", "query: The name 'FileNam' does not refer to any known column, table, variable or function. (KS142); did you mean FileName?"),
    "a column that the query left out before": Mistake("  | order by Timestamp desc", "  | where RemotePort == 443", "RemotePort", "query: The name 'RemotePort' does not refer to any known column, table, variable or function. (KS142): a table that is read has it, but an operator before this leaves it out"),
    "a function with too many arguments": Mistake("| where FileName in~", "| where tolower(FileName, 1) in~", "tolower", "query: The function 'tolower' expects 1 argument"),
    "a text for a number": Mistake('in~ ("tar", "zip");', 'in~ ("tar", "zip") and ProcessId > "a";', '> "a"', "query: The operator '>' is not defined"),
    "a sweep's column that is not there": Mistake("by DeviceId, DeviceName, FileName\n", "by DeviceId, DeviceName, FileNam\n", "FileNam\n", "enrichment.sweep.summarize: The name 'FileNam' does not refer"),
    "a sweep's text for its time": Mistake("FirstSeen = min(Timestamp) by", "FirstSeen = min(RemoteIP) by", "FirstSeen\n", "enrichment.sweep.new: must be a time, and FirstSeen is of type string"),
    "a sweep without the device": Mistake("by DeviceId, DeviceName, FileName\n", "by DeviceName, FileName\n", "", "enrichment.sweep.summarize: keep DeviceId, so that"),
    "a column that only the parser can tell": Mistake("  | project Timestamp, NetTime, DeviceName, FileName, ProcessCommandLine, RemoteIP, DeviceId\n", "", "NetName", "enrichment.columns[1]: the query returns no column NetName", text=DEVICE.replace("FileName, RemoteIP]", "NetName, RemoteIP]")),
}  # fmt: skip
