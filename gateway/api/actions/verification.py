"""Verified phone numbers and addresses on the wire."""

from gateway.api.action import AnyAction

ACTIONS: tuple[AnyAction, ...] = ()
