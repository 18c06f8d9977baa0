"""Training as something one watches: choose, press play, see the map form."""

import streamlit as st

from ui.train.freezing import freezing_tasks
from ui.train.loss import what_the_loss_is
from ui.train.new_run import new_run
from ui.train.runs import runs_of
from ui.visitor import visitor

st.title("Train, and watch", anchor=False)
st.markdown("Choose, press play, and see the map form. A run goes on when you close the page, and waits for you here.")
owner = visitor()
watched = st.query_params.get("run")
new_run(owner, expanded=watched is None)
runs_of(owner, watched)
freezing_tasks()
what_the_loss_is()
