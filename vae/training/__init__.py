"""Training: the objective, the loop, and a run that lives in a folder."""
