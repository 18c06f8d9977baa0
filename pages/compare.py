"""AE beside VAE: one cursor in two latent spaces, and the holes that only one of them has."""

import streamlit as st

from ui.compare.box import box_section
from ui.compare.choice import choose_pair
from ui.compare.compression import compression_section
from ui.compare.duet import duet
from ui.compare.names import names_of
from ui.compare.notes import about_both, mathematics
from ui.compare.numbers import numbers_section
from ui.compare.questions import questions_section
from ui.compare.sampling import sampling_section
from ui.models import model_options
from ui.routes import classifier_url
from ui.visitor import visitor

st.title("AE beside VAE", anchor=False)
st.markdown("The same images in two latent spaces. Drag the point in either, and then into the empty parts of both.")
options = model_options(visitor())
pair = choose_pair(options)
if pair is None:
    st.stop()
names = names_of(*pair)
duet(*pair, names, classifier_url(pair[0]))
questions_section(pair, names)
st.subheader("What is in a box", anchor=False)
box_section(*pair)
st.subheader("Throw darts", anchor=False)
sampling_section(*pair)
numbers_section(*pair, names)
compression_section(pair, options)
mathematics()
about_both(*pair)
