"""Recorded decisions asked again, by the rules of today and under a change that nobody has saved: what flips?

Both answers are given now. What was answered then is only compared with the answer of today, so that a flip is what
the change does and not what has changed in the meantime. The questions are as they were recorded: action, resource
and the values of the condition keys, the time and the tags of then among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.audit.batches import iterate_decisions
from gateway.audit.decisions import ASKED, ITSELF, NO_POLICY, SUPPOSED, DecisionRecord
from gateway.audit.notary import notary_of
from gateway.audit.personal import Redaction
from gateway.policy import Layer, Outcome
from gateway.policy.request import ASSUME_ROLE
from gateway.simulation.bulk import without_collector
from gateway.simulation.changes import Change
from gateway.simulation.flips import DryRun, Example, Redacted, Turn
from gateway.simulation.judging import Bench, Judge, Twice
from gateway.simulation.login_replay import replay_logins
from gateway.simulation.trust_judging import TrustBench

_ALLOW = Outcome.ALLOW.value
_ODD = (NO_POLICY, Layer.TRUST.value)
_ONLY_ASKED = (ASKED, SUPPOSED)


@dataclass(frozen=True, slots=True)
class Window:
    """Which records: `since` is inclusive, `until` is not; at most about `most` of them, None for all.

    `after`: the place where an earlier run has stopped.
    """

    since: datetime | None = None
    until: datetime | None = None
    most: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class DryRunPage:
    """`after` goes into the next window; None where everything was read."""

    run: DryRun
    after: int | None


def dry_run(session: Session, account_id: str, change: Change, window: Window, now: datetime) -> DryRunPage:
    """Ask the account's recorded decisions again, and its logins where trust or mapping would change.

    Reads only, in memory that does not grow with the number of records. Raises: CredentialError(TOKEN_MALFORMED) for
    records whose key has left the ring, or that were changed.
    """
    replay = _Replay(session, account_id, change, now)
    batches = iterate_decisions(session, account_id, since=window.since, until=window.until, after=window.after)
    for row_id, records in without_collector(batches):
        replay.take(records)
        if window.most is not None and replay.run.records >= window.most:
            replay.run.complete = False
            return DryRunPage(replay.run, row_id)
    replay_logins(session, account_id, change, replay.trust, (window.since, window.until), replay.run)
    return DryRunPage(replay.run, None)


class _Replay:
    def __init__(self, session: Session, account_id: str, change: Change, now: datetime) -> None:
        self.run = DryRun(told=change.told)
        self.trust = TrustBench(session, account_id, change, now)
        self._redaction = Redaction.under(notary_of(session).ring)
        self._bench = Bench(session, account_id, change.proposed, now)
        self._changed_role = "" if change.trust is None else change.trust.role.arn.lower()

    def take(self, records: Iterable[DecisionRecord]) -> None:
        """The loop that a million records go through: what happens to most of them stands here."""
        run, judge_of, fold_context, count = self.run, self._bench.judge, self._bench.spellings.fold, 0
        differ = other = decided = untouched = 0
        for record in records:
            count += 1
            if record.layer in _ODD or record.principal_kind == "Owner" or record.reason in _ONLY_ASKED:
                self._take_odd(record)
                continue
            judge = judge_of(record.principal_kind, record.principal_id, record.session_policy, record.principal_arn)
            if judge is None:
                run.principal_gone += 1
                continue
            context, reason = record.context, record.reason
            verdict = judge.verdict(record.action, record.resource, fold_context(context), context)
            decided += 1
            before, after = verdict.allowed_before, verdict.allowed_after
            if reason == ITSELF:  # the account lets its users do this to themselves, unless a policy denies it
                before, after = not verdict.denied_before, not verdict.denied_after
            if before is not (record.outcome == _ALLOW or reason == ITSELF):
                differ += 1
            if not judge.touched:
                untouched += 1
            elif before is not after:
                self._flip(record, judge.arn, judge, after=after)
            elif not verdict.same_statement:
                other += 1
            if self._changed_role and record.action == ASSUME_ROLE and before and not reason:
                self._take_assumed(record, judge)
        run.records += count
        run.decided += decided
        run.untouched += untouched
        run.differ_from_record += differ
        run.other_statement += other

    def _take_odd(self, record: DecisionRecord) -> None:
        if record.reason in _ONLY_ASKED:
            self.run.only_asked += 1  # nobody did it, or tried to
        elif record.layer == NO_POLICY:
            self.run.without_policy += 1
        elif record.principal_kind == "Owner":
            self.run.of_owner += 1  # no policy is needed and none restricts it, whatever would change
        else:
            self._take_refused(record)

    def _take_refused(self, record: DecisionRecord) -> None:
        """A trust policy refused somebody whose own policies, if any were asked, had allowed it."""
        arn = record.principal_arn
        if record.principal_kind != "Federated":
            judge = self._bench.judge(record.principal_kind, record.principal_id, record.session_policy, arn)
            if judge is None:
                self.run.principal_gone += 1
                return
            arn = judge.arn
        twice = self.trust.ask(arn, record.resource, record.context)
        if twice is None:
            self.run.not_replayable += 1
            return
        self.run.decided += 1
        self.run.untouched += twice.after is twice.before
        self.run.differ_from_record += twice.verdict.allowed_before is not (record.outcome == _ALLOW)
        self._compare(record, arn, twice)

    def _take_assumed(self, record: DecisionRecord, judge: Judge) -> None:
        """A role that was assumed: its trust policy let the caller in."""
        if record.resource.lower() != self._changed_role:
            return
        twice = self.trust.ask(judge.arn, record.resource, record.context)
        if twice is not None:
            self._compare(record, judge.arn, twice)

    def _compare(self, record: DecisionRecord, arn: str, twice: Twice) -> None:
        verdict = twice.verdict
        if verdict.allowed_before is not verdict.allowed_after:
            self._flip(record, arn, twice, after=verdict.allowed_after)
        elif not verdict.same_statement:
            self.run.other_statement += 1

    def _flip(self, record: DecisionRecord, arn: str, by: Twice | Judge, *, after: bool) -> None:
        flips, turn = self.run.flips, Turn.TO_ALLOW if after else Turn.TO_DENY
        if flips.is_new(turn, arn, record.action, record.resource):
            twice = by if isinstance(by, Twice) else by.ask(record.action, record.resource, record.context)
            before_text, after_text = (
                Redacted(each, self._redaction).explain() for each in (twice.before, twice.after)
            )
            example = Example(record.at, record.request_id, record.resource, before_text, after_text)
            flips.add(turn, arn, record.action, example)
