"""Whether a denial turns on certain facts alone: asked of the engine itself, never read out of an explanation."""

from collections.abc import Callable, Mapping

from gateway.policy.decision import Decision
from gateway.policy.fold import fold

Context = Mapping[str, tuple[str, ...]]


def lacks_only(decision: Decision, facts: Context, decide_again: Callable[[Context], Decision]) -> bool:
    """Whether a denied request would be allowed with `facts` in place of what it had under these keys, and all else
    unchanged. A Deny that the facts don't lift, or that they bring about, is one still.

    `decide_again` must ask the very same question, of the same policies.
    """
    if decision.allowed:
        return False
    replaced = {fold(key) for key in facts}
    kept = {key: values for key, values in decision.request.context.items() if fold(key) not in replaced}
    return decide_again({**kept, **facts}).allowed
