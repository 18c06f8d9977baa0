"""The entry: `streamlit run app.py`, or any ASGI server with `app:app`."""

import streamlit as st
from starlette.middleware import Middleware

from ui.background import background
from ui.routes import routes
from ui.visitor import NamesVisitors

app = st.App("pages/router.py", routes=routes, lifespan=background, middleware=[Middleware(NamesVisitors)])
