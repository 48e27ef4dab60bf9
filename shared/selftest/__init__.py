"""
Check what the app needs of its environment, one need at a time, for `GET /api/selftest`.

Begin with `needs.check`. `graph` checks what the app needs of Microsoft Graph, `watching` whether the
watch looks, for `GET /api/health`, too; `need` is the result for one need, and `by_hand` what no check can tell.
"""
