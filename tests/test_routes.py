"""What the app serves to the browser beside its pages, asked for over HTTP of a running server."""

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from safetensors import deserialize

from tests.made_models import MANY, STROKES, TORN, WIDE, make_models
from tests.serving import app_on, serve
from ui.models import ModelOption, hash_of_file, model_options
from ui.routes import payload_url
from vae.classifier.card import classifier_file
from vae.export import network_payload
from vae.library import list_cards
from vae.training.journal import RunState, now, write_state


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models at hand, and one more in a folder beside theirs that nobody may ask for."""
    folder = tmp_path_factory.mktemp("home") / "models"
    make_models(folder)
    copytree(folder / STROKES, folder.parent / "secret")
    return folder


@pytest.fixture(scope="module")
def address(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("app")
    with serve(app_on(models, folder), folder / "log.txt") as url:
        yield urlsplit(url).netloc


def ask(address: str, path: str, method: str = "GET", accept: str = "identity") -> Answer:
    """One request, its path sent as it is given: a client that tidied it would hide what the server does."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("Accept-Encoding", accept)
        connection.endheaders()
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def option_of(models: Path, name: str) -> ModelOption:
    (entry,) = (entry for entry in list_cards(models).cards if entry.folder.name == name)
    return ModelOption(name, entry.folder, entry.card)


@pytest.mark.parametrize("name", [STROKES, MANY, WIDE])
@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_a_part_of_a_network_comes_whole(address: str, models: Path, name: str, part: str) -> None:
    answer = ask(address, payload_url(option_of(models, name), part))
    assert answer.status == 200
    assert answer.body == network_payload(models / name / "weights.safetensors", part)  # pyright: ignore[reportArgumentType]
    assert all(tensor.startswith(part) for tensor, _ in deserialize(answer.body))


def test_the_codes_come_as_they_were_stored(address: str, models: Path) -> None:
    answer = ask(address, payload_url(option_of(models, MANY), "latents"))
    assert answer.status == 200
    assert answer.body == (models / MANY / "latents.safetensors").read_bytes()


def test_only_what_the_hash_names_may_be_kept_for_good(address: str, models: Path) -> None:
    url = payload_url(option_of(models, STROKES), "decoder")
    plain = url.split("?")[0]
    named = ask(address, url)
    assert "immutable" in named.headers["cache-control"]
    assert int(named.headers["cache-control"].split("max-age=")[1].split(",")[0]) >= 30 * 24 * 3600
    for other in (plain, f"{plain}?v=", f"{plain}?v=0123", f"{url}0"):
        assert ask(address, other).headers["cache-control"] == "no-store"
        assert ask(address, other).body == named.body


def test_weights_are_not_compressed_at_each_request(address: str, models: Path) -> None:
    answer = ask(address, payload_url(option_of(models, MANY), "decoder"), accept="gzip, br")
    assert answer.headers["content-encoding"] == "identity"
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_the_hash_changes_when_weights_or_codes_do_and_only_then(tmp_path: Path) -> None:
    make_models(tmp_path)
    option = option_of(tmp_path, STROKES)
    seen = [option.file_hash]
    os.utime(option.folder / "weights.safetensors", ns=(0, 0))
    assert option.file_hash == seen[0]
    for name in ("weights.safetensors", "latents.safetensors"):
        path = option.folder / name
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        seen.append(option.file_hash)
    assert len(set(seen)) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/api/models/nobody/decoder.safetensors",
        f"/api/models/{STROKES}/prior.safetensors",
        f"/api/models/{STROKES}/card.json",
        f"/api/models/{STROKES}/.safetensors",
        f"/api/models/{STROKES}%00/decoder.safetensors",
        "/api/models/secret/decoder.safetensors",
        "/api/models/../secret/decoder.safetensors",
        "/api/models/%2e%2e/secret/decoder.safetensors",
        "/api/models/..%2fsecret/decoder.safetensors",
        "/api/models/%2e%2e%2fsecret/latents.safetensors",
        "/api/models/..%5csecret/decoder.safetensors",
        f"/api/models/{STROKES}/..%2f..%2fsecret%2flatents.safetensors",
        f"/api/models/{STROKES}/../../secret/weights.safetensors",
        f"/api/models/{STROKES}/weights.safetensors",
    ],
)
def test_nothing_else_is_served(address: str, models: Path, path: str) -> None:
    answer = ask(address, path)
    # An address that no route knows may show the app's page.
    assert 400 <= answer.status < 500 or answer.headers["content-type"].startswith("text/html")
    assert b"decoder.0.weight" not in answer.body
    assert (models.parent / "secret" / "latents.safetensors").read_bytes() not in answer.body


def test_an_unknown_name_is_answered_with_a_sentence(address: str) -> None:
    answer = ask(address, "/api/models/nobody/decoder.safetensors")
    assert answer.status == 404
    assert "nobody" in json.loads(answer.body)["error"]


def test_damaged_weights_are_answered_with_a_sentence(address: str, models: Path) -> None:
    answer = ask(address, payload_url(option_of(models, TORN), "decoder"))
    assert answer.status == 404
    sentence = json.loads(answer.body)["error"]
    assert "damaged" in sentence
    assert "weights.safetensors" in sentence
    assert "Traceback" not in sentence


def test_nothing_can_be_sent_there(address: str, models: Path) -> None:
    assert ask(address, payload_url(option_of(models, STROKES), "decoder"), method="POST").status == 405


def test_every_shipped_model_can_be_asked_for() -> None:
    for option in model_options().values():
        assert network_payload(option.folder / "weights.safetensors", "decoder")
        assert (option.folder / "latents.safetensors").is_file()


def test_a_classifier_comes_as_it_was_shipped_and_may_be_kept(address: str) -> None:
    path = classifier_file("digits")
    assert path is not None
    answer = ask(address, f"/api/classifiers/digits.safetensors?v={hash_of_file(path)}")
    assert answer.status == 200
    assert answer.body == path.read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert ask(address, "/api/classifiers/digits.safetensors?v=old").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["nobody", "..%2fmnist-vae-2d%2fweights", "../mnist-vae-2d/weights", "digits%00"])
def test_no_other_classifier_is_served(address: str, name: str) -> None:
    answer = ask(address, f"/api/classifiers/{name}.safetensors")
    assert 400 <= answer.status < 500 or answer.headers["content-type"].startswith("text/html")
    assert b"vae-network" not in answer.body


def test_a_run_s_weights_go_to_those_who_may_see_the_run(models: Path, tmp_path: Path) -> None:
    ann, ben = "a" * 32, "b" * 32
    app = app_on(models, tmp_path)
    for name, owner in (("of-ann", ann), ("of-anybody", None)):
        folder = tmp_path / "runs" / name
        copytree(models / STROKES, folder)
        when = now()
        write_state(folder, RunState(status="done", epoch=1, epochs=1, owner=owner, created=when, updated=when))
    with serve(app, tmp_path / "log.txt") as url:

        def status(name: str, visitor: str | None) -> int:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
            connection.request(
                "GET",
                f"/api/models/{name}/decoder.safetensors",
                headers={"Cookie": f"vae_visitor={visitor}"} if visitor else {},
            )
            return connection.getresponse().status

        assert [status("of-ann", who) for who in (ann, ben, None)] == [200, 404, 404]
        assert [status("of-anybody", who) for who in (ann, ben, None)] == [200, 200, 200]
        assert status(STROKES, ben) == 200
