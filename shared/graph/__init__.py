"""
Microsoft Graph security: incidents, their comments, and hunting queries.

Begin with `client.Graph`, the only class that calls Graph. `answers` turns Graph's responses into values or
into the errors of `shared.errors`, `pace` spaces hunting queries by the tenant's quota, and `sdk` configures
Microsoft's SDK. May import `model`.
"""
