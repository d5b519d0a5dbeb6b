# ruff: noqa: E501  lines of the core stand here as they are
"""The cassettes guard the core: whichever of its rules is broken on purpose, some recorded job takes another way.

Each mutant is a copy of the core with one line changed, and verifies the recorded cassettes in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import bide
import bide_transports
from tests.cassette.scenes import RECORDED
from tests.sampling import some

_VERIFY = """
import sys
from pathlib import Path
import bide
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.verify import verify
assert Path(bide.__file__).is_relative_to(sys.argv[1]), "the mutant is not the core that is tested"
for path in sorted(Path(sys.argv[2]).glob("*.jsonl")):
    try:
        verify(load(path))
    except ReplayDiverged as error:
        print(path.name, "diverged")
        sys.exit(7)
"""


class Mutant(NamedTuple):
    """A rule of the core, and how it is broken: one text in one file becomes another."""

    rule: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant("the pace grows with age", "pace.py", "self.first + (self.factor - 1) * age", "self.first"),
    Mutant("the pace has a cap", "pace.py", "min(self.cap, self.first", "max(0.0, self.first"),
    Mutant("the pace is jittered", "pace.py", "* (0.95 + 0.1 * draw)", ""),
    Mutant("a fixed pace is jittered", "pace.py", "+ self.jitter * (2 * draw - 1)", ""),
    Mutant("fewer looks where webhooks are expected", "pace.py", "min(self.factor * usual, self.cap)", "usual"),
    Mutant("a backoff doubles", "pace.py", "(1 << min(max(count, 1), 16) - 1)", "1"),
    Mutant("a backoff has a cap", "pace.py", "ceiling = min(cap, first", "ceiling = min(9999, first"),
    Mutant("a due time is rounded up", "pace.py", "return ceil(due * 1000 - 0.01) / 1000", "return floor(due * 1000) / 1000"),
    Mutant("a hint is obeyed", "quota.py", "if until is not None and (until > now or (paced and not nothing_left)):", "if False:"),
    Mutant("a hint may be a fraction", "limit_fields.py", r'_DELAY = r"(?a)([0-9]{1,9})(?:\.([0-9]{0,9})[0-9]*)?"', '_DELAY = r"([0-9]{1,9})()"'),
    Mutant("a date is measured against the reply's own", "limit_fields.py", "at = at if date is None else now + at - date", "at = at if date is None else now + at - 1893830400.0"),
    Mutant("nothing left means wait", "quota.py", "return quota.remaining == 0 and quota.reset is not None and quota.reset > now", "return False"),
    Mutant("a reset may be in milliseconds", "limit_fields.py", "figure /= 1e3", "figure /= 1e6"),
    Mutant("a reset may be a delta", "limit_fields.py", "if figure < 1e7:", "if False:"),
    Mutant("the skew of a clock is taken out", "limit_fields.py", "at = at if date is None else now + at - date", "at = at"),
    Mutant("the service may pace", "look.py", "refused=refused, again=again)\n        quota", "refused=refused, again=again) if past.polls > 1 else None\n        quota"),
    Mutant("a hint of no time counts once", "look.py", "return hint if hinted >= -1 else inf", "return hint"),
    Mutant("a hint that proves too short is stretched", "look.py", "return hint * _TOO_SHORT ** min(hinted - 1, 20)", "return hint"),
    Mutant("a limiter's word gives way to the backoff", "look.py", "elif trouble == 1 and held", "elif held"),
    Mutant("a deadline ends the wait", "look.py", "if look.now >= past.deadline:", "if False:"),
    Mutant("one last look at the deadline", "look.py", "if due >= past.deadline:", "if False:"),
    Mutant("so many failures end the wait", "look.py", "if past.failures >= patience.failures:", "if past.failures > patience.failures:"),
    Mutant("a service never reached ends soon", "look.py", "past.failures >= patience.first_contact", "False"),
    Mutant("no news for too long ends the wait", "look.py", "past.changed >= patience.stall", "past.since >= 1e9"),
    Mutant("a job not found is looked for", "look.py", "return past.missing >= patience.missing and", "return"),
    Mutant("a job not found for long is lost", "look.py", "return past.missing >= patience.missing and", "return False and"),
    Mutant("what is gone is lost", "look.py", "return look.phase is Phase.GONE", "return False"),
    Mutant("an unclear submission without a key is not repeated", "look.py", "return look.reply.sent", "return False"),
    Mutant("a key that is not accepted ends the wait", "look.py", "    Phase.UNAUTHORISED: Reason.UNAUTHORISED,\n", ""),
    Mutant("a result is fetched at once", "job.py", "*next_look(look, at_once=True))\n        case Phase.FAILED", "*next_look(look))\n        case Phase.FAILED"),
    Mutant("a result in the status is not fetched", "job.py", "case Phase.SUCCEEDED if reading.result is not None:", "case Phase.SUCCEEDED if False:"),
    Mutant("a moved address is followed", "look.py", "reading.handle or handle", "handle or reading.handle"),
    Mutant("a redirect within the service is followed", "look.py", "if origin(target) != job.terms.dialect.origin:", "if True:"),
    Mutant("a redirect elsewhere is not followed", "look.py", "if origin(target) != job.terms.dialect.origin:", "if False:"),
    Mutant("a permanent redirect stays", "redirect.py", "_PERMANENT = (301, 308)", "_PERMANENT = ()"),
    Mutant("a redirect for now does not stay", "redirect.py", "_PERMANENT = (301, 308)", "_PERMANENT = (301, 302, 308)"),
    Mutant("what was taken and names nothing is not sent again", "job.py", "if is_accepted(look) and isinstance(look.reply, Response):", "if False:"),
    Mutant("a conflict without a key is a refusal", "job.py", "(look.phase is Phase.CONFLICT and until is None)", "False"),
    Mutant("a look goes before another try to cancel", "job.py", "looked=False, tries=tries", "tries=tries"),
    Mutant("a look goes before a cancel that forgets", "job.py", "if not self.looked or self.refusal is not None:", "if self.refusal is not None:"),
    Mutant("a cancel that was taken is looked after at once", "job.py", "at_once=look.answers_cancel or", "at_once="),
    Mutant("words are read without case", "dialects/modelroute_replies.py", "status.strip().lower()", "status"),
    Mutant("an unknown word means not yet", "dialects/modelroute_replies.py", "_PHASES.get(status.strip().lower(), Phase.UNFINISHED)", "_PHASES.get(status.strip().lower(), Phase.FAILED)"),
    Mutant("a failure with 200 is a failure", "dialects/vendors/replicate.py", '"failed": Phase.FAILED', '"failed": Phase.SUCCEEDED'),
    Mutant("trouble is counted in a row", "history.py", "0 if fine else self.failures + (not limited and not missing and not asked_nobody)", "self.failures + (not fine and not limited and not missing and not asked_nobody)"),
    Mutant("being limited is no failure", "history.py", "(not limited and not missing and not asked_nobody)", "(not missing and not asked_nobody)"),
    Mutant("a submission is repeated under its key", "job.py", "return stopped or again", "return stopped or _abandoned(look, Reason.AMBIGUOUS, again)"),
)  # fmt: skip
SAMPLE = some(MUTANTS, kind=lambda mutant: mutant.file)


def _copy_of_the_core(mutant: Mutant, into: Path) -> None:
    shutil.copytree(Path(bide.__file__).parent, into / "bide", ignore=shutil.ignore_patterns("__pycache__"))
    file = into / "bide" / mutant.file
    file.write_text(file.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")


def _verified_by(core: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(core), str(Path(bide_transports.__file__).parent.parent)])
    command = [sys.executable, "-c", _VERIFY, str(core), str(RECORDED)]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_each_rule_is_where_it_is_broken() -> None:
    core = Path(bide.__file__).parent
    assert [mutant for mutant in MUTANTS if (core / mutant.file).read_text("utf-8").count(mutant.old) != 1] == []


@pytest.mark.parametrize("mutant", SAMPLE, ids=lambda mutant: mutant.rule)
def test_a_broken_rule_makes_a_cassette_diverge(mutant: Mutant, tmp_path: Path) -> None:
    _copy_of_the_core(mutant, tmp_path)
    told = _verified_by(tmp_path)
    assert told.returncode == 7, f"{mutant.rule}: exit {told.returncode}\n{told.stderr[-2000:]}"


def test_the_core_as_it_is_follows_every_cassette(tmp_path: Path) -> None:
    shutil.copytree(Path(bide.__file__).parent, tmp_path / "bide", ignore=shutil.ignore_patterns("__pycache__"))
    told = _verified_by(tmp_path)
    assert (told.returncode, told.stdout) == (0, ""), told.stderr[-2000:]
