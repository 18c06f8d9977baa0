"""The look that every page shares: colours by quantity, colours by class, and the page's frame."""

import streamlit as st

# One colour a quantity, the same in picture, formula, chart and code: (light, dark).
QUANTITIES = {
    "x": ("#495057", "#ced4da"),
    "mu": ("#1971c2", "#74c0fc"),
    "sigma": ("#7048e8", "#b197fc"),
    "epsilon": ("#c2410c", "#ffa94d"),
    "z": ("#c2255c", "#f06595"),
    "x_hat": ("#087f5b", "#63e6be"),
    "reconstruction": ("#0b7285", "#66d9e8"),
    "kl": ("#c92a2a", "#ff8787"),
    "evidence": ("#5c940d", "#a9e34b"),
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
.stMainBlockContainer h3 { font-size: 17px; font-weight: 650; padding: 10px 0 6px; }
.stMainBlockContainer [data-testid="stCaptionContainer"] { opacity: 0.75; }
.katex { font-size: 1.08em; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4rem 1rem 2rem; }
  .stMainBlockContainer .katex-display { overflow-x: auto; overflow-y: hidden; }
}
</style>"""


_LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="132" height="32" viewBox="0 0 132 32">
<g fill="none" stroke="{muted}" stroke-width="1.4" stroke-dasharray="2.6 2.2"><circle cx="16" cy="16" r="6.4"/>
<circle cx="16" cy="16" r="12.6"/></g><circle cx="20" cy="11.6" r="3.6" fill="{z}"/>
<text x="38" y="22" font-family="system-ui, -apple-system, sans-serif" font-size="18.5"
 font-weight="700" fill="{ink}">VAE Lab</text></svg>"""


def page_frame(title: str) -> None:
    """Browser title, name, width and type of every page."""
    st.set_page_config(page_title=f"{title} · VAE Lab", layout="wide")
    dark = is_dark()
    colors = {"ink": "#eceff3", "muted": "#9aa4b1"} if dark else {"ink": "#1b1f24", "muted": "#6a727d"}
    st.logo(_LOGO.format(z=QUANTITIES["z"][dark], **colors), size="large")
    st.html(_STYLE)


def is_dark() -> bool:
    """Whether the reader sees the dark theme now."""
    return st.context.theme.type == "dark"


def quantity_colors() -> dict[str, str]:
    """The colours of the quantities in the theme that the reader sees now."""
    dark = is_dark()
    return {name: pair[dark] for name, pair in QUANTITIES.items()}
