"""The look that every page shares: colours by quantity, colours by class, and the page's frame."""

import streamlit as st

# One colour a quantity, the same in picture, formula, chart and code: (light, dark).
QUANTITIES = {
    "x": ("#495057", "#ced4da"),
    "mu": ("#1c7ed6", "#74c0fc"),
    "sigma": ("#7048e8", "#b197fc"),
    "epsilon": ("#e8590c", "#ffa94d"),
    "z": ("#c2255c", "#f06595"),
    "x_hat": ("#087f5b", "#63e6be"),
    "reconstruction": ("#0c8599", "#66d9e8"),
    "kl": ("#e03131", "#ff8787"),
}

# Petroff (2021, arXiv:2107.02270): ten colours that stay apart for colour-blind readers.
CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip

_STYLE = """<style>
.stMainBlockContainer { max-width: 1344px; padding: 4.6rem 2rem 3rem; }
.stMainBlockContainer h1 { font-size: 25px; font-weight: 650; padding: 0 0 4px; letter-spacing: -0.01em; }
.stMainBlockContainer [data-testid="stHeadingWithActionElements"] { gap: 0; }
.stMainBlockContainer .stVerticalBlock { gap: 0.9rem; }
.katex { font-size: 1.08em; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4rem 1rem 2rem; }
  .stMainBlockContainer .katex-display { overflow-x: auto; overflow-y: hidden; }
}
</style>"""


def page_frame(title: str) -> None:
    """Browser title, width and type of every page."""
    st.set_page_config(page_title=f"{title} · VAE Lab", layout="wide")
    st.html(_STYLE)


def quantity_colors() -> dict[str, str]:
    """The colours of the quantities in the theme that the reader sees now."""
    dark = st.context.theme.type == "dark"
    return {name: pair[dark] for name, pair in QUANTITIES.items()}
