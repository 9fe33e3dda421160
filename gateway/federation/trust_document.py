"""The trust policy that a role needs before people of an IdP can take it. Rule: sso-contract §2.4, §3.3."""

import json
from collections.abc import Iterable


def saml_trust_document(provider_arn: str, recipient: str) -> str:
    """Trust whoever one SAML provider vouches for, in responses that were made for our consumer URL `recipient`."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider_arn]},
        "Condition": {"StringEquals": {"saml:recipient": recipient}},
    }
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)


def oidc_trust_document(provider_arn: str, issuer: str, client_ids: Iterable[str]) -> str:
    """Trust whoever one OpenID Provider vouches for, in tokens of its issuer for these clients."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider_arn]},
        "Condition": {"StringEquals": {"oidc:iss": issuer, "oidc:aud": list(client_ids)}},
    }
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)
