"""What the form's run will take. The browser asks for it, so that no field waits until it has been measured."""

from pathlib import Path

from streamlit.components.v2 import component

from ui.explorer.sources import parts_script, style
from ui.train.forecast_route import ADDRESS
from vae.config import RunConfig
from vae.data import is_own
from vae.jobs.sizes import parameters_of

HERE = Path(__file__).parent

_component = component(
    "vae_forecast",
    html='<p class="vae forecast" aria-live="polite"></p>',
    css=style(HERE / "forecast.css"),
    js=parts_script(HERE / "forecast.js"),
    isolate_styles=True,
)


def forecast_line(config: RunConfig, key: str) -> None:
    """The parameters at once; memory and time when they have been measured.

    Raises ConfigError for a model that cannot be, DataError.
    """
    # Pictures of one's own have to be looked through first: their count comes with the rest.
    count = None if is_own(config.dataset) else f"{parameters_of(config):,}"
    # A list: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    _component(key=key, data=[ADDRESS, config.model_dump_json(), count])
