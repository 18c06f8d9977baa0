"""What the loss really is: the beta that a tutorial's loss means, and the questions that people ask about it."""

from math import prod

import streamlit as st

from vae.analysis.effective_beta import cross_entropy_beta, implied_sigma, squared_error_beta

SHAPES = {
    "28 x 28, grey": (1, 28, 28),
    "8 x 8, grey": (1, 8, 8),
    "28 x 20, grey": (1, 28, 20),
    "64 x 64, colour": (3, 64, 64),
}
LOSSES = {
    "cross-entropy, summed over pixels": ("cross-entropy", False),
    "cross-entropy, mean over pixels": ("cross-entropy", True),
    "squared error, summed over pixels": ("squared", False),
    "squared error, mean over pixels": ("squared", True),
}


@st.fragment
def what_the_loss_is() -> None:
    """A loss as it is written, and the weight of the KL that it means."""
    st.subheader("What the loss really is", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        written = st.radio("Reconstruction term, plus the KL", list(LOSSES), key="loss-written")
        size = st.selectbox("Images", list(SHAPES), key="loss-shape")
        st.markdown(effective(written, prod(SHAPES[size])))
    with right:
        with st.expander("Why is the KL so small beside the reconstruction?"):
            st.markdown(
                "The reconstruction is a sum over every pixel, the KL one over d dimensions: 100 nats over 784 pixels "
                "are 0.13 each. Both are in nats, and that is all that the ELBO asks: dividing one of them to make "
                "them look alike changes what is trained."
            )
        with st.expander("Why does the KL go up?"):
            st.markdown(
                "It starts near 0, as the code says nothing yet. To draw better, the decoder must be told something, "
                "and KL is the price of telling. It rises as long as a nat of KL saves more than a nat elsewhere."
            )
        with st.expander("Why not the mean over pixels?"):
            st.markdown(
                "A mean over images divides both terms, which changes nothing. A mean over pixels divides the "
                "reconstruction alone, which multiplies beta by the number of pixels: codes collapse to the prior, and "
                "images to their mean."
            )


def effective(written: str, numbers: int) -> str:
    """What a loss means for images of so many pixel values."""
    kind, averaged = LOSSES[written]
    if kind == "cross-entropy":
        beta = cross_entropy_beta(numbers, averaged)
        return f"**Effective beta = {beta:,.4g}**. " + (
            "This is the negative ELBO of a Bernoulli likelihood." if beta == 1 else _asks(beta)
        )
    beta, sigma = squared_error_beta(numbers, averaged, sigma=1.0), implied_sigma(numbers, averaged)
    return (
        f"**Effective beta = {beta:,.4g}** beside a Gaussian likelihood with sigma = 1. It is an ELBO only for "
        f"sigma = {sigma:.3g}, for pixels between 0 and 1. " + (_asks(beta) if beta > 1 else "")
    )


def _asks(beta: float) -> str:
    return f"Every nat of KL must save {beta:,.4g} nats of reconstruction, so little is ever said through the code."
