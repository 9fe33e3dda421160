"""Accounts, users, groups, roles, policies, keys and identity providers: a module each.

Whatever is imported from here, these tables are known too: `provider_certificates` refers to both by name.
"""

from gateway.directory import saml_providers as saml_providers
from gateway.directory import user_sso as user_sso
