"""For conftest files and test modules: `cassette` set up for one's own API, and all cassettes as parameters.

cassette_settings = make_fixture(dialect=ACME, keep=["x-acme-hint"])     # in a conftest.py

@pytest.mark.parametrize("cassette_file", cassettes("tests/cassettes/**"), ids=str)
def test_decisions(cassette_file):
    cassette_file.verify()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from inspect import currentframe
from pathlib import Path

from bide.dialect import Dialect
from bide_transports.cassette.bodies import INLINE
from bide_transports.cassette.files import load
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.shelf import SUFFIX
from bide_transports.cassette.tape import Cassette, InvalidCassette
from bide_transports.cassette.track import Strict
from bide_transports.cassette.verify import Verified, verify

__all__ = ["CassetteFile", "cassettes", "make_fixture"]


def make_fixture(
    *,
    dialect: Dialect | None = None,
    aliases: Mapping[str, str] | None = None,
    keep: Iterable[str] = (),
    secrets: Iterable[str | None] = (),
    rules: Rules = STANDARD,
    inline: int = INLINE,
) -> object:
    """The fixture `cassette_settings`, to be given that name in a conftest; all else stays as it is.

    `dialect` and `aliases` (live origin -> recorded origin) are those of `record`. `keep` names further headers to
    store, `secrets` are values to keep out (those that are None or empty are left out), both on top of `rules`.
    Bodies of more than `inline` bytes are left out. All of it goes on top of what the fixtures `cassette_rules`,
    `cassette_dialect` and `cassette_aliases` say.
    """
    import pytest

    from bide_transports.testing.taping.settings import CassetteSettings

    hidden = tuple(filter(None, secrets))
    own = replace(rules, keep=(*rules.keep, *keep), secrets=(*rules.secrets, *hidden))
    renamed = dict(aliases or {})

    def cassette_settings(
        cassette_rules: Rules, cassette_dialect: Dialect | None, cassette_aliases: Mapping[str, str]
    ) -> CassetteSettings:
        spoken = cassette_dialect if dialect is None else dialect
        return CassetteSettings(_with(cassette_rules, own), spoken, {**cassette_aliases, **renamed}, inline)

    return pytest.fixture(name="cassette_settings")(cassette_settings)


@dataclass(frozen=True, slots=True)
class CassetteFile:
    """A cassette in a file; `str` of it is a name for people."""

    path: Path
    name: str

    def __str__(self) -> str:
        return self.name

    def load(self) -> Cassette:
        """The cassette; raises `InvalidCassette`."""
        return load(self.path)

    def verify(self, *, dialect: Dialect | None = None, strict: Strict = "exact") -> Verified:
        """Fold it through the core alone; raises `ReplayDiverged` at the first difference."""
        return verify(self.load(), dialect=dialect, strict=strict)


def cassettes(*patterns: str) -> list[CassetteFile]:
    """All cassettes that a pattern such as ``tests/cassettes/**`` finds, in the order of their names.

    A pattern is looked for from the directory of the calling file, and if nothing is there, from those above it.
    Raises `InvalidCassette` for one that finds nothing, since a test without parameters would pass unseen.
    """
    frame = currentframe()
    caller = frame.f_back if frame is not None else None
    here = Path.cwd() if caller is None else Path(caller.f_code.co_filename).resolve().parent
    found = {path: home for pattern in patterns for home, path in _matching(pattern, here)}
    return sorted((CassetteFile(path, _name(path, home)) for path, home in found.items()), key=str)


def _with(rules: Rules, more: Rules) -> Rules:
    """What both say."""
    return Rules(
        secrets=(*rules.secrets, *more.secrets),
        keep=(*rules.keep, *more.keep),
        secret_names=(*rules.secret_names, *more.secret_names),
        plain_names=(*rules.plain_names, *more.plain_names),
        capture="all" if "all" in (rules.capture, more.capture) else "allow",
        allow=(*rules.allow, *more.allow),
    )


def _matching(pattern: str, here: Path) -> list[tuple[Path, Path]]:
    for home in (here, *here.parents):
        places = home.glob(pattern)
        files = {one for place in places for one in (place.rglob("*") if place.is_dir() else (place,))}
        found = [(home, one) for one in files if one.name.endswith(SUFFIX) and one.is_file()]
        if found:
            return found
    raise InvalidCassette(f"there is no cassette {pattern}, seen from {here} or any directory above it")


def _name(path: Path, home: Path) -> str:
    return path.relative_to(home).as_posix().removesuffix(SUFFIX)
