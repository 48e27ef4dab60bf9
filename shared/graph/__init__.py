"""
Microsoft Graph security: incidents, their comments, and hunting queries.

Begin with `client.Graph`, the only class that calls Graph. `answers` turns what Graph sends into values or into the
errors of `shared.errors`; `pace` spaces hunting calls by the tenant's quota. May import `model`.
"""
