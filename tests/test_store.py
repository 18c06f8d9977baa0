"""A shared store: what is published is what others read, whole or not at all. On stores in memory and on disk."""

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest

import vae
from tests.serving import ROOT
from ui import background
from vae import library
from vae.card import read_card
from vae.errors import CheckpointError, StoreError
from vae.library import list_cards
from vae.store import IN_ORDER, mirror, publish

SHIPPED = ROOT / "checkpoints"
DIGITS = SHIPPED / "digits-vae-2d"


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path}/shared/models"
        return
    yield "memory://bucket/models"
    fsspec.filesystem("memory").store.clear()


def files_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in IN_ORDER}


def test_what_is_published_is_what_another_machine_loads(url: str, tmp_path: Path) -> None:
    address = publish(DIGITS, url)
    assert address == f"{url}/digits-vae-2d"
    here = tmp_path / "here"
    assert mirror(url, here) == ["digits-vae-2d"]
    assert files_of(here / "digits-vae-2d") == files_of(DIGITS)
    assert sorted(path.name for path in here.iterdir()) == ["digits-vae-2d"]  # nothing temporary is left
    assert [entry.card.name for entry in list_cards(here).cards] == ["digits-vae-2d"]
    model = vae.load(here / "digits-vae-2d")
    assert model.card == vae.load(DIGITS).card
    assert mirror(url, here) == []


def test_where_one_s_own_images_lie_is_not_published(url: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(DIGITS, mine)
    card = read_card(DIGITS)
    config = card.config.model_copy(update={"dataset": f"folder:{tmp_path}/private/pets"})
    (mine / "card.json").write_text(card.model_copy(update={"config": config}).model_dump_json())
    publish(mine, url)
    mirror(url, tmp_path / "here")
    assert read_card(tmp_path / "here" / "mine").config.dataset == "folder:pets"
    for content in files_of(tmp_path / "here" / "mine").values():
        assert str(tmp_path).encode() not in content


def test_a_name_is_published_once(url: str, tmp_path: Path) -> None:
    publish(DIGITS, url)
    other = tmp_path / "digits-vae-2d"
    shutil.copytree(SHIPPED / "digits-ae-2d", other)
    with pytest.raises(StoreError, match="has a model named digits-vae-2d already"):
        publish(other, url)
    mirror(url, tmp_path / "here")
    assert files_of(tmp_path / "here" / "digits-vae-2d") == files_of(DIGITS)


def test_what_goes_from_the_store_goes_here(url: str, tmp_path: Path) -> None:
    for name in ("digits-vae-2d", "digits-ae-2d"):
        publish(SHIPPED / name, url)
    here = tmp_path / "here"
    assert mirror(url, here) == ["digits-ae-2d", "digits-vae-2d"]
    files, root = fsspec.core.url_to_fs(url)
    files.rm(f"{root}/digits-ae-2d", recursive=True)
    assert mirror(url, here) == []
    assert [path.name for path in here.iterdir()] == ["digits-vae-2d"]


def test_half_a_checkpoint_and_a_foreign_card_are_left_out(url: str, tmp_path: Path) -> None:
    publish(DIGITS, url)
    files, root = fsspec.core.url_to_fs(url)
    for name in ("half", "foreign"):
        files.makedirs(f"{root}/{name}")
    files.pipe_file(f"{root}/half/card.json", (DIGITS / "card.json").read_bytes())
    for name in IN_ORDER:
        files.pipe_file(f"{root}/foreign/{name}", b"{}")
    here = tmp_path / "here"
    assert mirror(url, here) == ["digits-vae-2d"]
    assert [path.name for path in here.iterdir()] == ["digits-vae-2d"]
    # Once it is whole it comes.
    for name in IN_ORDER[:2]:
        files.pipe_file(f"{root}/half/{name}", (DIGITS / name).read_bytes())
    assert mirror(url, here) == ["half"]


def test_a_store_that_does_not_answer_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"file://{tmp_path}/shared"
    publish(DIGITS, url)
    here = tmp_path / "here"
    mirror(url, here)

    def down(*_: Any, **__: Any) -> Any:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "glob", down)
    with pytest.raises(StoreError, match="does not answer as it should: no route to host"):
        mirror(url, here)
    assert files_of(here / "digits-vae-2d") == files_of(DIGITS)


@pytest.mark.parametrize(
    "url",
    ["nosuch://bucket/models", "http://[/models", "https://localhost:1/models", "sftp://", "zip://x"],
)
def test_an_address_that_leads_nowhere_is_one_sentence(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        publish(DIGITS, url)
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_checkpoint_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        publish(tmp_path, "memory://bucket/none")
    shutil.copytree(DIGITS, tmp_path / "half")
    (tmp_path / "half" / "latents.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"latents\.safetensors cannot be read"):
        publish(tmp_path / "half", "memory://bucket/none")
    assert not fsspec.filesystem("memory").exists("/bucket/none")


def test_the_server_mirrors_the_store_and_survives_its_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, said = f"file://{tmp_path}/shared", []
    monkeypatch.setattr(background._log, "warning", lambda text, *values: said.append(text % values))
    monkeypatch.setattr(library, "STORE", tmp_path / "here")
    monkeypatch.setattr(background, "SECONDS_BETWEEN_LOOKS", 0.01)

    async def watched() -> None:
        silent = asyncio.create_task(background.mirror_store("nosuch://bucket"))
        while not said:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        silent.cancel()
        publish(DIGITS, url)
        answering = asyncio.create_task(background.mirror_store(url))
        while not (tmp_path / "here" / "digits-vae-2d").exists():
            await asyncio.sleep(0.01)
        answering.cancel()

    with ThreadPoolExecutor(1) as elsewhere:  # a browser that other tests drive has a loop in this thread
        elsewhere.submit(lambda: asyncio.run(asyncio.wait_for(watched(), 60))).result()
    assert [text.partition(":")[0] for text in said] == ["Models of the store are as they were"]
