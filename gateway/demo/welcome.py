"""What the demo says once it runs: addresses, who can sign in, and what there is to try."""

from gateway.demo.people import ALIAS, LAB_ALIAS, OIDC_PROVIDER
from gateway.demo.places import Places
from gateway.demo.state import DemoState
from gateway.oidc.names import start_path

WHAT_TO_TRY = {
    "alice": "administrator with a second factor; role SSO offers four roles in two accounts",
    "bob": "developer; user SSO, then ask /session whether he may do things; a rule lets him test in the laboratory",
    "carol": "auditor; may read everything, change nothing; two roles",
    "dave": "contractor without a RAM user: user SSO refuses him, role SSO lets him in",
}


def welcome(places: Places, state: DemoState) -> str:
    base_url, owner = state.base_url, state.owner
    people = [(user.idp_login, user.idp_password, WHAT_TO_TRY.get(user.idp_login, "")) for user in state.users]
    rows = [("Login", "Password", "Who, and what to try"), *people]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = "\n".join(f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows)
    openid = _openid(base_url) if state.clients else ""
    return f"""
Ramgate demo: Example Trading and its own sign-in. Ctrl-C stops it.

  User SSO starts at   {base_url}/example/login.htm
  Role SSO starts at   {state.idp_url}/
{openid}  Account owner        {base_url}/owner/login.htm   {owner.login}  {owner.password}
  Administration       {base_url}/admin   (as owner or alice)
  API                  {base_url}/   {owner.access_key_id}  {owner.access_key_secret}

{table}

  The same passwords work at {base_url}/example/login.htm while user SSO is off.
  All of this is in {places.state}; logs are in {places.settings.var_dir}/demo-*.log.
"""


def _openid(base_url: str) -> str:
    user, role = (base_url + start_path(alias, OIDC_PROVIDER) for alias in (ALIAS, LAB_ALIAS))
    return f"""\
  OpenID Connect       {user}   to a RAM user, by e-mail address
                       {role}   to roles, by a claim and by a rule
"""
