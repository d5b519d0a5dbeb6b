"""bide over requests: `exchange` sends one request, `follow` and `run` drive a job, `Client` is for people.

    with Client(key) as client:
        result = client.run("flux-1.1-pro", {"prompt": "a fox"})
        paths = client.save(result, "pictures")

Everything that decides is in the core; a blocking driver is the five lines of `follow`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeAlias, cast
from uuid import uuid4

import requests
from typing_extensions import Self
from urllib3.util import Timeout

import bide
from bide.document import JSON
from bide.download import Downloaded, Downloading, Undelivered, download, suffix
from bide.errors import JobUnfinished, SaveError
from bide.messages import Cause, Headers, NoResponse, Order, Reply, Request, Response
from bide.secret import Secret, credential_for
from bide.tally import Tally
from bide_transports.bounded import BoundedAdapter
from bide_transports.clock import Clock, SystemClock
from bide_transports.disk import Part
from bide_transports.requests_faults import FAULTS, no_response

Exchange: TypeAlias = Callable[[Request], Reply]
Into: TypeAlias = Callable[[Response], "Sink | None"]

_CHUNK = 65536  # bytes


class Sink(Protocol):
    """Whatever takes the bytes of a file."""

    def write(self, chunk: bytes, /) -> object:
        """Take `chunk` whole."""
        ...


def exchange(
    request: Request,
    *,
    session: requests.Session,
    credential: tuple[tuple[str, str], ...] = (),
    into: Into | None = None,
) -> Reply:
    """Send one request once and return what came back; network and server faults are values, never raised.

    `credential` holds the header lines that carry the key. `into` sees status and headers first: where it
    returns a file, the body goes there in chunks and is left out of the response. Errors of that file pass.
    """

    def sign(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers.update(credential)  # an auth of our own: requests would look into ~/.netrc otherwise
        return prepared

    plain = requests.Request(
        request.method, request.url, headers=dict(request.headers), data=request.body or None, auth=sign
    )
    try:
        prepared = session.prepare_request(plain)
        settings = cast("dict[str, Any]", session.merge_environment_settings(prepared.url, {}, True, None, None))
        adapter = session.get_adapter(request.url)  # below Session.send, which would read a redirect's whole body
        total = cast("float", Timeout(total=request.timeout))  # requests passes urllib3's own kind through
        with adapter.send(prepared, timeout=total, **settings) as answer:
            return _read(answer, request.largest, into)
    except FAULTS as error:
        return no_response(error)


def follow(job: bide.Job, exchange: Exchange, clock: Clock) -> Iterator[bide.Job]:
    """Each state of `job` on its way to the end, itself first; blocks between them."""
    yield job
    while isinstance(job, bide.Waiting):
        clock.sleep_until(job.due)
        job = job.receive(exchange(job.request), now=clock.now())
        yield job


def run(job: bide.Job, exchange: Exchange, clock: Clock) -> bide.Finished:
    """The last state of `job`; blocks until it is reached."""
    *_, last = follow(job, exchange, clock)
    return cast("bide.Finished", last)


def _read(answer: requests.Response, largest: int, into: Into | None) -> Reply:
    """The response with its body read up to `largest` bytes, or what is wrong with it."""
    headers = Headers.of(answer.raw.headers.items())
    length = headers.get("content-length")
    if answer.status_code < 200:
        return Response(answer.status_code, headers)  # left unread, so the connection is closed: more may follow
    if length is not None and not (length.isascii() and length.isdigit() and "transfer-encoding" not in headers.fields):
        return NoResponse(Cause.PROTOCOL, sent=True)
    head = Response(answer.status_code, headers)
    file = into(head) if into else None
    if file is not None:
        while chunk := answer.raw.read(_CHUNK, decode_content=True):
            file.write(chunk)
        return head
    body = answer.raw.read(largest + 1, decode_content=True)
    return (
        Response(answer.status_code, headers, body) if len(body) <= largest else NoResponse(Cause.TOO_LARGE, sent=True)
    )


class Interrupted(KeyboardInterrupt):
    """Waiting was interrupted. The job goes on at the service: `job` is where to resume from."""

    def __init__(self, job: bide.Job) -> None:
        name = f"job {job.handle}" if job.handle else "the submission"
        super().__init__(
            f"waiting was interrupted; {name} may go on at the service: keep bide.dump(error.job) and resume "
            f"with client.wait(bide.load(...)){f', or client.wait({job.handle!r})' if job.handle else ''}"
        )
        self.job = job


class PollingAdvice(UserWarning):
    """The vendor advises against polling as many jobs as this client does."""


class Client:
    """Runs and waits for jobs with one key; use it as a context manager, in one thread at a time.

    `session` is the caller's own, with its adapters, proxies and CA settings; it is left open. Mount a
    `BoundedAdapter` on it to bound slow responses as a whole. Raises `InvalidKey` for a key that is none.
    """

    def __init__(
        self,
        key: str | Secret,
        *,
        dialect: bide.Dialect = bide.ModelRoute(),
        pace: bide.Pace = bide.Growing(),
        patience: bide.Patience = bide.Patience(),
        session: requests.Session | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._key = key if isinstance(key, Secret) else Secret(key)
        self._dialect, self._pace, self._patience = dialect, pace, patience
        self._own = session is None
        self._api = session or _session(_bounded())
        self._storage = _session(self._api)
        self.clock: Clock = clock or SystemClock()
        self._tally = Tally()
        self.quota: bide.Quota | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a session of the caller's stays open."""
        if self._own:
            self._api.close()

    def exchange(self, request: Request, into: Into | None = None) -> Reply:
        """Send one request, with the key only where it belongs."""
        session = self._api if request.credential else self._storage
        return exchange(
            request, session=session, credential=credential_for(request, self._dialect, self._key), into=into
        )

    def prepare(
        self,
        model: str,
        input: dict[str, JSON],  # noqa: A002  the vendor's own word
        *,
        metadata: dict[str, JSON] | None = None,
        webhook_url: str | None = None,
        key: str | None = None,
    ) -> bide.Submitting:
        """A submission with its idempotency key made (or given as `key`), nothing sent yet.

        Keep `bide.dump` of it before following it, and not even a crash can pay twice. Raises `InvalidOrder`.
        """
        order = Order(model, input, key or str(uuid4()), metadata, webhook_url)
        return bide.submit(order, dialect=self._dialect, now=self.clock.now(), pace=self._pace, patience=self._patience)

    def watch(self, job: str | bide.Job) -> bide.Job:
        """The job with this id, or the job itself; nothing is sent yet. Raises `InvalidHandle`."""
        if not isinstance(job, str):
            return job
        return bide.watch(job, dialect=self._dialect, now=self.clock.now(), pace=self._pace, patience=self._patience)

    def follow(self, job: str | bide.Job) -> Iterator[bide.Job]:
        """Each state of a job on its way to the end, given as an id or a job."""
        self._advise()
        for state in follow(self.watch(job), self.exchange, self.clock):
            self.quota = state.past.quota or self.quota
            yield state

    def run(self, model: str, input: dict[str, JSON]) -> bide.Result:  # noqa: A002
        """Submit, wait and return the result; raises the `JobError` that fits, or `Interrupted`."""
        return self.wait(self.prepare(model, input))

    def wait(self, job: str | bide.Job) -> bide.Result:
        """Wait for a job, given as an id or a job; raises the `JobError` that fits, or `Interrupted`."""
        state = self._until(job, lambda state: not isinstance(state, bide.Waiting))
        return bide.unwrap(cast("bide.Finished", state))

    def submit(self, model: str, input: dict[str, JSON]) -> bide.Job:  # noqa: A002
        """Submit and return as soon as the service has acknowledged the job, or refused it."""
        return self._until(self.prepare(model, input), lambda state: not isinstance(state, bide.Submitting))

    def cancel(self, job: str | bide.Job) -> bide.Job:
        """Ask for a job to be ended and return what came of it.

        `Cancelled` when it worked; `Completed` when the job was faster, its result in hand; `Polling` when
        the service refused and the job goes on (its trace tells).
        """
        return self._until(self.cancelling(job), lambda state: not isinstance(state, bide.Cancelling | bide.Fetching))

    def cancelling(self, job: str | bide.Job) -> bide.Job:
        """The job with a cancellation asked for; nothing is sent yet. One that has ended stays as it is."""
        state = self.watch(job)
        return bide.cancel(state, now=self.clock.now()) if isinstance(state, bide.Polling) else state

    def resume(self, token: str | bytes, *, patience: bide.Patience | None = None) -> bide.Job:
        """The job in a token, to be followed or waited for; nothing is sent yet.

        One that was given up gets a fresh deadline, and `patience` counts from now. Raises `InvalidToken`.
        """
        job = bide.load(token, dialect=self._dialect)
        if isinstance(job, bide.Waiting | bide.Abandoned | bide.Lost):
            return bide.resume(job, now=self.clock.now(), patience=patience)
        return job

    def result(self, job: str) -> bide.Result:
        """The result of a job that has completed; raises `JobUnfinished` when it is not over yet."""
        over = self._until(job, lambda state: not isinstance(state, bide.Waiting) or _seen_unfinished(state))
        if isinstance(over, bide.Waiting):
            raise JobUnfinished(f"{job} is {over.past.status or 'not over yet'}: wait for it with wait({job!r})", over)
        return bide.unwrap(over)

    def save(self, result: bide.Result, directory: str | Path) -> list[Path]:
        """Save the result's files into `directory` under their own ids and return the paths.

        An existing file is never replaced. Raises `SaveError`; the result stays at the service.
        """
        return [self._save(file, Path(directory)) for file in result.files]

    def _save(self, name: str, directory: Path) -> Path:
        state = download(name, dialect=self._dialect, now=self.clock.now(), quota=self.quota, patience=self._patience)
        with Part(directory, name) as part:
            done = self._download(state, part)
            if isinstance(done, Undelivered):
                because = f" ({done.problem})" if done.problem else ""
                raise SaveError(
                    f"{name} could not be had: {done.reason.value}{because}; it stays at the service: save again"
                )
            return part.finish(suffix)

    def _download(self, state: Downloading, part: Part) -> Downloaded | Undelivered:
        while True:
            self.clock.sleep_until(state.due)
            part.restart()
            reply = self.exchange(state.request, _file_into(part, state))
            after = state.receive(reply, received=part.size, now=self.clock.now())
            if isinstance(after, Downloaded) and after.body is not None:
                part.write(after.body)
            self.quota = (after.last if isinstance(after, Undelivered) else after).past.quota or self.quota
            if not isinstance(after, Downloading):
                return after
            state = after

    def _until(self, job: str | bide.Job, enough: Callable[[bide.Job], bool]) -> bide.Job:
        state = self.watch(job)
        try:
            for state in self.follow(state):  # noqa: B020  the last state must outlive an interrupt
                if enough(state):
                    break
        except KeyboardInterrupt:
            raise Interrupted(state) from None
        return state

    def _advise(self) -> None:
        self._tally, text = self._tally.count(self._dialect.advice, now=self.clock.now())
        if text:
            warnings.warn(text, PollingAdvice, stacklevel=4)


def _file_into(part: Part, state: Downloading) -> Into:
    return lambda head: part if state.is_file(head) else None


def _seen_unfinished(job: bide.Waiting) -> bool:
    return isinstance(job, bide.Polling) and job.past.polls > 0


def _bounded() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())
    return session


def _session(like: requests.Session) -> requests.Session:
    """A fresh session that goes the same way as `like`, with none of its headers, cookies or credentials."""
    session = requests.Session()
    session.headers["user-agent"] = f"bide {requests.utils.default_user_agent()}"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.proxies, session.verify, session.trust_env = like.proxies, like.verify, like.trust_env
    session.adapters = like.adapters
    return session
