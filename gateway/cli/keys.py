"""`ramgate keys`: the gateway's own SAML keys, and how they are replaced without anybody being locked out."""

from datetime import datetime, timedelta

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.options import Instant
from gateway.cli.printing import Row
from gateway.clock import wire_time
from gateway.key_rollover import KEPT_PUBLISHED, make_next_keys, retire_key, switch_keys


@click.group("keys", cls=DeskGroup)
def keys() -> None:
    """Our own SAML keys: next, switch, retire."""


@keys.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List our keys: which is used now, which comes next, and what our metadata shows."""
    rows: list[Row] = [
        {
            "file": state.file,
            "use": state.use.value,
            "standing": state.standing.value,
            "published": state.published,
            "valid_until": state.certificate.not_after,
            "starts_at": state.starts_at,
            "leaves_metadata_at": state.leaves_at,
            "fingerprint": state.certificate.fingerprint,
        }
        for state in desk.own_keys.states(desk.now())
    ]
    desk.out.rows(rows, ("file", "use", "standing", "published", "valid_until", "starts_at", "leaves_metadata_at"))


@keys.command("next")
@pass_desk
def make_next(desk: Desk) -> None:
    """Make the next signing and encryption key, and show their certificates in our metadata from now on.

    Nothing is signed with them before `switch`. Take a backup of the directory of keys.
    """
    with desk.changing_files():
        signing, encryption = make_next_keys(desk.settings.certs_dir, desk.now())
    record = {"signing": signing, "encryption": encryption}
    desk.out.done(f"{signing} and {encryption} are in our metadata; back them up, then `ramgate keys switch`", record)


@keys.command("switch")
@click.option("--at", type=Instant(), default=None, help="When, such as 2027-01-31T00:00Z; in 7 days if not given.")
@click.option("--now", "at_once", is_flag=True, help="At once: for a key that is known to others.")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 365),
    default=KEPT_PUBLISHED.days,
    show_default=True,
    help="How long the old signing certificate stays in our metadata after that.",
)
@pass_desk
def switch(desk: Desk, at: datetime | None, keep_days: int, *, at_once: bool) -> None:
    """Say from when on the next keys are used. Can be said again until then."""
    if at is not None and at_once:
        raise click.UsageError("--at and --now exclude each other")
    now = desk.now()
    keep = timedelta(days=keep_days)
    with desk.changing_files():
        instant = switch_keys(desk.settings.certs_dir, now, now if at_once else at, keep)
    record = {"switches_at": instant, "old_certificate_leaves_at": instant + keep}
    desk.out.done(f"the next keys are used from {wire_time(instant)} on", record)


@keys.command("retire")
@click.argument("file")
@pass_desk
def retire(desk: Desk, file: str) -> None:
    """Delete an old key, or a next one that is not wanted. What was encrypted to it can't be read any more."""
    with desk.changing_files():
        retire_key(desk.settings.certs_dir, file, desk.now())
    desk.out.done(f"{file} is deleted")
