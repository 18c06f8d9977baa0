"""Training as something one watches: choose, press play, see the map form."""

import streamlit as st

from ui.train.loss import what_the_loss_is
from ui.train.new_run import new_run
from ui.train.runs_table import runs_table, visible_runs
from ui.train.watch import watch
from ui.visitor import visitor

st.title("Train, and watch", anchor=False)
st.markdown("Choose, press play, and see the map form. A run goes on when you close the page, and waits for you here.")
owner = visitor()
chosen = st.query_params.get("run")
say_how_long = new_run(owner, expanded=chosen is None)
above_the_table = st.container()  # the view shows the curves of what is chosen in the table
overlaid = runs_table(visible_runs(owner))
with above_the_table:
    if chosen:
        watch(chosen, owner, [(run.id, run.id) for run in overlaid if run.id != chosen])
what_the_loss_is()
if chosen is None:
    say_how_long()
