"""Resources that outlive the user who made them on the wire."""

from gateway.api.action import AnyAction

ACTIONS: tuple[AnyAction, ...] = ()
