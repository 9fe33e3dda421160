"""A small object service that speaks OSS's wire and keeps neither keys nor policies: the gateway decides.

A request goes through `request` (read it in one way only), `operations` (what is asked for), `signing` (what must have
been signed), `gatekeeper` (whose signature is it, and may they?), `actions`, `bodies` and `storage` (do it), `answers`.
"""
