"""What SDK authors and their users are given: `make_fixture`, `cassettes`, and a service that is not there."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import trio

import bide
from bide.dialect import Dialect, Phase
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.errors import InvalidSetting, JobExpired, JobFailed
from bide_transports import trio as over_trio
from bide_transports.cassette.files import load, save
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import InvalidCassette, Open
from bide_transports.emulator import VirtualClock
from bide_transports.requests import Client
from bide_transports.testing.fake_server import FakeServer
from bide_transports.testing.fixtures import cassettes
from tests.cassette.scenes import RECORDED
from tests.cassette.suite import ONE_TEST, Suite

pytest_plugins = ("pytester",)

FOX = {"prompt": "a fox"}
SCRIPT = Script().state(2.5, "PROCESSING", progress=0.2).state(14.2, "COMPLETED").result("a fox in words")
FAILS = Script().state(3, "FAILED")
COMPLETES = RECORDED / "a-job-that-completes.cassette.jsonl"


def test_one_line_in_a_conftest_sets_the_fixture_up(suite: Suite) -> None:
    made = """
from bide_transports.testing.fixtures import make_fixture

SECRET = "hush-hush-4711"
settings = make_fixture(
    keep=["x-of-our-own"],
    secrets=[SECRET, None, ""],
)
"""
    conftest = (suite.path / "conftest.py").read_text()
    suite.pytester.makeconftest(f"{conftest}\n{made}")
    suite.tests(
        test_a="""
        import bide
        from bide_transports.cassette.scripted.script import Script
        from bide_transports.requests import run

        def test_fox(cassette_settings, cassette):
            order = bide.Order("flux-1.1-pro", {"prompt": "a fox called hush-hush-4711"}, "key-1")
            stage = Script().state(9, "COMPLETED").stage(order=order)
            job = bide.submit(order, dialect=bide.ModelRoute(), now=stage.clock.now())
            assert isinstance(run(*cassette.lane(job, stage.exchange, stage.clock)), bide.Completed)
            assert len(stage.submitted) == (cassette.mode == "record")
            assert cassette_settings.rules.keep == ("x-of-our-own",)
            assert cassette_settings.rules.secrets == ("hush-hush-4711",)
        """
    )
    suite.run("--cassette=record").assert_outcomes(passed=1)
    (file,) = suite.files()
    assert "hush-hush" not in (suite.path / file).read_text()
    suite.run().assert_outcomes(passed=1)


def test_the_tests_on_the_page_run_as_they_stand(suite: Suite) -> None:
    page = Path(__file__).parents[2] / "docs" / "testing.md"
    found: list[str] = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    suite.tests(**{"tests/test_render": "".join(found)})
    script = Script().refuse(429, retry_after=7, at=3.0).state(14.2, "COMPLETED")
    file = suite.path / "tests/cassettes/test_render/test_a_fox_is_rendered.cassette.jsonl"
    save(script.cassette(order=bide.Order("flux-1.1-pro", FOX, "key-1")), file)
    suite.run("-k", "fox_is_rendered or decisions_still").assert_outcomes(passed=2, deselected=1)


def test_all_cassettes_are_parameters_with_names(suite: Suite) -> None:
    suite.tests(
        **{
            "tests/test_a": ONE_TEST,
            "tests/deep/test_all": """
            import pytest
            from bide_transports.testing.fixtures import cassettes

            @pytest.mark.parametrize("cassette_file", cassettes("tests/cassettes/**"), ids=str)
            def test_decisions(cassette_file):
                assert cassette_file.verify().lanes == 1
            """,
        }
    )
    suite.run("--cassette=record", "tests/test_a.py").assert_outcomes(passed=1)
    result = suite.run("-v", "tests/deep")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_decisions[[]tests/cassettes/test_a/test_fox[]]*"])


def test_patterns_find_files_and_directories_and_never_nothing() -> None:
    recorded = cassettes("recorded")
    assert {file.path for file in recorded} == set(RECORDED.glob("*.cassette.jsonl"))
    assert [str(file) for file in recorded] == sorted(str(file) for file in recorded)
    assert cassettes("tests/cassette/recorded/*.jsonl") == [
        replace(file, name=f"tests/cassette/{file.name}") for file in recorded
    ]
    (one,) = cassettes("recorded/a-job-that-completes*")
    assert (one.verify().lanes, one.load(), str(one)) == (1, load(COMPLETES), "recorded/a-job-that-completes")
    with pytest.raises(InvalidCassette, match="there is no cassette nowhere"):
        cassettes("recorded", "nowhere/**")


def test_a_script_answers_a_client_in_no_time() -> None:
    fake = FakeServer(SCRIPT)
    with Client("any-key", tape=fake) as client:
        result = client.run("flux-1.1-pro", FOX)
    assert isinstance(result.output, dict)
    assert result.output["text"] == "a fox in words"
    assert [(order.model, order.input) for order in fake.orders] == [("flux-1.1-pro", FOX)]
    assert [request.method for request in fake.requests[:2]] == ["POST", "GET"]


def test_each_job_has_its_own_time_and_name() -> None:
    fake = FakeServer(SCRIPT)
    with Client("any-key", tape=fake, patience=bide.Patience(deadline=60)) as client:
        jobs = [client.submit("flux-1.1-pro", FOX) for _ in range(3)]
        assert len({job.handle for job in jobs}) == 3
        assert isinstance(client.cancel(jobs[1]), bide.Cancelled)
        assert client.wait(jobs[0]).output
        assert client.wait(str(jobs[2].handle)).output
        assert client.wait("exec-of-another-process").output
    assert len(fake.orders) == 3


def test_jobs_get_the_parts_in_turn_and_the_last_goes_on() -> None:
    with Client("any-key", tape=FakeServer(FAILS, RECORDED / "expires.cassette.jsonl", SCRIPT)) as client:
        with pytest.raises(JobFailed):
            client.run("flux-1.1-pro", FOX)
        with pytest.raises(JobExpired):
            client.run("flux-1.1-pro", FOX)
        assert client.run("flux-1.1-pro", FOX).output == client.run("flux-1.1-pro", FOX).output


def test_both_clients_get_the_same() -> None:
    async def by_trio(fake: FakeServer) -> bide.Result:
        async with over_trio.Client("any-key", tape=fake) as client:
            return await client.run("flux-1.1-pro", FOX)

    for source in (SCRIPT, load(COMPLETES)):
        one, other = FakeServer(source), FakeServer(source)
        with Client("any-key", tape=one) as client:
            assert client.run("flux-1.1-pro", FOX).output == trio.run(by_trio, other).output


def test_a_hundred_jobs_at_once_over_trio() -> None:
    done: list[bide.Result] = []

    async def main() -> None:
        async with over_trio.Client("any-key", tape=fake) as client, trio.open_nursery() as nursery:

            async def one(number: int) -> None:
                done.append(await client.run("flux-1.1-pro", {"prompt": f"{number} foxes"}))

            for number in range(100):
                nursery.start_soon(one, number)

    fake = FakeServer(SCRIPT)
    trio.run(main)
    assert len(done) == len(fake.orders) == 100


@pytest.mark.parametrize("vendor", names())
def test_scripts_are_told_by_every_vendor(vendor: str) -> None:
    script = Script().state(5, phase=Phase.SUCCEEDED)
    call = named(vendor).submit
    takes_input = call is not None and call.gaps & {"input", "input_json"}  # a DELETE has no place for any
    with Client("any-key", dialect=Declared(named(vendor)), tape=FakeServer(script)) as client:
        assert client.run("model-1", FOX if takes_input else {}) is not None


def test_a_cassette_takes_any_order_and_any_pace_and_is_of_today() -> None:
    fake = FakeServer(COMPLETES)
    for pace in (bide.Every(1), bide.Every(7), bide.Growing()):
        with Client("any-key", tape=fake, pace=pace, patience=bide.Patience(deadline=90)) as client:
            job = client.submit("some-other-model", {"prompt": "a hen", "steps": 4})
            assert client.wait(job).files


def test_a_cassette_of_another_service_is_refused() -> None:
    with (
        Client("any-key", dialect=Declared(named("replicate")), tape=FakeServer(COMPLETES)) as client,
        pytest.raises(InvalidCassette, match=r"speaks modelroute, and the client replicate"),
    ):
        client.run("model-1", FOX)


def test_nothing_to_play_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="a script or a cassette"):
        FakeServer()
    cassette = load(COMPLETES)
    empty = tmp_path / "empty.cassette.jsonl"
    save(replace(cassette, events=(Open("other#1", 0),)), empty)
    with pytest.raises(InvalidCassette, match="has no job"):
        FakeServer(empty)


@pytest.mark.parametrize("source", [SCRIPT, COMPLETES], ids=["script", "cassette"])
def test_on_loopback_it_answers_a_client_of_any_kind(source: Script | Path) -> None:
    clock, fake = VirtualClock(), FakeServer(source)
    with fake.serve(clock=clock.now) as url:
        with Client("any-key", dialect=bide.ModelRoute(url), clock=clock) as client:
            began = clock.now()
            assert client.run("flux-1.1-pro", FOX).output
            assert 14 < clock.now() - began < 30
            assert client.run("flux-1.1-pro", FOX).output
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{url}/nothing", timeout=10)
        with refused.value as reply:
            assert reply.code == 404
    assert len({request.url for request in fake.requests if request.url.endswith("executions")}) == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "fake server"]


@pytest.mark.parametrize("vendor", ["azure-arm", "replicate", "fal", "aws-transcribe"])
def test_on_loopback_addresses_in_replies_lead_to_it(vendor: str) -> None:
    dialect, clock = Declared(named(vendor)), VirtualClock()
    fake = FakeServer(Script().state(5, phase=Phase.SUCCEEDED))
    with fake.serve(dialect, clock=clock.now) as url:
        here: Dialect = Declared(named(vendor), url)
        with Client("any-key", dialect=here, clock=clock) as client:
            assert client.run("model-1", FOX) is not None


def test_a_connection_that_a_script_drops_is_dropped_on_loopback() -> None:
    clock, fake = VirtualClock(), FakeServer(SCRIPT.drop(at=5.0).refuse(503, retry_after=3, at=8.0))
    with fake.serve(clock=clock.now) as url, Client("k", dialect=bide.ModelRoute(url), clock=clock) as client:
        job = client.resume(client.prepare("flux-1.1-pro", FOX))
        *_, last = client.follow(job)
    assert isinstance(last, bide.Completed)
    told = json.dumps([event.what for event in last.past.trace])
    assert "poll: the connection was cut" in told
    assert "503" in told
