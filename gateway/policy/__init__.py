"""The policy engine: parse, compile, decide, explain. Pure; needs nothing but the standard library.

    policies = compile_policies([AttachedPolicy("reader", PolicyType.CUSTOM, "v1", parse_policy(text), arn, "User")])
    decision = decide(AccessRequest("oss:GetObject", resource, context), Layers(identity=policies))
    decision.allowed, decision.statement, decision.explain()

`parser` and `trust` turn text into documents, `compiled` turns documents into an index, `evaluate` and `trust` decide,
`explain` puts a decision into words.
"""

from gateway.policy.compiled import AttachedPolicy, PolicySet, compile_policies
from gateway.policy.condition_block import ConditionBlock, Unmet, parse_condition_block, unmet_conditions
from gateway.policy.decision import Decision
from gateway.policy.document import Condition, Effect, PolicyDocument, PolicyType, Statement, render_policy
from gateway.policy.evaluate import Layers, decide
from gateway.policy.lacking import lacks_only
from gateway.policy.parser import parse_policy, parse_session_policy
from gateway.policy.request import AccessRequest
from gateway.policy.service_roles import SERVICE_ROLES, ServiceRole
from gateway.policy.system import (
    SYSTEM_POLICIES,
    SYSTEM_POLICY_DATE,
    SYSTEM_POLICY_VERSION,
    SystemPolicy,
    find_system_policy,
)
from gateway.policy.trust import TrustPolicy, decide_trust, parse_trust_policy
from gateway.policy.trusted import FederatedPrincipal, RamKind, RamPrincipal, ServicePrincipal, TrustedPrincipal
from gateway.policy.verdict import ConditionValue, Layer, Outcome, StatementRef

__all__ = [
    "SERVICE_ROLES",
    "SYSTEM_POLICIES",
    "SYSTEM_POLICY_DATE",
    "SYSTEM_POLICY_VERSION",
    "AccessRequest",
    "AttachedPolicy",
    "Condition",
    "ConditionBlock",
    "ConditionValue",
    "Decision",
    "Effect",
    "FederatedPrincipal",
    "Layer",
    "Layers",
    "Outcome",
    "PolicyDocument",
    "PolicySet",
    "PolicyType",
    "RamKind",
    "RamPrincipal",
    "ServicePrincipal",
    "ServiceRole",
    "Statement",
    "StatementRef",
    "SystemPolicy",
    "TrustPolicy",
    "TrustedPrincipal",
    "Unmet",
    "compile_policies",
    "decide",
    "decide_trust",
    "find_system_policy",
    "lacks_only",
    "parse_condition_block",
    "parse_policy",
    "parse_session_policy",
    "parse_trust_policy",
    "render_policy",
    "unmet_conditions",
]
