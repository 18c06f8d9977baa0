"""The entry: `streamlit run app.py`, or any ASGI server with `app:app`."""

import streamlit as st

from ui.routes import routes

app = st.App("pages/router.py", routes=routes)
