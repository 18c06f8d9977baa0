"""The models at hand: what each is, what was measured, and whom to thank for the data."""

import streamlit as st

from ui.models import model_options
from ui.models_table import data_credits, models_table
from ui.visitor import visitor
from vae import library
from vae.library import list_cards

st.title("Models", anchor=False)
st.markdown("Every model that can be opened here, with what was measured on its test set.")
options = model_options(visitor())
models_table(options)
data_credits(options)
for problem in list_cards(*(folder for folder in library.FOLDERS if folder != library.RUNS)).problems:
    st.warning(problem)
