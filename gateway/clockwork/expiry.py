"""The jobs that tell accounts of things that lapse."""

from gateway.directory.expiry_delivery import plan_all, send_due
from gateway.services import Services


def plan_expiry_notices(services: Services) -> None:
    plan_all(services.expiry_teller)


def send_expiry_notices(services: Services) -> None:
    send_due(services.expiry_teller)
