"""
The Azure Functions host on this machine: it starts the app as Azure does, and calls its functions.

Begin with `serve.run`. `instance.Host` is one instance of the app; `worker` drives Microsoft's worker
library; `http_trigger`, `queue_trigger` and `schedules` are the triggers; `queue_service` is the storage
account's queues, and `queue_rest` the format of its calls; `processes` starts a tenant and the app side by
side. Knows nothing of hunts.
"""
