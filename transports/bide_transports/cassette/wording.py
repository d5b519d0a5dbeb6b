"""How the events of a cassette are told to people, one line each: in transcripts, pictures and messages alike.

What stands on a cassette may be a stranger's: it is shortened, and can neither break the line nor move the cursor.
"""

from __future__ import annotations

from dataclasses import dataclass

from bide.dialect import Dialect
from bide.messages import NoResponse, Request, Response
from bide.urls import address
from bide_transports.cassette.tape import Done, Event, Head, Heard, Omitted, Open, Send, Told, Wait
from bide_transports.cassette.words import known, said

_WIDTH = 100  # characters of a body
_LONGEST = 160  # characters of an address
_HEADERS = (
    "retry-after",
    "location",
    "operation-location",
    "azure-asyncoperation",
)  # what a reply may say outside its body


@dataclass(frozen=True, slots=True)
class Wording:
    """The wording for one service: its addresses are told without `base`, its replies as `dialect` reads them."""

    base: str = ""
    dialect: Dialect | None = None

    @classmethod
    def of(cls, head: Head, dialect: Dialect | None = None) -> Wording:
        """The wording for a cassette; `dialect` is wanted for one that does not come with bide."""
        return cls(head.base, dialect or known(head))

    def told(self, event: Event) -> str:
        """One event as one line: the seconds, and what happened."""
        return f"{seconds(event.t):>10} {self.what(event)}"

    def what(self, event: Event) -> str:
        """What happened: `>` was sent, `<` came back, `!` did not, `*` is a webhook, `.` stands for the core."""
        match event:
            case Open(token=None):
                return ". exchanges without a job"
            case Open(token={"job": {"is": str(state)}}):
                return f". the job is taken up ({plain(state)})"
            case Open():
                return ". the job is taken up"
            case Wait():
                return f". {plain(event.state)}: wait {max(0, event.ms)} ms ({plain(event.why)})"
            case Send(request=request, omitted=omitted):
                return f"> {self._request(request)}{f' with a file of {omitted.length} bytes' if omitted else ''}"
            case Heard(reply=NoResponse(cause, sent, head=head), begun=begun):
                came = self._begun(begun, event.omitted) if begun else f"{head.status} without its body" if head else ""
                before = f"{came}, then " if came else ""
                return f"! {before}{cause.value} ({'may have arrived' if sent else 'not sent'})"
            case Heard(reply=Response() as reply):
                return f"< {self._reply(reply, event.omitted)}"
            case Told():
                return "* a webhook tells of it"
            case Done():
                return f". {': '.join(filter(None, (plain(event.state), plain(event.says))))}{_files(event.files)}"
            case _:
                return "?"

    def address(self, url: str) -> str:
        """A URL without the service's own base."""
        there, home = address(url), address(self.base)
        if there is None or home is None or there.origin != home.origin:
            return shortened(plain(url), _LONGEST)
        rest = there.target.removeprefix(home.target.rstrip("/"))
        return shortened(plain(rest if rest[:1] in "/?" else there.target) or "/", _LONGEST)

    def _request(self, request: Request) -> str:
        return f"{plain(request.method)} {self.address(request.url)} {excerpt(request.body)}".rstrip()

    def _begun(self, begun: Response, omitted: Omitted | None) -> str:
        return f"{begun.status} with {omitted.length if omitted else len(begun.body)} bytes"

    def _reply(self, reply: Response, omitted: Omitted | None) -> str:
        words = plain(str(said(reply, self.dialect)))
        body = f"({omitted.length} bytes, left out)" if omitted else words or excerpt(reply.body)
        fields = [(name, value) for name in _HEADERS for value in reply.headers.every(name)]
        told = (f"{name}: {self.address(value)}" for name, value in fields)
        return f"{reply.status} {'; '.join(filter(None, (body, *told)))}".rstrip()


def seconds(t: int) -> str:
    """Milliseconds since the start as people read them."""
    return f"{t / 1000:.3f}s"


def plain(text: str) -> str:
    """`text` on one line: what cannot be printed is replaced, each character for itself."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def shortened(text: str, width: int) -> str:
    """`text` in `width` characters at most: its middle is left out, since names often differ at their ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def excerpt(body: bytes) -> str:
    """The beginning of a body; of one that is no text only its length."""
    try:
        text = " ".join(body[: 8 * _WIDTH].decode("utf-8", "strict" if len(body) <= 8 * _WIDTH else "ignore").split())
    except UnicodeDecodeError:
        return f"({len(body)} bytes)"
    if "\0" in text:
        return f"({len(body)} bytes)"
    return plain(text) if len(text) <= _WIDTH else f"{plain(text[:_WIDTH])}… ({len(body)} bytes)"


def _files(files: tuple[str, ...]) -> str:
    return f" with {len(files)} file{'' if len(files) == 1 else 's'}" if files else ""
