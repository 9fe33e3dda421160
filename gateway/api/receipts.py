"""What a changing call leaves behind when the operation does not say it itself."""

from collections.abc import Mapping

from gateway.api.action import AnyAction, Target, Work
from gateway.audit.receipts import Detail, Receipt
from gateway.policy import Decision
from gateway.sts.token import SessionToken


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
            **({} if work.token is None else _behind(work.token)),
            **details,
        },
    )


def _behind(token: SessionToken) -> Mapping[str, Detail]:
    """Which session it was. Its name tells nothing: whoever takes a role calls the session what they like."""
    source = {} if token.source_identity is None else {"source_identity": token.source_identity}
    return {"session_id": token.session_id, **source}
