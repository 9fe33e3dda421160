"""`ramgate policy check` and `import-aws`: policies as texts, before anything is stored."""

from collections.abc import Mapping

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand, TextFile
from gateway.directory.oidc_providers import list_oidc_providers
from gateway.directory.quotas import OIDC_PROVIDERS_PER_ACCOUNT
from gateway.policy import parse_policy, parse_trust_policy
from gateway.policy.aws_import import import_aws_policy, import_aws_trust_policy
from gateway.policy.aws_resources import Correspondence
from gateway.policy.finding import Finding, Severity
from gateway.policy.fold import fold
from gateway.policy.lint import Known, lint_policy
from gateway.policy.lint_trust import TrustKnown, lint_trust
from gateway.store.paging import Page

_TRUST = click.option("--trust", is_flag=True, help="The FILE is the trust policy of a role.")


@click.command("check", cls=DeskCommand)
@click.argument("document", type=TextFile(), metavar="FILE")
@_TRUST
@click.option("--service", "services", multiple=True, metavar="CODE", help="A service of your own, such as wiki.")
@pass_desk
def check(desk: Desk, document: str, services: tuple[str, ...], *, trust: bool) -> None:
    """Read a policy FILE and say what is wrong with it and what it probably does not mean, without storing it.

    Ends with 1 if the policy can't do what it was written for, or lets in whom nobody meant.
    """
    findings = _lint_trust(desk, document) if trust else _lint(desk, document, services)
    if desk.out.as_json:
        desk.out.record({"well_formed": True, "findings": [_row(found) for found in findings]})
    else:
        for found in findings:
            click.echo(str(found))
        desk.out.done("the policy is well formed")
    if any(found.severity is Severity.ERROR for found in findings):
        raise click.exceptions.Exit(1)


def _row(found: Finding) -> Mapping[str, str]:
    return {
        "rule": found.rule.value,
        "severity": found.severity.value,
        "path": found.path,
        "problem": found.problem,
        "cure": found.cure,
    }


def _lint(desk: Desk, document: str, services: tuple[str, ...]) -> tuple[Finding, ...]:
    parsed = parse_policy(document)
    known = Known(desk.now(), _operations(), frozenset(fold(code) for code in services))
    return lint_policy(parsed, known)


def _operations() -> Mapping[str, frozenset[str]]:
    """Every operation of the services that the gateway has itself."""
    from gateway.api.actions.table import ACTIONS  # noqa: PLC0415 - few commands need the whole wire

    found: dict[str, set[str]] = {}
    for action in ACTIONS.values():
        service, _, operation = action.permission.partition(":")
        if operation:
            found.setdefault(service, set()).add(operation)
    return {service: frozenset(operations) for service, operations in found.items()}


def _lint_trust(desk: Desk, document: str) -> tuple[Finding, ...]:
    trust = parse_trust_policy(document)
    with desk.reading() as session:
        account_id = desk.account(session).id
        return lint_trust(trust, TrustKnown(desk.now(), account_id, _issuers(session, account_id)))


def _issuers(session: Session, account_id: str) -> Mapping[str, str]:
    found = list_oidc_providers(session, account_id, Page(OIDC_PROVIDERS_PER_ACCOUNT))
    return {fold(provider.arn): provider.issuer_url for provider in found.rows}


@click.command("import-aws", cls=DeskCommand)
@click.argument("document", type=TextFile(), metavar="FILE")
@_TRUST
@click.option("--aws-account", "accounts", multiple=True, metavar="AWS=OURS", help="Which account stands for which.")
@click.option("--provider", "providers", multiple=True, metavar="ISSUER=ARN", help="Which provider stands for it.")
@pass_desk
def import_aws(
    desk: Desk, document: str, accounts: tuple[str, ...], providers: tuple[str, ...], *, trust: bool
) -> None:
    """Take over a policy FILE written for AWS where it means the same here, and print it.

    What has no counterpart of the same meaning is refused, with its place. Notes go to standard error.
    """
    names = Correspondence(_pairs(accounts), _pairs(providers))
    imported = import_aws_trust_policy(document, names) if trust else import_aws_policy(document, names)
    for note in imported.notes:
        click.echo(f"note: {note}", err=True)
    desk.out.document(imported.text, "document")


def _pairs(texts: tuple[str, ...]) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not sign or not ours for _, sign, ours in pairs):
        raise click.UsageError("Write AWS=OURS, with the name there before the sign and ours behind it.")
    return {theirs: ours for theirs, _, ours in pairs}
