"""The film of a run: what each frame has of its epoch, how long a film gets, and reading it without torch."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load as load_bytes
from safetensors.numpy import load_file, save_file
from small_runs import EPOCHS, config_of, events_of, stopped_run

import vae
from vae.codes import load_codes
from vae.data import load
from vae.errors import CheckpointError
from vae.export import network_payload
from vae.training import film
from vae.training.events import Started
from vae.training.film import Film
from vae.training.film_view import kl_at, latents_at, version_of_frame
from vae.training.journal import FILM, film_frames
from vae.training.run import run

# --- what is written


def test_a_frame_is_the_decoder_and_the_codes_after_that_epoch(done: Path) -> None:
    frames = film_frames(done)
    assert list(frames) == list(range(EPOCHS + 1))
    model, test = vae.load(done), load("digits", "test")
    last = load_file(frames[EPOCHS])
    stored = load_file(done / "latents.safetensors")
    assert last["mu"].shape == (len(test), 3)
    assert {value.dtype for value in last.values()} == {np.dtype(np.float16)}
    np.testing.assert_allclose(last["mu"], stored["mu"], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(last["sigma"], stored["sigma"], rtol=2e-3, atol=2e-3)
    for name, weights in model.decoder.state_dict().items():
        np.testing.assert_allclose(last[f"decoder.{name}"], weights.numpy(), rtol=2e-3, atol=1e-4)
    np.testing.assert_array_equal(load_file(done / "film" / "followed.safetensors")["labels"], test.labels)
    first = load_file(frames[0])
    assert not np.allclose(first["mu"], last["mu"], atol=0.1)


def test_a_frame_can_be_cut_like_any_weights_file(done: Path) -> None:
    payload = network_payload(film_frames(done)[2], "decoder")
    header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
    assert header["__metadata__"]["epoch"] == "2"
    assert "mu" not in header


def test_a_stopped_and_resumed_film_is_the_whole_one(done: Path, tmp_path: Path) -> None:
    stopped_run(config_of(latent_dim=3), tmp_path, epoch=3, batch=2)
    events_of(config_of(latent_dim=3), tmp_path, resume=True)
    for epoch, frame in film_frames(done).items():
        assert film_frames(tmp_path)[epoch].read_bytes() == frame.read_bytes()


def test_an_epoch_that_was_filmed_and_never_saved_is_filmed_anew_and_told_apart(tmp_path: Path) -> None:
    stopped_run(config_of(latent_dim=3), tmp_path, epoch=2, batch=2)
    ahead = tmp_path / FILM / "0002.safetensors"
    ahead.write_bytes(film_frames(tmp_path)[1].read_bytes())  # as a kill between filming and saving leaves it
    os.utime(ahead, ns=(0, 0))
    before = version_of_frame(tmp_path, 2)
    events = run(config_of(latent_dim=3), tmp_path, resume=True)
    next(event for event in events if isinstance(event, Started))
    assert list(film_frames(tmp_path)) == [0, 1]
    for _ in events:
        pass
    assert load_file(ahead)["mu"].shape == (len(load("digits", "test")), 3)
    assert version_of_frame(tmp_path, 2) != before
    assert version_of_frame(tmp_path, 99) == 0


@pytest.mark.parametrize(("epochs", "most"), [(9, 4), (16, 5), (40, 2), (7, 100)])
def test_a_long_film_keeps_every_so_many_frames_and_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int, most: int
) -> None:
    monkeypatch.setattr(film, "MOST_FRAMES", most)
    model = vae.models.build(config_of().model, (1, 8, 8))
    kept = Film(tmp_path, load("digits", "test").head(3), 0)
    for epoch in range(epochs + 1):
        kept.add(epoch, model)
        found = list(film_frames(tmp_path))
        assert len(found) <= most
        assert found[0] == 0
        assert found[-1] == epoch
        steps = set(np.diff(found[:-1]))
        assert len(steps) <= 1
        assert len(found) > most / 2 or len(found) == epoch + 1


def test_the_film_has_a_bound_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = vae.models.build(config_of().model, (1, 8, 8))
    kept = Film(tmp_path, load("digits", "test"), 0)
    kept.add(0, model)
    size = film_frames(tmp_path)[0].stat().st_size
    monkeypatch.setenv("VAE_FILM_BYTES", str(5 * size))
    for epoch in range(1, 30):
        kept.add(epoch, model)
    assert sum(path.stat().st_size for path in film_frames(tmp_path).values()) <= 5 * size + 5 * 8


def test_codes_too_large_for_a_half_are_the_largest_half(tmp_path: Path) -> None:
    model = vae.models.build(config_of().model, (1, 8, 8))
    with torch.no_grad():
        for weights in model.encoder.parameters():
            weights.mul_(1e3)
    Film(tmp_path, load("digits", "test"), 0).add(0, model)
    assert np.isfinite(load_file(film_frames(tmp_path)[0])["mu"]).all()


# --- what is read


def test_the_last_epoch_is_the_checkpoint_up_to_half_precision(done: Path) -> None:
    stored, filmed = load_codes(done), load_bytes(latents_at(done, EPOCHS))
    assert stored.sigma is not None
    np.testing.assert_allclose(filmed["mu"], stored.mu, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(filmed["sigma"], stored.sigma, rtol=1e-3)
    np.testing.assert_array_equal(filmed["labels"], np.asarray(load("digits", "test").labels))
    assert {value.dtype.str for value in filmed.values()} == {"<f4", "<i4"}


def test_an_earlier_epoch_is_another_and_a_latents_file_as_a_checkpoint_has_it(done: Path, tmp_path: Path) -> None:
    (tmp_path / "latents.safetensors").write_bytes(latents_at(done, 1))
    assert not np.allclose(load_codes(tmp_path).mu, load_codes(done).mu, atol=0.01)


def test_kl_is_what_the_run_told_the_second_telling_counts(done: Path, tmp_path: Path) -> None:
    card = json.loads((done / "card.json").read_text())
    assert kl_at(done, EPOCHS) == pytest.approx(card["metrics"]["kl_per_dimension"], rel=1e-4)
    assert kl_at(done, 0) is None
    told = [
        json.dumps({"n": n, "time": 0.0, "event": "epoch_done", "epoch": 1, "test": {"kl_per_dimension": kl}})
        for n, kl in enumerate(([1.0, 2.0], [3.0, 4.0], "edited"))
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(told[:2]))
    assert kl_at(tmp_path, 1) == [3.0, 4.0]
    (tmp_path / "events.jsonl").write_text(told[2])
    assert kl_at(tmp_path, 1) is None


def test_what_is_not_in_the_film_is_said_to_be(done: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"no epoch {EPOCHS + 1}"):
        latents_at(done, EPOCHS + 1)
    (tmp_path / FILM).mkdir()
    (tmp_path / FILM / "0001.safetensors").write_bytes(b"half a")
    with pytest.raises(CheckpointError, match=r"0001\.safetensors is missing, damaged"):
        latents_at(tmp_path, 1)
    save_file({"other": np.zeros(1, np.float32)}, tmp_path / FILM / "0001.safetensors")
    save_file({"other": np.zeros(1, np.float32)}, tmp_path / FILM / "followed.safetensors")
    with pytest.raises(CheckpointError, match="holds no codes"):
        latents_at(tmp_path, 1)
