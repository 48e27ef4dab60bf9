"""
Microsoft Graph security: incidents, their comments, and hunting queries.

Begin with `client.Graph`, the only class that calls Graph. `answers` turns Graph's responses into values or
into the errors of `shared.errors`, and `sdk` configures Microsoft's SDK; when a hunting query may be sent, it asks a
`shared.pace.Quota`. May import `model`.
"""
