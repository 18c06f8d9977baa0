"""A page of two sections of the compare page alone, on the two models that its address names."""

import streamlit as st

from ui.compare.box import box_section
from ui.compare.sampling import sampling_section
from ui.models import model_options
from ui.theme import page_frame

page_frame("Sections")
options = model_options()
left, right = (options[st.query_params[side]] for side in ("left", "right"))
box_section(left, right)
sampling_section(left, right)
