"""
Incidents of Defender and Microsoft Sentinel: read one, comment on it once, and decide when to wait for that.

`reading` gives both products' incidents one form. `posting` decides whether to comment; `defender` and
`sentinel` post. `waiting` turns an error into a wait or an end. Used by `enrichment`, `sweep` and the watch.
"""
