"""YAML from strangers: plain data only, and bounded before any of it is built.

A file is first read as a stream of events, which costs no depth of recursion: libyaml's loader ends the process on
deep nesting, and aliases of aliases grow without bound once they are walked.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from bide_transports.cassette.tape import InvalidCassette

_DEEPEST = 100  # containers in one another
_MOST = 5_000_000  # nodes, each alias counted as all that it stands for
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)  # of scalars, in PyYAML
_PLAIN = ("binary", "bool", "float", "int", "map", "null", "seq", "str")
_TAGS = frozenset(("", "!", *(f"tag:yaml.org,2002:{name}" for name in _PLAIN)))


def load_yaml(data: bytes, name: str) -> object:
    """The document in a file called `name`; raises `InvalidCassette` for all but plain data."""
    yaml = _yaml(name)
    try:
        text = data.decode("utf-8-sig")
        _check(yaml.parse(text, Loader=_best(yaml, "SafeLoader")), name)
        return yaml.load(text, Loader=_best(yaml, "SafeLoader"))
    except InvalidCassette:
        raise
    except (yaml.YAMLError, *_FAULTS) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise InvalidCassette(f"{name} is no YAML{where}: {_said(error)}") from None


def write_yaml(document: object) -> str:
    """`document`, which is plain data, as YAML; raises `InvalidCassette` where PyYAML is not installed.

    Also for half a surrogate pair, which YAML has no spelling for.
    """
    yaml = _yaml("the cassette")
    how = {"sort_keys": True, "allow_unicode": True, "width": 1 << 16}
    try:
        text: str = yaml.dump(document, Dumper=_best(yaml, "SafeDumper"), **how)
    except UnicodeEncodeError:
        raise InvalidCassette("the cassette holds half a surrogate pair, which YAML cannot write") from None
    return text


def _yaml(name: str) -> Any:
    try:
        return import_module("yaml")
    except ImportError:
        raise InvalidCassette(f"{name} is YAML, for which PyYAML is needed: pip install 'bide[vcr]'") from None


def _best(yaml: Any, name: str) -> Any:
    """The class of this name made from libyaml, or the slow one."""
    return getattr(yaml, f"C{name}", None) or getattr(yaml, name)


def _check(events: Iterator[Any], name: str) -> None:
    """Raise for tags that stand for anything but plain data, for deep nesting, and for aliases that grow."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    count = 0
    for event in events:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        _check_tag(event, f"{name}: line {line}")
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            open_.append((event.anchor, count))
            count += 1
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, before = open_.pop()
            sizes |= {} if anchor is None else {anchor: count - before}
        elif kind == "ScalarEvent":
            count += 1
            sizes |= {} if event.anchor is None else {event.anchor: 1}
        elif kind == "AliasEvent":
            if event.anchor not in sizes:
                raise InvalidCassette(f"{name}: line {line} has an alias for what is not whole, or not there")
            count += sizes[event.anchor]
        if len(open_) > _DEEPEST or count > _MOST:
            raise InvalidCassette(f"{name}: line {line} is nested too deeply, or the file unfolds to too much")


def _check_tag(event: Any, place: str) -> None:
    tag = getattr(event, "tag", None) or ""
    if tag not in _TAGS:
        raise InvalidCassette(
            f"{place} has the tag {str(tag)[:60]!r}: only plain data is read. Save it with a vcrpy that writes none"
        )


def _said(error: Exception) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None)
    return str(problem)[:100] if problem else f"a value does not read ({type(error).__name__})"
