"""A shipped classifier as the browser runs it, against torch, in a real Chromium."""

import base64

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from ui.explorer.sources import runtime_source
from vae.classifier.card import classifier_file
from vae.classifier.classifier import load
from vae.data import load as load_set
from vae.pixels import to_float

pytestmark = pytest.mark.browser

RUN = """([file, images]) => {
  const network = loadNetwork(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), "encoder");
  return images.map((image) => Array.from(network.run(Float32Array.from(image))));
}"""


def test_the_browser_sees_the_same_classes(page: Page) -> None:
    path = classifier_file("digits")
    assert path is not None
    images = to_float(torch.from_numpy(load_set("digits", "test").images[:20].copy()))
    page.goto("about:blank")
    page.add_script_tag(content=runtime_source())
    file = base64.b64encode(path.read_bytes()).decode()
    logits = page.evaluate(RUN, [file, images.flatten(1).tolist()])
    probabilities = torch.tensor(logits).softmax(dim=1).numpy()
    assert np.abs(probabilities - load(path).probabilities(images)).max() <= 1e-4
