"""A declaration read backwards: what a vendor says who speaks exactly as declared.

To say that a job failed, take a sign for it, or a word of `phases`, and write what it asks for at its places; then
the id, the addresses, the output and the problem at theirs. Each reply is read once by the declaration itself: one
that means something else there is a `Contradiction`, such as a sign that an earlier one hides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from bide.dialect import Phase, Reading
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Places
from bide.errors import InvalidOrder, NotOffered
from bide.failure import asking_why
from bide.history import ANSWERS_TO_CANCEL
from bide.messages import Request, Response
from bide_transports.testing.draft import Draft
from bide_transports.testing.marks import CODE, MESSAGE, REQUEST_ID, holds
from bide_transports.testing.naming import Naming
from bide_transports.testing.voice import Contradiction, NotApplicable, Question, Record, Said
from bide_transports.testing.ways import REFUSALS, Way, Ways


@dataclass(frozen=True, slots=True)
class Spoken:
    """The voice of a vendor who speaks as `dialect` is declared.

    Where a declaration lists several addresses in `poll`, or several places of the same thing, it speaks of vendors
    who use the one or the other. `polled` is the address that replies tell of, `choice` the place: see `every`.
    """

    dialect: Declared
    polled: int = 0
    choice: int = 0

    @classmethod
    def every(cls, dialect: Declared) -> tuple[Spoken, ...]:
        """A voice for each address in `poll` that replies can tell of, and for each choice among places."""
        declared = dialect.declaration
        choices = range(max(map(len, _listed(declared))))
        voices = (cls(dialect, *one) for one in product(range(len(declared.poll.urls)), choices))
        return tuple(voice for voice in voices if voice.naming.tells_enough) or (cls(dialect),)

    @property
    def naming(self) -> Naming:
        """How its replies name the job."""
        return Naming(self.dialect, self.polled, self.choice)

    @property
    def ways(self) -> Ways:
        """What it can say."""
        return Ways(self.naming)

    def request(self, question: Question, record: Record) -> Request:
        """As the declaration makes it."""
        declared, dialect, handle = self.dialect.declaration, self.dialect, self.naming.handle(record)
        try:
            match question:
                case "submit":
                    return dialect.submit(record.order)
                case "fetch":
                    return self._fetch(handle)
                case "cancel":
                    return dialect.cancel(handle)
                case "reason":
                    return asking_why(dialect, handle)
                case "file":
                    if not declared.files:
                        raise NotApplicable("no place of files is declared")
                    return dialect.locate(self.naming.file(record))
                case _:
                    pass
        except (NotOffered, InvalidOrder) as error:
            raise NotApplicable(str(error)) from None
        try:
            return dialect.poll(handle)
        except NotOffered as error:
            raise Contradiction(f"the job cannot be polled with what the replies tell of it: {error}") from None

    def _fetch(self, handle: str) -> Request:
        request = self.dialect.fetch(handle)
        if self.dialect.requests.finds(self.dialect.declaration.poll, handle) and request == self.dialect.poll(handle):
            raise NotApplicable("the result lies where the job is looked at")
        return request

    def reply(self, said: Said) -> Response:
        """The first way to say it that the declaration itself understands."""
        otherwise = ""
        for way in self.ways.of(said):
            for reply in self.replies(said, way):
                reading = self._read(said, reply)
                if reading is None:
                    return reply
                otherwise = otherwise or f"{way.source} means {said.phase.value!r}, but such a reply {reading}"
        if otherwise and said.phase in REFUSALS:
            self._excuse(said)
        if otherwise:
            raise Contradiction(otherwise)
        raise NotApplicable(f"nothing that is declared for a reply to {said.asked} means {said.phase.value!r}")

    def replies(self, said: Said, way: Way) -> Iterator[Response]:
        """The replies to try for a way: with each of its codes, and without what may say more than is meant.

        That is the message, and the addresses of a job that is over at its submission.
        """
        over = said.asked == "submit" and said.phase is not Phase.UNFINISHED
        messages = dict.fromkeys((said.message, ""))
        for code, links, message in product(way.codes, (True, False) if over else (True,), messages):
            draft = Draft(code)
            self.naming.write(draft, said, links=links)
            self._decorate(draft, replace(said, message=message))
            for place, words in way.when:
                draft.make_say(place, words)
            yield draft.response()

    def _decorate(self, draft: Draft, said: Said) -> None:
        """Write progress, hint, output and problem."""
        declared = self.dialect.declaration
        if said.progress is not None and declared.progress is not None:
            draft.put_progress(declared.progress, declared.full, said.progress)
        if said.wait is not None and declared.wait_ms:
            draft.put(self.naming.chosen(declared.wait_ms)[0], int(said.wait * 1000))
        if said.answer and self._is_inline(said):
            self._put_output(draft, said)
        if said.message:
            draft.put_first(self.naming.chosen(declared.code), CODE)
            draft.put_first(self.naming.chosen(declared.message), said.message)
            draft.put_first(self.naming.chosen(declared.request_id), REQUEST_ID)

    def _is_inline(self, said: Said) -> bool:
        if said.asked == "fetch":
            return True
        try:
            self.request("fetch", said.record)
        except NotApplicable:
            return True
        return False

    def _put_output(self, draft: Draft, said: Said) -> None:
        declared, file = self.dialect.declaration, self.naming.file(said.record, said.answer)
        place = next((place for place in declared.output if draft.is_free(place)), None)
        if place is not None and place in declared.files:
            draft.put(place, {"picture": file} if place == "" else [file])
        elif place is not None:
            draft.put(place, {"answer": said.answer})
        else:
            draft.put("answer" if declared.output else "output", said.answer)
        draft.put_first(declared.files, file)

    def _read(self, said: Said, reply: Response) -> str | None:
        """What is wrong with how the declaration understands a reply; None for nothing."""
        if said.id != said.record.id:
            return None  # a reply about another job is not meant to be understood
        submitted = said.asked == "submit"
        handle, order = (None, said.record.order) if submitted else (self.naming.handle(said.record), None)
        reading = self.dialect.read(reply, asked=said.asked, handle=handle, order=order)
        if said.asked == "cancel" and said.phase is Phase.UNFINISHED and reading.phase in ANSWERS_TO_CANCEL:
            return None
        if reading.phase is not said.phase:
            return f"reads as {reading.phase.value!r}"
        for mark in (CODE, MESSAGE, REQUEST_ID):
            if holds(reply, mark) and mark not in str(reading.problem):
                return f"tells {mark!r} where another place is looked at first"
        return self._lost_track(said, reading) if reading.phase is Phase.UNFINISHED and said.address else None

    def _lost_track(self, said: Said, reading: Reading) -> str | None:
        wanted = " or ".join(self.dialect.declaration.poll.urls)
        if reading.handle is None:
            return f"tells nothing that fits {wanted}, where the job is polled"
        if not self.naming.is_known_by(reading.handle, said.record):
            return f"does not lead to {wanted} for the job that it names"
        return None

    def _excuse(self, said: Said) -> None:
        """Raise `NotApplicable` where a sign takes this very status code for something else on purpose."""
        code = str(REFUSALS[said.phase])
        for sign in self.dialect.declaration.signs:
            if said.asked in sign.asked and code in sign.http:
                raise NotApplicable(f"it is declared that {code} means {sign.phase.value!r}")


def _listed(declared: Declaration) -> tuple[Places, ...]:
    """All places of what a job is followed by, and of what is told of its problem."""
    problem = (declared.code, declared.message, declared.request_id)
    return (("",), declared.id, declared.status, *declared.links.values(), *problem)
