"""
What the app needs of its surroundings, tried one by one, for `GET /api/selftest`.

Begin with `needs.check`. `graph` tries what is Microsoft Graph's.
"""
