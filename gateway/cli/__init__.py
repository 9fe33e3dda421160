"""`ramgate`: everything an administrator does, without a browser."""

import click

from gateway.cli import (
    account,
    expiry,
    federation,
    group,
    init,
    instance,
    key,
    keys,
    metadata,
    oidc,
    policy,
    provider,
    receipts,
    resource_directory,
    resource_group,
    revoke,
    role,
    routes,
    rule,
    serve,
    service,
    simulate,
    sso,
    trace,
    user,
    why,
)
from gateway.cli.frame import RootGroup


@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ramgate", prog_name="ramgate")
def main() -> None:
    """Single sign-on gateway: SAML and OIDC in, RAM users, roles and STS credentials out."""


main.add_command(init.init)
main.add_command(serve.serve)
main.add_command(account.account)
main.add_command(user.user)
main.add_command(group.group)
main.add_command(role.role)
main.add_command(policy.policy)
main.add_command(instance.instance)
main.add_command(resource_group.resource_group)
main.add_command(resource_directory.directory)
main.add_command(resource_directory.control)
main.add_command(provider.provider)
main.add_command(federation.federation)
main.add_command(oidc.oidc)
main.add_command(rule.rule)
main.add_command(trace.trace)
main.add_command(revoke.revoke)
main.add_command(service.service)
main.add_command(routes.routes)
main.add_command(sso.sso)
main.add_command(key.key)
main.add_command(keys.keys)
main.add_command(expiry.expiry)
main.add_command(metadata.metadata)
main.add_command(receipts.receipts)
main.add_command(why.why)
main.add_command(simulate.simulate)
main.add_command(simulate.reach)
