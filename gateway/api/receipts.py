"""What a changing call leaves behind when the operation does not say it itself."""

from collections.abc import Mapping

from gateway.api.action import AnyAction, Target, Work
from gateway.audit.receipts import Detail, Receipt
from gateway.policy import Decision


def call_receipt(
    action: AnyAction,
    work: Work,
    targets: tuple[Target, ...],
    decisions: tuple[Decision, ...],
    details: Mapping[str, Detail],
) -> Receipt:
    """Who did what, to which targets, and for each of them why it was allowed."""
    return Receipt(
        at=work.now,
        request_id=work.call.wire.request_id,
        account_id=work.account_id,
        kind=action.name,
        principal_arn=work.caller.arn,
        outcome="Allow",
        details={
            "version": action.version,
            "targets": [target.arn for target in targets],
            "because": [
                decision.explain() if decision.allowed else "it is the caller itself" for decision in decisions
            ],
            "client": work.client.address,
            **details,
        },
    )
