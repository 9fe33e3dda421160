"""From where users of an account may sign in: the addresses that its security preference lists.

Rule: ram-limits §7, LoginNetworkMasks. It binds RAM users and roles in the browser, by password and through the company
alike. Access keys are not asked, and neither is the account owner: a typing mistake must not shut everybody out.
ASSUMPTION: that the owner is spared; the platform calls this a setting for RAM users.
"""

import re

from gateway.directory.networks import is_within, parse_network
from gateway.errors import CredentialError, InputError, Reason

MOST_NETWORKS = 200
_LONGEST = 64 * MOST_NETWORKS  # no spelling of a network is that long
_SEPARATORS = re.compile(r"[;,\s]+")


def parse_login_networks(text: str) -> tuple[str, ...]:
    """A list such as `10.0.0.0/8; 192.0.2.7`, entry by entry as it was written. Empty: from anywhere.

    ASSUMPTION: an address with bits behind the mask (`10.1.2.3/8`) means the network around it; IPv6 is accepted; the
    platform's 512 characters do not count, since they could not hold the 200 entries.
    Raises: InputError(PARAMETER_INVALID), subject "LoginNetworkMasks": more than 200 entries, or one that is neither
    an address nor a network.
    """
    entries = tuple(entry for entry in _SEPARATORS.split(text) if entry) if len(text) <= _LONGEST else ("",)
    if len(entries) > MOST_NETWORKS:
        raise _malformed(f"at most {MOST_NETWORKS} networks can be listed")
    for entry in entries:
        try:
            parse_network(entry)
        except ValueError:
            raise _malformed("networks are written like 192.0.2.0/24, one after the other with `;` between") from None
    return entries


def check_login_network(networks: tuple[str, ...], client_address: str) -> None:
    """Refuse a sign-in from an address outside all of these networks; an unknown address is outside.

    `client_address` is `Client.address`: canonical, as our trusted proxies report it.
    Raises: CredentialError(LOGIN_NETWORK).
    """
    if not networks:
        return
    if not is_within(networks, client_address):
        message = "users of this account can't sign in from this network"
        raise CredentialError(Reason.LOGIN_NETWORK, message, f"from {client_address or 'an unknown address'}")


def _malformed(message: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, message, subject="LoginNetworkMasks")
