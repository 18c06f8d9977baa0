"""Weights and codes for the browser, fetched once by content hash and then kept by it for good."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.models import ModelOption, model_options
from vae.errors import VaeError
from vae.export import network_payload

FOR_GOOD = "public, max-age=31536000, immutable"


def payload_url(option: ModelOption, part: str) -> str:
    """Where the browser gets `decoder`, `encoder` or `latents` of a model; the hash changes when they do."""
    return f"/api/models/{option.id}/{part}.safetensors?v={option.file_hash}"


def _payload(request: Request) -> Response:
    name, part = request.path_params["name"], request.path_params["part"]
    option = model_options().get(name)
    if option is None or part not in ("decoder", "encoder", "latents"):
        return JSONResponse({"error": f"there is no {part} of a model named {name}"}, status_code=404)
    try:
        path = option.folder / "latents.safetensors"
        body = path.read_bytes() if part == "latents" else network_payload(option.folder / "weights.safetensors", part)
    except (OSError, VaeError) as error:
        reason = str(error).replace(str(option.folder), name)  # a visitor need not know where the server keeps it
        return JSONResponse({"error": reason}, status_code=404)
    wanted = request.query_params.get("v")
    # "identity" keeps the server from compressing weights anew at every request: noise does not shrink.
    headers = {
        "content-encoding": "identity",
        "cache-control": FOR_GOOD if wanted == option.file_hash else "no-store",
    }
    return Response(body, media_type="application/octet-stream", headers=headers)


routes = [Route("/api/models/{name}/{part}.safetensors", _payload)]
