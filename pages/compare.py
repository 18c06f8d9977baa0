"""AE beside VAE: one cursor in two latent spaces, and the holes that only one of them has."""

import streamlit as st

from ui.compare.choice import choose_pair
from ui.compare.duet import duet
from ui.compare.names import names_of
from ui.models import model_options

st.title("AE beside VAE", anchor=False)
st.markdown("The same images in two latent spaces. Drag the point in either, and then into the empty parts of both.")
pair = choose_pair(model_options())
if pair is None:
    st.stop()
left, right = pair
duet(left, right, names_of(left, right), None)
