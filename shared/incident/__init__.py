"""
An incident, whichever product holds it: read it, comment on it once, and decide when to wait for that.

`reading` gives planning one view of Defender's and of Sentinel's incidents; `posting` says what was found, once;
`waiting` turns an error into a wait or an end. Used by `enrichment`, `sweep` and the watch.
"""
