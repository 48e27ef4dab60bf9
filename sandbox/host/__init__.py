"""
The Azure Functions host on this machine: it starts the app as Azure does, and calls its functions.

Begin with `serve.run`. `instance.Host` is one instance of the app. Its functions run in a process of their own,
the worker: `worker` is the host's side of it, `worker_process` the side of Microsoft's library, and `frames` what they
say to each other. `http_trigger`, `queue_trigger` and `timer_trigger` are the triggers; `queue_service` is the
storage account's queues, and `queue_rest` the format of its calls; `processes` starts a tenant and the app side
by side. Knows nothing of hunts.
"""
