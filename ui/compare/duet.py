"""Two models of the same images side by side, linked under the finger, and the straight way between two images."""

from pathlib import Path

from streamlit.components.v2 import component

from ui.explorer import describe
from ui.explorer.sources import script, style
from ui.models import ModelOption
from ui.theme import CLASSES

HERE = Path(__file__).parent

_component = component(
    "vae_duet",
    html='<div class="vae duet"></div>',
    css=style(HERE / "duet.css"),
    js=script(HERE / "side.js", HERE / "way.js", HERE / "duet.js"),
    isolate_styles=True,
)


def duet(left: ModelOption, right: ModelOption, names: tuple[str, str], classifier_url: str | None) -> None:
    """Show both; `names` are what pages and screen readers call them, `classifier_url` judges what they draw."""
    # Lists: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    models = [[describe(option), name] for option, name in zip((left, right), names, strict=True)]
    _component(key="duet", data=[models, classifier_url, list(CLASSES)])
