"""What the explorer stands beside: `st.slider`, torch on the server, `st.image`. Served by `benchmarks.drag`."""

import sys

import streamlit as st
import torch

import vae
from vae.models import Model


@st.cache_resource
def load(folder: str) -> Model:
    torch.set_num_threads(1)  # one small image: more threads only wait for one another
    return vae.load(folder)


z = [st.slider(f"z{j}", -3.0, 3.0, 0.0, 0.01) for j in (1, 2)]
with torch.inference_mode():
    image = load(sys.argv[1]).images(torch.tensor([z]))[0]
st.image(image.permute(1, 2, 0).squeeze(2).numpy(), width=360)
