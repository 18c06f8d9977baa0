"""What a browser that watches a run asks for: how it stands, and its film."""

import re
import secrets
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.train.marks import marks_for
from ui.visitor import visitor_of
from vae import jobs, library
from vae.card import CARD
from vae.config import RunConfig
from vae.errors import CheckpointError, RunError
from vae.jobs import Run
from vae.jobs.listing import read_run
from vae.training.controls import Controls, read_controls
from vae.training.film_view import latents_at
from vae.training.journal import FILM, RunState, film_frames, read_events

FOR_GOOD = "public, max-age=31536000, immutable"
CHANGE = {"epoch", "batch", "name", "new"}
GAP = ("epoch", "images", "binarized", "elbo", "gap", "error")
TERMS = ("elbo", "reconstruction", "kl")
SERVER = secrets.token_hex(8)  # another one after each start
FRAME = re.compile(r"(\d{4,}|followed)\.safetensors")


def shown_run(request: Request) -> Run | None:
    """The run that a request names, if it is there and whoever asks may see it."""
    asking = visitor_of(request.headers.get("cookie", ""))
    try:
        run = read_run(jobs.find(library.RUNS, request.path_params["run"]))
    except RunError:
        return None
    return run if run.is_shown_to(asking) else None


def _live(request: Request) -> Response:
    run = shown_run(request)
    if run is None:
        return JSONResponse({"error": "This run is not here any more; it may have been deleted."}, status_code=404)
    if run.config is None:
        return JSONResponse({"error": f"This run cannot be shown: {run.remark}."}, status_code=409)
    after = request.query_params.get("after", "-1")
    state = run.state.model_copy(update={"reason": run.remark or None})
    body = standing(run.folder, run.config, state, int(after) if re.fullmatch(r"-?\d{1,9}", after) else -1)
    return JSONResponse(body | {"server": SERVER}, headers={"cache-control": "no-store"})


def standing(folder: Path, config: RunConfig, state: RunState, after: int) -> dict[str, Any]:
    """Everything that the live view draws from; of the events, those after number `after`."""
    events = read_events(folder, after).events
    started = next((event for event in reversed(events) if event["event"] == "started"), {})
    moving = state.moving
    controls = read_controls(folder) or Controls()
    return {
        "state": {name: getattr(state, name) for name in ("status", "epoch", "epochs", "reason")},
        "progress": moving
        and {
            "done": moving.images_done,
            "images": moving.images,
            "imagesPerSecond": moving.images_per_second,
            "secondsLeft": moving.seconds_left,
        },
        "isModel": (folder / CARD).is_file(),
        "epochs": [epoch for event in events if event["event"] == "epoch_done" and (epoch := _epoch(event))],
        "changes": [
            {"epoch": event["epoch"], "batch": event["batch"], "name": event["name"], "value": event["new"]}
            for event in events
            if event["event"] == "changed" and event.keys() >= CHANGE
        ],
        "gaps": [gap for event in events if event["event"] == "gap_measured" and (gap := _gap(event))],
        "images": started.get("images"),
        "start": started.get("n"),
        "last": max((event["n"] for event in events), default=after),
        "frames": list(film_frames(folder)),
        "settings": {
            "kind": config.model.kind,
            "beta": config.training.beta,
            "learning_rate": config.training.learning_rate,
            "speed": controls.speed,
            "trains": config.training.trains,
            "exact_gap_images": config.training.exact_gap_images,
            "latent_dim": config.model.latent_dim,
            "batch_size": config.training.batch_size,
        },
        "marks": [{"value": value, "name": name} for value, name in marks_for(config)],
    }


def _epoch(event: dict[str, Any]) -> dict[str, Any] | None:
    """What is drawn of an epoch; None for a line that somebody has edited until it is none."""
    try:
        terms = {side: {name: float(event[side][name]) for name in TERMS} for side in ("train", "test")}
        return {"epoch": int(event["epoch"]), "kl": list(map(float, event["test"]["kl_per_dimension"])), **terms}
    except (KeyError, TypeError, ValueError):
        return None


def _gap(event: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return {name: event[name] for name in GAP} | {"logEvidence": event["log_evidence"]}
    except KeyError:
        return None


def _film(request: Request) -> Response:
    run, name = shown_run(request), request.path_params["name"]
    path = run.folder / FILM / name if run and FRAME.fullmatch(name) else None
    if path is None or not path.is_file():
        return JSONResponse({"error": "this frame is not here"}, status_code=404)
    return _frame(path.read_bytes(), request)


def _latents(request: Request) -> Response:
    run, epoch = shown_run(request), request.path_params["epoch"]
    try:
        if run is None:
            raise CheckpointError("this run is not here")
        body = latents_at(run.folder, epoch)
    except CheckpointError as error:
        reason = str(error).replace(str(run.folder), run.id) if run else str(error)
        return JSONResponse({"error": reason}, status_code=404)
    return _frame(body, request)


def _frame(body: bytes, request: Request) -> Response:
    """What the browser may keep for good if it says which it is: a resumed run may film an epoch again."""
    cache = FOR_GOOD if "v" in request.query_params else "no-store"
    headers = {"content-encoding": "identity", "cache-control": cache}
    return Response(body, media_type="application/octet-stream", headers=headers)


routes = [
    Route("/api/runs/{run}/live", _live),
    Route("/api/runs/{run}/film/{name}", _film),
    Route("/api/runs/{run}/film/{epoch:int}/latents", _latents),
]
