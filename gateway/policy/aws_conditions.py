"""Conditions of AWS as conditions of ours."""

from collections.abc import Mapping

from gateway.policy.aws_resources import Correspondence, import_principal_arn
from gateway.policy.conditions import OPERATORS
from gateway.policy.strict_json import Json, malformed, read_object, shown

_ARN_AS_TEXT = {"ArnEquals": "StringEquals", "ArnNotEquals": "StringNotEquals"}
_CURES = {
    "IfExists": "there is no IfExists here; write one statement for requests that have the key and one for the rest",
    "ForAnyValue:": "there are no sets here; a positive operator is met by any value",
    "ForAllValues:": "there are no sets here; deny the values that must not be there",
    "Null": "the presence of a key can't be asked for here",
    "Arn": "ARNs are compared as texts here, and their wildcards go across colons; write the names out",
    "Binary": "there are no binary values here",
}


def import_conditions(
    value: Json, path: str, keys: Mapping[str, str], names: Correspondence
) -> dict[str, dict[str, list[str]]]:
    """`keys`: what each key of AWS, in lower case, is called here. Raises: InputError(POLICY_MALFORMED)."""
    block: dict[str, dict[str, list[str]]] = {}
    for operator, members in read_object(value, path, '{"<operator>": {"<key>": "<value>"}}').items():
        at = f"{path}.{operator}"
        ours = _operator(operator, at)
        for key, given in read_object(members, at, '{"<key>": "<value>"}').items():
            name = _key(key, at, keys)
            values = [_value(each, f"{at}.{key}") for each in (given if isinstance(given, list) else [given])]
            if name == "acs:PrincipalARN":
                values = [_principal(each, operator, f"{at}.{key}", names) for each in values]
            elif operator in _ARN_AS_TEXT:
                raise malformed(at, f"{shown(key)} holds the ARN of something that has no counterpart here")
            if name in block.setdefault(ours, {}):
                raise malformed(at, f"{shown(key)} is asked for twice; put the values in one list")
            block[ours][name] = values
    return block


def _operator(name: str, path: str) -> str:
    if name in OPERATORS:
        return name
    if name in _ARN_AS_TEXT:
        return _ARN_AS_TEXT[name]
    cure = next((cure for part, cure in _CURES.items() if part in name), "write the condition anew")
    raise malformed(path, f"no operator here means the same as {shown(name)}: {cure}")


def _key(key: str, path: str, keys: Mapping[str, str]) -> str:
    lower = key.lower()
    if lower in keys and not lower.endswith("/"):
        return keys[lower]
    head, slash, tail = key.partition("/")
    family = keys.get(head.lower() + slash) if slash and tail else None
    if family is None:
        raise malformed(path, f"no condition key here means the same as {shown(key)}")
    return family + tail


def _value(value: Json, path: str) -> str:
    """There booleans and numbers may stand without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    if not isinstance(value, str):
        raise malformed(path, "is no text, number or boolean")
    if "${" in value:
        raise malformed(path, f"{shown(value)} has a policy variable, and there are none here; write the values out")
    return value


def _principal(value: str, operator: str, path: str, names: Correspondence) -> str:
    if operator not in _ARN_AS_TEXT and operator not in ("StringEquals", "StringNotEquals"):
        raise malformed(path, "compare acs:PrincipalARN with StringEquals: wildcards go across colons here")
    if any(sign in value for sign in "*?"):
        raise malformed(path, f"{shown(value)} has wildcards; write the names out")
    return import_principal_arn(value, path, names)
