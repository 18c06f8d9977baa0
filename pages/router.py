"""The router: which pages there are, and in which group. Nothing else."""

import streamlit as st

from ui.theme import page_frame

PAGES = {
    "Explore": [st.Page("explore.py", title="Explore", url_path="", default=True)],
    "Compare": [st.Page("compare.py", title="AE beside VAE", url_path="compare")],
    "Train": [st.Page("train.py", title="Train", url_path="train")],
    "Models": [st.Page("models.py", title="Models", url_path="models")],
}

page = st.navigation([page for group in PAGES.values() for page in group], position="top")
page_frame(page.title)
page.run()
