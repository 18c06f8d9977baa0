"""Weights, codes and classifiers for the browser, fetched once by content hash and then kept by it for good."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.models import ModelOption, hash_of_file, model_options
from ui.train.forecast_route import routes as forecast_routes
from ui.train.routes import routes as run_routes
from ui.visitor import visitor_of
from vae.classifier.card import classifier_file, read_classifier_card
from vae.errors import VaeError
from vae.export import network_payload

FOR_GOOD = "public, max-age=31536000, immutable"


def payload_url(option: ModelOption, part: str) -> str:
    """Where the browser gets `decoder`, `encoder` or `latents` of a model; the hash changes when they do."""
    return f"/api/models/{option.id}/{part}.safetensors?v={option.file_hash}"


def _payload(request: Request) -> Response:
    name, part = request.path_params["name"], request.path_params["part"]
    option = model_options(visitor_of(request.headers.get("cookie", ""))).get(name)
    if option is None or part not in ("decoder", "encoder", "latents"):
        return JSONResponse({"error": f"there is no {part} of a model named {name}"}, status_code=404)
    try:
        path = option.folder / "latents.safetensors"
        body = path.read_bytes() if part == "latents" else network_payload(option.folder / "weights.safetensors", part)
    except (OSError, VaeError) as error:
        reason = str(error).replace(str(option.folder), name)  # a visitor need not know where the server keeps it
        return JSONResponse({"error": reason}, status_code=404)
    return _binary(body, request, option.file_hash)


def classifier_url(option: ModelOption) -> str | None:
    """Where the browser gets the classifier of a model's data; None when none was trained on the very same."""
    path = classifier_file(option.card.data.name)
    if path is None or read_classifier_card(path).data_hash != option.card.data.hash:
        return None
    return f"/api/classifiers/{path.stem}.safetensors?v={hash_of_file(path)}"


def _classifier(request: Request) -> Response:
    dataset = request.path_params["dataset"]
    path = classifier_file(dataset)
    if path is None:
        return JSONResponse({"error": f"there is no classifier of {dataset}"}, status_code=404)
    return _binary(path.read_bytes(), request, hash_of_file(path))


def _binary(body: bytes, request: Request, current: str) -> Response:
    """What the browser may keep for good if it asked for it by its `current` hash."""
    # "identity" keeps the server from compressing weights anew at every request: noise does not shrink.
    cache = FOR_GOOD if request.query_params.get("v") == current else "no-store"
    headers = {"content-encoding": "identity", "cache-control": cache}
    return Response(body, media_type="application/octet-stream", headers=headers)


routes = [
    *run_routes,
    *forecast_routes,
    Route("/api/models/{name}/{part}.safetensors", _payload),
    Route("/api/classifiers/{dataset}.safetensors", _classifier),
]
