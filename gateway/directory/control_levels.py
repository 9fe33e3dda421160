"""The control policies over an account, compiled: a set for each level from the account up to the root.

Rule: policy-language §5.2, step 1.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.arn import root_arn
from gateway.directory.control_attachments import FULL_ACCESS, ControlAttachment
from gateway.directory.control_policies import ControlPolicy
from gateway.directory.resource_directory import Member, ResourceDirectory, path_of
from gateway.policy import (
    AttachedPolicy,
    Effect,
    PolicyDocument,
    PolicySet,
    PolicyType,
    Statement,
    compile_policies,
    parse_policy,
)
from gateway.store.direct import Source
from gateway.store.reading import Reading

PROPOSED_VERSION = "proposed"  # of a policy whose document nobody has saved
_EVERYTHING = PolicyDocument((Statement(Effect.ALLOW, ("*",), ("*",)),))
_AS_SAVED: Mapping[str, PolicyDocument] = {}


def control_levels(
    source: Source, account_id: str, proposed: Mapping[str, PolicyDocument] = _AS_SAVED
) -> tuple[PolicySet, ...]:
    """Empty for an account under no control: in no directory, in one that has not enabled them, or managing one.

    Each level must allow a request; the account owner and service-linked roles are not asked about. One query for an
    account in no directory. `proposed`: other documents for control policies, by id.
    """
    session = source.session if isinstance(source, Reading) else source
    if not isinstance(session, Session):
        raise TypeError("control policies are read in a session")
    found = session.execute(
        select(Member, ResourceDirectory)
        .join(ResourceDirectory, ResourceDirectory.id == Member.directory_id)
        .where(Member.account_id == account_id, ResourceDirectory.controls_enabled)
    ).one_or_none()
    if found is None:
        return ()
    member, directory = found
    nodes = (account_id, *path_of(session, directory, member.folder_id))
    query = (
        select(ControlAttachment, ControlPolicy)
        .outerjoin(ControlPolicy, ControlPolicy.id == ControlAttachment.policy_id)
        .where(ControlAttachment.node_id.in_(nodes))
        .order_by(ControlAttachment.id)
    )
    levels: dict[str, list[AttachedPolicy]] = {node: [] for node in nodes}
    for attachment, policy in session.execute(query):
        levels[attachment.node_id].append(_attached(attachment, policy, proposed))
    return tuple(compile_policies(policies) for policies in levels.values())


def _attached(
    attachment: ControlAttachment, policy: ControlPolicy | None, proposed: Mapping[str, PolicyDocument]
) -> AttachedPolicy:
    is_account = attachment.node_kind == "Account"
    changed = None if policy is None else proposed.get(policy.id)
    saved = _EVERYTHING if policy is None else parse_policy(policy.document)
    return AttachedPolicy(
        name=FULL_ACCESS if policy is None else policy.name,
        type=PolicyType.CONTROL,
        version="" if changed is None else PROPOSED_VERSION,
        document=saved if changed is None else changed,
        attached_to=root_arn(attachment.node_id) if is_account else attachment.node_id,
        via=attachment.node_kind,
    )
