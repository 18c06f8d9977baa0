"""What the browser keeps of what a run told it, against the run's own account of its changes; and how it puts it."""

from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

import ui.train
from vae.card import Change
from vae.config import TrainingConfig
from vae.training.changes import settings_at, with_change

pytestmark = pytest.mark.browser

HERE = Path(ui.train.__file__).parent
EPOCHS, BATCHES, BATCH_SIZE = 6, 4, 10
IMAGES = BATCHES * BATCH_SIZE - 3  # the last batch is not full
HEAR = "answers => answers.reduce(withNews, NOTHING_TOLD)"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page: what is tested here draws nothing."""
    page = browser.new_page()
    for name in ("told.js", "transport.js"):
        page.add_script_tag(path=HERE / name)
    yield page
    page.close()


def answer(**news: Any) -> dict[str, Any]:
    """What the server says at a time when it has no other news."""
    nothing = {"epochs": [], "gaps": [], "changes": [], "images": None, "frames": [], "last": 0}
    began = {"trains": "both", "exact_gap_images": 0, "batch_size": BATCH_SIZE}
    return nothing | {"settings": began, "state": {"status": "running", "epoch": EPOCHS}} | news


def test_an_epoch_that_is_told_again_counts_once_as_told_last(page: Page) -> None:
    first = [{"epoch": epoch, "kl": [0.0]} for epoch in (1, 2, 3, 4)]
    again = [{"epoch": epoch, "kl": [1.0]} for epoch in (3, 4, 5)]
    told = page.evaluate(HEAR, [answer(epochs=first, images=IMAGES), answer(epochs=again), answer(gaps=first[1:2])])
    assert [(entry["epoch"], entry["kl"]) for entry in told["epochs"]] == [
        (1, [0.0]), (2, [0.0]), (3, [1.0]), (4, [1.0]), (5, [1.0]),
    ]  # fmt: skip
    assert told["gaps"] == first[1:2]
    assert told["images"] == IMAGES


def changes_of(name: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    places = {"epoch": st.integers(1, EPOCHS), "batch": st.integers(0, BATCHES - 1)}
    return st.builds(Change, **places, name=st.just(name), old=values, new=values)


CHANGES = st.lists(
    changes_of("trains", st.sampled_from(["both", "encoder", "decoder"]))
    | changes_of("exact_gap_images", st.integers(0, 64)),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(made=CHANGES, cut=st.integers(0, 8))
def test_changes_are_those_of_the_run(page: Page, made: list[Change], cut: int) -> None:
    said = [{"epoch": each.epoch, "batch": each.batch, "name": each.name, "value": each.new} for each in made]
    told = page.evaluate(HEAR, [answer(images=IMAGES, changes=said[:cut]), answer(changes=said[cut:])])
    kept: list[Change] = reduce(with_change, made, [])
    assert [(each["name"], each["epoch"], each["batch"], each["value"]) for each in told["changes"]] == [
        (each.name, each.epoch, each.batch, each.new) for each in kept
    ]

    at_the_end = settings_at(TrainingConfig(), kept, EPOCHS, BATCHES)
    for name in ("trains", "exact_gap_images"):
        assert page.evaluate("([told, name]) => inForce(told, name)", [told, name]) == getattr(at_the_end, name)

    batches = Counter(
        settings_at(TrainingConfig(), kept, epoch, batch).trains
        for epoch in range(1, EPOCHS + 1)
        for batch in range(BATCHES)
    )
    shown: Counter[str] = Counter()
    for stretch in page.evaluate("oneSided", told):
        assert 0 <= stretch["from"] < stretch["to"] <= EPOCHS
        shown[stretch["trains"]] += BATCHES * (stretch["to"] - stretch["from"])
    del batches["both"]
    assert shown == pytest.approx(batches)


@pytest.mark.parametrize(
    ("status", "reason", "epoch", "said"),
    [
        ("queued", None, 0, "waiting for its turn. 0 of 100 epochs"),
        ("paused", None, 19, "19 of 100 epochs"),
        ("stopping", None, 19, "after this batch it saves and stops. 19 of 100 epochs"),
        ("stopped", "stopped in epoch 20", 19, "stopped in epoch 20; every whole epoch is kept. 19 of 100 epochs"),
        ("stopped", "stopped in epoch 1", 0, "stopped in epoch 1. 0 of 100 epochs"),
        ("stopped", "stopped before it began", 0, "stopped before it began. 0 of 100 epochs"),
        ("stopped", None, 19, "stopped; every whole epoch is kept. 19 of 100 epochs"),
        ("failed", "the machine was started anew", 19, "the machine was started anew. 19 of 100 epochs"),
        ("done", None, 100, "100 of 100 epochs"),
    ],
)
def test_the_transport_says_how_a_run_stands(
    page: Page, status: str, reason: str | None, epoch: int, said: str
) -> None:
    state = {"status": status, "reason": reason, "epoch": epoch, "epochs": 100}
    assert page.evaluate("state => sentence(state, null)", state) == said
