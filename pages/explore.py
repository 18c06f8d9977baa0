"""The front page: drag z, watch the decoder's output change."""

import streamlit as st

from ui import explore_notes
from ui.epochs import epoch_picker
from ui.explorer import explorer
from ui.links import parse_z
from ui.models import model_options
from ui.picker import model_picker
from ui.visitor import visitor

heading, picker = st.columns([29, 27], vertical_alignment="bottom")
with heading:
    st.title("Explore the latent space", anchor=False)
    st.markdown("Drag the point, or a slider. The decoder turns wherever you are into an image, as you move.")

options = model_options(visitor())
if not options:
    st.info("There is no model yet. `python -m vae train --dataset digits --out runs/first` makes one in a minute.")
    st.stop()
with picker:
    option = options[model_picker(options)]
    epoch = epoch_picker(option)


@st.fragment
def explore() -> None:
    here = explorer(option, epoch, parse_z(st.query_params.get("z"), option.card.model.latent_dim), key="explorer")
    explore_notes.at_this_point(option, here)


explore()
explore_notes.tasks(option)
explore_notes.mathematics(option)
explore_notes.about(option)
