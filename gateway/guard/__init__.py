"""The guard of resource services: who signed this, and may they? Without Flask, so that another service can use it.

`proof` and the signatures are what the gateway's own wire authenticates by, too: there is one way to verify a caller.
"""
