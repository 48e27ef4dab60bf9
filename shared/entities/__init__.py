"""
Turn what an incident or a caller names into the devices and indicators to hunt for.

`request` reads the bodies of API calls, `defender` the evidence of Defender incidents, `sentinel` the
entities of Sentinel incidents. The last two pass what they read to `choosing`, which drops duplicates and
whatever should not be hunted, with the reason. `indicators` converts an address, URL, domain or hash into the
form in which it is hunted. May import `model`.
"""
