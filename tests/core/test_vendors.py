"""The declarations that come with bide: each reply as the vendor documents it, and what the machine makes of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

import bide
from bide.dialects import vendors
from bide.dialects.calls import Call
from bide.dialects.declaration import STANDARD_WEBHOOKS, Declaration
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.errors import InvalidHandle, InvalidOrder, NotOffered
from tests.core.vendors_all import VENDORS
from tests.core.vendors_changes import changes, member
from tests.core.vendors_scene import Scene, Vendor, known, played
from tests.laws import START
from tests.sampling import some

FOLDER = Path(vendors.__file__).parent
SCENES = [
    pytest.param(vendor, scene, id=f"{vendor.name}: {scene.title}") for vendor in VENDORS for scene in vendor.scenes
]
CHANGES = some(
    ((vendor, *change) for vendor in VENDORS for change in changes(named(vendor.name))),
    kind=lambda change: member(change[1]),
)
NOT_CANCELLED = (
    "azure-arm",
    "azure-arm-action",
    "azure-arm-delete",
    "azure-arm-patch",
    "openai-videos",
    "aws-transcribe",
)
each_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
each_name = pytest.mark.parametrize("name", names())


def holds(scene: Scene, vendor: Vendor, declaration: Declaration) -> bool:
    """Whether the scene ends as documented."""
    try:
        facts = known(played(scene, vendor, declaration))
    except (ValueError, AssertionError):  # a request that cannot be made, or replies to a job that is over
        return False
    return all(name in facts and facts[name] == value for name, value in scene.told.items())


@pytest.mark.parametrize(("vendor", "scene"), SCENES)
def test_a_scene_ends_as_documented(vendor: Vendor, scene: Scene) -> None:
    job = played(scene, vendor, named(vendor.name))
    facts = known(job)
    assert {name: facts[name] for name in scene.told} == scene.told
    assert bide.load(bide.dump(job), dialect=job.terms.dialect) == job


@each_vendor
def test_every_entry_is_needed_by_a_scene(vendor: Vendor) -> None:
    mine = [(what, changed) for whose, what, changed in CHANGES if whose is vendor]
    unnoticed = [what for what, changed in mine if all(holds(scene, vendor, changed) for scene in vendor.scenes)]
    assert unnoticed == []


def test_every_vendor_has_scenes() -> None:
    assert sorted(vendor.name for vendor in VENDORS) == list(names())


# -- the folder --------------------------------------------------------------------------------------------------------


def test_every_module_in_the_folder_is_a_declaration_by_its_own_name() -> None:
    stems = sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert list(names()) == stems
    assert [named(name).name for name in names()] == stems


@each_name
def test_a_declaration_is_frozen_and_says_where_it_is_from(name: str) -> None:
    declaration = named(name)
    with pytest.raises(FrozenInstanceError):
        declaration.name = "mine"  # type: ignore[misc]
    assert declaration.source.startswith("https://")
    assert Declared(declaration).origin.startswith("https://")
    lines = (FOLDER / f"{name.replace('-', '_')}.py").read_text("utf-8").splitlines()
    assert lines[0].startswith('"""')
    assert 15 <= len(lines) <= 70


@pytest.mark.parametrize("name", ["acme", "", "azure_arm", "../written", "__init__", "Replicate"])
def test_an_unknown_name_is_told_what_there_is(name: str) -> None:
    with pytest.raises(NotOffered) as caught:
        named(name)
    assert ", ".join(names()) in str(caught.value)


def test_a_vendor_more_is_a_file_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "from bide.dialects.declaration import Declaration\nDECLARATION = Declaration('acme-x', 'https://acme.example')"
    )
    (tmp_path / "acme_x.py").write_text(text, "utf-8")
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "bide.dialects.vendors.acme_x", raising=False)
    assert "acme-x" in names()
    assert named("acme-x") == Declaration("acme-x", "https://acme.example")
    monkeypatch.delitem(sys.modules, "bide.dialects.vendors.acme_x")


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("import bide", ""),
        ("from bide.dialects.vendors import named; named('runway')", " runway"),
    ],
)
def test_no_vendor_is_imported_before_it_is_named(statement: str, loaded: str) -> None:
    prefix = "bide.dialects.vendors."
    show = f"import sys; print('', *(m[{len(prefix)}:] for m in sys.modules if m.startswith('{prefix}')), end='')"
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{show}"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.rstrip() == loaded


# -- what no reply shows -----------------------------------------------------------------------------------------------


def test_whose_webhooks_can_be_verified() -> None:
    signed = {name: named(name).webhook for name in names() if named(name).webhook is not None}
    assert signed == {
        "openai-batches": STANDARD_WEBHOOKS,
        "openai-videos": STANDARD_WEBHOOKS,
        "replicate": replace(STANDARD_WEBHOOKS, job=("id",), kind=("status",)),
    }


@each_vendor
def test_what_an_order_may_bring(vendor: Vendor) -> None:
    dialect = Declared(named(vendor.name))
    model = vendor.order.model
    for taken, order in (
        (vendor.name == "replicate", bide.Order(model, {}, webhook_url="https://hooks.example/1")),
        (vendor.name == "openai-batches", bide.Order(model, {}, metadata={"run": "7"})),
    ):
        if taken:
            assert dialect.submit(order).body
        else:
            with pytest.raises(InvalidOrder, match="has no place for a"):
                dialect.submit(order)


@each_vendor
def test_who_offers_no_cancellation(vendor: Vendor) -> None:
    job = bide.submit(vendor.order, dialect=Declared(named(vendor.name)), now=START).receive(vendor.accepted, now=START)
    assert isinstance(job, bide.Polling)
    if vendor.name in NOT_CANCELLED:
        with pytest.raises(NotOffered):
            bide.cancel(job, now=START)
    else:
        assert isinstance(bide.cancel(job, now=START), bide.Cancelling)


@pytest.mark.parametrize("name", ["aws-transcribe", "aws-step-functions"])
def test_a_job_that_is_named_in_a_body_has_no_address(name: str) -> None:
    with pytest.raises(InvalidHandle, match=r"give what fits \{id\}"):
        bide.watch("https://states.us-east-1.amazonaws.com/7", dialect=Declared(named(name)), now=START)


def test_another_version_of_an_azure_api() -> None:
    call = Call("PUT", ("/{model}",), query=(("api-version", "2024-07-01"),), body={"...": "{input}"})
    dialect = Declared(replace(named("azure-arm"), submit=call))
    request = dialect.submit(bide.Order("subscriptions/1/x", {"location": "westus"}))
    assert request.url == "https://management.azure.com/subscriptions/1/x?api-version=2024-07-01"
    assert request.body == b'{"location":"westus"}'


@pytest.mark.parametrize(
    ("name", "base_url", "handle", "url"),
    [
        ("aws-transcribe", "https://transcribe.eu-west-1.amazonaws.com", "i-7", "/"),
        (
            "azure-core",
            "https://mine.cognitiveservices.azure.com",
            "https://mine.cognitiveservices.azure.com/o/7",
            "/o/7",
        ),
        ("google-lro", "https://speech.googleapis.com/v1", "operations/7", "/operations/7"),
        ("ogc-processes", "https://maps.example/ogc", "7", "/jobs/7"),
    ],
)
def test_another_region_or_service(name: str, base_url: str, handle: str, url: str) -> None:
    job = bide.watch(handle, dialect=Declared(named(name), base_url=base_url), now=START)
    assert job.request.url == f"{base_url}{url}"
    assert job.request.credential
