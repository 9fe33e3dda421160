"""Policy attachments on the wire."""

from gateway.api.action import AnyAction

ACTIONS: tuple[AnyAction, ...] = ()
