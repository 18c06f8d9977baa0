"""What stands below the comparison: the two objectives in symbols, and where models and data come from."""

import streamlit as st

from ui import explore_notes
from ui.models import ModelOption
from ui.theme import quantity_colors


def mathematics() -> None:
    """Why only one of the two has holes."""
    c = quantity_colors()
    x, z, x_hat = (_colored(c[name], sign) for name, sign in (("x", "x"), ("z", "z"), ("x_hat", r"\hat x")))
    with st.expander("The mathematics"):
        st.markdown("An autoencoder asks for one thing, that an image comes back from its code:")
        st.latex(
            rf"\min_{{f, g}} \; \sum_{x} \lVert {x} - g(f({x})) \rVert^2, "
            rf"\qquad {z} = f({x}), \quad {x_hat} = g({z})"
        )
        st.markdown(
            "Only the points f(x) ever reach the decoder g, so anything may stand between them, and they may lie "
            "anywhere. A variational autoencoder sends a cloud in place of each point, and asks that the clouds stay "
            "near N(0, I):"
        )
        st.latex(
            rf"\max \; \sum_{x} \; \textcolor{{{c['reconstruction']}}}{{\mathbb E_{{q(z \mid x)}}[\log p(x \mid z)]}}"
            rf" - \textcolor{{{c['kl']}}}{{\mathrm{{KL}}\big(q(z \mid x) \,\|\, \mathcal N(0, I)\big)}}, \qquad "
            rf"q(z \mid x) = \mathcal N\big(\textcolor{{{c['mu']}}}{{\mu(x)}}, "
            rf"\operatorname{{diag}} \textcolor{{{c['sigma']}}}{{\sigma(x)}}^2\big)"
        )
        st.markdown(
            "The clouds teach the decoder the places between the images; the second term keeps them close together, "
            "at a known place, and costs some sharpness. With its weight beta at 0 the clouds shrink to points: sigma "
            "goes to 0, and an autoencoder is left. `mnist-vae0-2d` is such a model."
        )


def _colored(color: str, sign: str) -> str:
    return rf"\textcolor{{{color}}}{{{sign}}}"


def about_both(left: ModelOption, right: ModelOption) -> None:
    """Both models, and the data they share."""
    explore_notes.about(left)
    if left.id != right.id:
        explore_notes.about(right)
