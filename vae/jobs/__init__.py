"""Training in processes of its own: runs that wait, run, and are found again. No torch, but in `forecast`.

A run is a folder below the runs folder, and its process is `python -m vae train --out FOLDER --resume`. Everything
known of it is in the folder's files, so that any number of app processes may come and go.
"""

from vae.jobs.changing import clone_settings, continue_for, delete, request, resume, share
from vae.jobs.listing import Run, find, list_runs
from vae.jobs.prober import Forecast, forecast_apart
from vae.jobs.queue import enqueue, is_preparing, prepare, start_due
from vae.jobs.settings import JobSettings

__all__ = [
    "Forecast",
    "JobSettings",
    "Run",
    "clone_settings",
    "continue_for",
    "delete",
    "enqueue",
    "find",
    "forecast_apart",
    "is_preparing",
    "list_runs",
    "prepare",
    "request",
    "resume",
    "share",
    "start_due",
]
