"""
What an incident or a caller names -> the devices and indicators to hunt for.

`request` reads the bodies of our own calls, `defender` the evidence of Defender's incidents, `sentinel` the entities
of Sentinel's. All end in `choosing`, which drops duplicates and whatever should not be hunted, with the reason.
`indicators` brings one address, URL, domain or hash into the form in which it is hunted. May import `model`.
"""
