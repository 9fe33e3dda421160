"""DecodeDiagnosticMessage: what a refusal meant. Rule: sts-contract §6; ram-limits §10; policy-language §5.4."""

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.diagnosis import MAX_TEXT_LENGTH, PARAMETER, Diagnosis, MatchedPolicy, open_diagnosis
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.targets import whole_account
from gateway.api.versions import RAM


def _message(parameters: Parameters) -> str:
    return parameters.text(PARAMETER, max_length=MAX_TEXT_LENGTH)


def decode_diagnostic_message(work: Work, message: str) -> Outcome:
    """Open a message that a refusal in this account carried. Raises: as `open_diagnosis`."""
    diagnosis = open_diagnosis(work.services.ring, message, work.account_id, work.now)
    return Outcome({"DecodedDiagnosticMessage": _answer(diagnosis)})


def _answer(diagnosis: Diagnosis) -> dict[str, Value]:
    """`Explanation` is ours: the decision as one sentence, with what the conditions wanted and where it is attached."""
    return {
        "AuthAction": diagnosis.action,
        "AuthResource": diagnosis.resource,
        "AuthPrincipal": {
            "AuthPrincipalType": diagnosis.principal_type,
            "AuthPrincipalOwnerId": diagnosis.principal_owner_id,
            "AuthPrincipalDisplayName": diagnosis.principal_name,
        },
        "AuthConditions": [{"ConditionKey": key, "ConditionValues": seen} for key, seen in diagnosis.conditions],
        "ExplicitDeny": diagnosis.explicit,
        "NoPermissionPolicyType": diagnosis.layer,
        "MatchedPolicies": [_policy(policy) for policy in diagnosis.policies],
        "Explanation": diagnosis.explanation,
    }


def _policy(policy: MatchedPolicy) -> dict[str, Value]:
    return {
        "PolicyIdentifier": policy.identifier,
        "PolicyType": policy.type,
        "PolicyVersion": policy.version,
        "Effect": policy.effect,
        "AttachedEntityType": policy.entity_type,
        "AttachedScope": "Account",
    }


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("DecodeDiagnosticMessage", RAM, _message, decode_diagnostic_message, whole_account, reads=True),
)
