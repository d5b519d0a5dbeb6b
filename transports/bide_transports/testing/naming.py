"""How a declared vendor's replies name a job: its id, its addresses, its cookies, its file; and the handle of all that.

A declaration with several addresses in `poll` speaks of vendors who tell one of them or another. Here one is chosen:
what it needs is told, what those before it need is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from bide.dialects.calls import ORDER, gaps, is_link, link_of
from bide.dialects.declared import Declared
from bide.dialects.places import Places
from bide.handles import COOKIE, ID, handle_of
from bide.urls import address
from bide_transports.testing.draft import Draft
from bide_transports.testing.marks import ANSWER
from bide_transports.testing.voice import NotApplicable, Record, Said

_ASKED_ADDRESS = "~"


@dataclass(frozen=True, slots=True)
class Naming:
    """What replies tell of a job that is polled at the address `polled` of `poll`."""

    dialect: Declared
    polled: int
    choice: int = 0

    def chosen(self, places: Places) -> Places:
        """Places of the same thing, the one that this vendor uses first."""
        first = min(self.choice, len(places) - 1)
        return (*places[first:], *places[:first])

    @property
    def link(self) -> str:
        """The link that the job is polled at; the empty text where the address is made of its id."""
        return link_of(self._template)

    @property
    def tells_enough(self) -> bool:
        """Whether replies can name all that the address needs."""
        declared = self.dialect.declaration
        known = ORDER.union(name for name, places in {**declared.links, ID: declared.id}.items() if places)
        return gaps(self._template) <= known or declared.submit is None

    @property
    def follows_itself(self) -> bool:
        """Whether the job can be asked for at the address it was submitted to, whatever the reply says."""
        declared = self.dialect.declaration
        return any(_ASKED_ADDRESS in declared.links.get(name, ()) for name in declared.poll.gaps)

    @property
    def untold(self) -> frozenset[str]:
        """The places that stay empty."""
        links = self.dialect.declaration.links
        return frozenset(place for name in self._hidden for place in links.get(name, ()))

    def handle(self, record: Record) -> str:
        """What a client keeps to find the job again."""
        return handle_of(self._parts(record)) or record.id

    def is_known_by(self, handle: str, record: Record) -> bool:
        """Whether a handle that can be polled leads to the job."""
        asked, right = self.dialect.poll(handle), self.dialect.poll(self.handle(record))
        return address(asked.url) == address(right.url) and asked.body == right.body

    def file(self, record: Record, name: str = ANSWER) -> str:
        """A file of the job as the declared `file` wants it: an address, or an id."""
        declared = self.dialect.declaration
        if is_link(declared.file.urls[0]):
            return f"{record.elsewhere}/files/{name}.png?{record.address.partition('?')[2]}"
        return record.id if set(declared.files) & set(declared.id) else f"file-{name}"

    def write(self, draft: Draft, said: Said, *, links: bool = True) -> None:
        """Put id, addresses and cookies into a reply; one to `fetch` or `reason` has none."""
        declared, parts = self.dialect.declaration, self._parts(said.record)
        if said.asked in ("fetch", "reason"):
            return
        if declared.id:
            draft.put(self.chosen(declared.id)[0], said.id)
        elif said.id != said.record.id:
            raise NotApplicable("no reply names the job it is about")
        for name, places in declared.links.items():
            place = next((place for place in self.chosen(places) if place != _ASKED_ADDRESS), None)
            text = said.address if name == self.link else parts.get(name)
            if links and place is not None and text:
                draft.put(place, text)
        if said.asked == "submit":
            draft.headers += [("set-cookie", f"{cookie}; Path=/; HttpOnly") for cookie in _cookies(declared.cookies)]

    @property
    def _template(self) -> str:
        return self.dialect.declaration.poll.urls[self.polled]

    @property
    def _hidden(self) -> frozenset[str]:
        """The links of the addresses that would go before the chosen one."""
        earlier = self.dialect.declaration.poll.urls[: self.polled]
        return frozenset[str]().union(*map(gaps, earlier)) - gaps(self._template) - {ID} - ORDER

    def _parts(self, record: Record) -> dict[str, str]:
        """The parts of the handle; a link that only `fetch` needs tells of a result elsewhere."""
        declared = self.dialect.declaration
        named = declared.id or (declared.submit is None and ID in gaps(self._template))
        parts = {**({ID: record.id} if named else {}), **self.dialect.requests.kept(record.order)}
        links = declared.links or ({self.link: ()} if declared.submit is None and self.link else {})
        for name, places in links.items():
            if name in self._hidden or (self._is_for_fetch_alone(name) and not record.apart):
                continue
            if places[:1] == (_ASKED_ADDRESS,):
                if declared.submit is not None:
                    parts[name] = self.dialect.submit(record.order).url
            else:
                parts[name] = record.address if name == self.link else f"{self.dialect.origin}/{name}/{record.id}"
        if declared.cookies:
            parts[COOKIE] = "; ".join(_cookies(declared.cookies))
        return parts

    def _is_for_fetch_alone(self, link: str) -> bool:
        declared = self.dialect.declaration
        others = [call.gaps for call in (declared.poll, declared.cancel, declared.reason) if call is not None]
        return declared.fetch is not None and link in declared.fetch.gaps and not any(link in gaps for gaps in others)


def _cookies(names: Places) -> list[str]:
    return [f"{name}={name.lower()}-4711" for name in names]
