"""What a browser that watches a run asks for: how it stands, and its film."""

import re
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.train.marks import marks_for
from ui.visitor import visitor_of
from vae import jobs, library
from vae.config import RunConfig
from vae.errors import RunError
from vae.jobs import Run
from vae.jobs.listing import read_run
from vae.training.journal import FILM, RunState, film_frames, read_events

FOR_GOOD = "public, max-age=31536000, immutable"
NOBODY = "nobody"  # who asks without a name sees what is shared, and what belongs to nobody
FRAME = re.compile(r"(\d{4,}|followed)\.safetensors")


def shown_run(request: Request) -> Run | None:
    """The run that a request names, if it is there and whoever asks may see it."""
    asking = visitor_of(request.headers.get("cookie", ""))
    try:
        run = read_run(jobs.find(library.RUNS, request.path_params["run"]))
    except RunError:
        return None
    return run if run.is_shown_to(asking or NOBODY) else None


def _live(request: Request) -> Response:
    run = shown_run(request)
    if run is None:
        return JSONResponse({"error": "this run is not here any more"}, status_code=404)
    if run.config is None:
        return JSONResponse({"error": run.problem}, status_code=409)
    after = request.query_params.get("after", "-1")
    body = standing(run.folder, run.config, run.state, int(after) if re.fullmatch(r"-?\d{1,9}", after) else -1)
    return JSONResponse(body, headers={"cache-control": "no-store"})


def standing(folder: Path, config: RunConfig, state: RunState, after: int) -> dict[str, Any]:
    """Everything that the live view draws from; of the events, those after number `after`."""
    events = read_events(folder, after).events
    moving = state.moving
    return {
        "state": {name: getattr(state, name) for name in ("status", "epoch", "epochs", "reason")},
        "progress": moving
        and {
            "done": moving.images_done,
            "images": moving.images,
            "imagesPerSecond": moving.images_per_second,
            "secondsLeft": moving.seconds_left,
        },
        "epochs": [_epoch(event) for event in events if event["event"] == "epoch_done"],
        "changes": [
            {"epoch": event["epoch"], "name": event["name"], "value": event["new"]}
            for event in events
            if event["event"] == "changed"
        ],
        "last": max((event["n"] for event in events), default=after),
        "frames": list(film_frames(folder)),
        "settings": {
            "kind": config.model.kind,
            "beta": config.training.beta,
            "learning_rate": config.training.learning_rate,
        },
        "marks": [{"value": value, "name": name} for value, name in marks_for(config)],
    }


def _epoch(event: dict[str, Any]) -> dict[str, Any]:
    sides = {side: {name: event[side][name] for name in ("elbo", "reconstruction", "kl")} for side in ("train", "test")}
    return {"epoch": event["epoch"], "kl": event["test"]["kl_per_dimension"], **sides}


def _film(request: Request) -> Response:
    run, name = shown_run(request), request.path_params["name"]
    path = run.folder / FILM / name if run and FRAME.fullmatch(name) else None
    if path is None or not path.is_file():
        return JSONResponse({"error": "this frame is not here"}, status_code=404)
    # A resumed run may film an epoch again, with the same weights; a new run has another name.
    headers = {"content-encoding": "identity", "cache-control": FOR_GOOD}
    return Response(path.read_bytes(), media_type="application/octet-stream", headers=headers)


routes = [
    Route("/api/runs/{run}/live", _live),
    Route("/api/runs/{run}/film/{name}", _film),
]
