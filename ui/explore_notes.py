"""What stands around the explorer: numbers at the point, tasks, the mathematics, and where the data come from."""

import streamlit as st

from ui.explorer import Released
from ui.models import ModelOption
from ui.tasks import predict_then_look
from ui.theme import quantity_colors
from vae.analysis.standard_normal import log_density, share_farther_out


def at_this_point(option: ModelOption, here: Released | None) -> None:
    """What the prior says about the place where the reader let go."""
    if option.card.model.kind != "vae":
        return
    if here is None:
        st.caption("Let go of the point, and this line says how likely the prior finds the place.")
        return
    shown = ", ".join(signed(value) for value in here.z[:6]) + (", …" if len(here.z) > 6 else "")
    st.caption(
        f"At z = ({shown}): log p(z) = {signed(log_density(here.z))} nats. "
        f"{share_farther_out(here.z):.1%} of what the prior draws lies farther from the middle."
    )


def signed(value: float) -> str:
    """Two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "\u2212")


def tasks(option: ModelOption) -> None:
    """Two things to predict before looking."""
    kind = option.card.model.kind
    has_kl = kind == "vae" and option.card.config.training.beta > 0
    st.subheader("Predict, then look", anchor=False)
    left, right = st.columns(2, gap="medium")
    with left:
        if kind == "pca":
            task_overlay()
        elif has_kl and option.card.model.latent_dim > 2:
            task_silent_dimension()
        else:
            task_between()
    with right:
        if kind == "pca":
            task_along_the_line()
        elif has_kl:
            task_outside()
        else:
            task_hole()


def task_between() -> None:
    predict_then_look(
        "The straight way from one cluster to another: what lies half-way?",
        ("A mixture of the two, one laid over the other", "Other shapes, each nearly a real one", "Noise"),
        "Now drag along it. Mostly other shapes that are nearly real, for a short stretch a blur. The decoder is not "
        "linear, so half-way in z is not half-way in pixels.",
        key="task-between",
    )


def task_silent_dimension() -> None:
    predict_then_look(
        "The last slider has the least KL. What will it change?",
        ("Everything", "A fine detail", "Next to nothing"),
        "Now drag it from end to end, and then the first one. KL is how much the encoder says through a dimension: at "
        "0 nats it says nothing, and the decoder has learned not to listen.",
        key="task-silent",
    )


def task_outside() -> None:
    predict_then_look(
        "Far outside the third ring, where no code has ever been: what will the decoder draw?",
        ("Noise", "Nothing", "A bold version of what lies nearest the edge"),
        "Now drag there. It carries on with what lies at the edge. So far out the prior hardly ever draws: see the "
        "share above after you let go.",
        key="task-outside",
    )


def task_hole() -> None:
    predict_then_look(
        "In the middle of an empty stretch between two clusters: what will the decoder draw?",
        ("A clear image", "A broken one", "A blank one"),
        "Now drag there. Often a broken one: no training image ever landed there, so nothing taught the decoder what "
        "to draw, and nothing kept the stretch from being empty.",
        key="task-hole",
    )


def task_overlay() -> None:
    predict_then_look(
        "The straight way from one cluster to another: what lies half-way?",
        ("Another shape, nearly a real one", "Both, one laid over the other", "Noise"),
        "Now drag along it. One fades out as the other fades in. The decoder is a sum, so half-way in z is half-way in "
        "pixels.",
        key="task-overlay",
    )


def task_along_the_line() -> None:
    predict_then_look(
        "Far outside every code, along one slider: what will be drawn?",
        ("Noise", "The same picture, ever bolder", "A shape not seen before"),
        "Now drag one slider to its end. Its picture only grows bolder, until black and white cut it off: there is "
        "nothing else on a straight line.",
        key="task-along-the-line",
    )


def mathematics(option: ModelOption) -> None:
    """What is computed under the finger, in symbols."""
    c = quantity_colors()
    with st.expander("The mathematics"):
        if option.card.model.kind == "pca":
            st.markdown("Principal components add fixed pictures, the rows of W, to a mean image m:")
            st.latex(
                rf"\textcolor{{{c['z']}}}{{z}} = W (\textcolor{{{c['x']}}}{{x}} - m), \qquad "
                rf"\textcolor{{{c['x_hat']}}}{{\hat x}} = m + W^\top \textcolor{{{c['z']}}}{{z}}, \qquad "
                rf"\min_{{m,\, W W^\top = I}} \sum_x \lVert \textcolor{{{c['x']}}}{{x}} - \textcolor{{{c['x_hat']}}}"
                r"{\hat x} \rVert^2"
            )
            st.markdown(
                "No linear encoder and decoder do better, and the answer is found in one step. What is drawn is cut "
                "off at black and white."
            )
            return
        if option.card.model.kind != "vae":
            st.markdown("An autoencoder is two functions, trained so that one undoes the other:")
            st.latex(
                rf"\textcolor{{{c['z']}}}{{z}} = f(\textcolor{{{c['x']}}}{{x}}), \qquad "
                rf"\textcolor{{{c['x_hat']}}}{{\hat x}} = g(\textcolor{{{c['z']}}}{{z}}), \qquad "
                rf"\min_{{f, g}} \sum_x \lVert \textcolor{{{c['x']}}}{{x}} - g(f(\textcolor{{{c['x']}}}{{x}})) \rVert^2"
            )
            st.markdown("Nothing in it says where the codes lie, or that the space between them should mean anything.")
            return
        st.markdown("What you see as you drag is the mean of the decoder's distribution at your z:")
        st.latex(
            rf"\textcolor{{{c['z']}}}{{z}} \sim p(z) = \mathcal N(0, I), \qquad "
            rf"\textcolor{{{c['x_hat']}}}{{\hat x}} = \mathbb E[x \mid \textcolor{{{c['z']}}}{{z}}]"
        )
        st.markdown("A VAE has encoder and decoder trained together to raise a bound on the evidence of each image x:")
        st.latex(
            rf"\log p(\textcolor{{{c['x']}}}{{x}}) \;\ge\; \textcolor{{{c['reconstruction']}}}"
            r"{\mathbb E_{q(z \mid x)}[\log p(x \mid z)]} \;-\; "
            rf"\textcolor{{{c['kl']}}}{{\mathrm{{KL}}\big(q(z \mid x) \,\|\, p(z)\big)}}, \qquad "
            rf"q(z \mid x) = \mathcal N\big(\textcolor{{{c['mu']}}}{{\mu(x)}}, "
            rf"\operatorname{{diag}} \textcolor{{{c['sigma']}}}{{\sigma(x)}}^2\big)"
        )
        metrics = option.card.metrics
        if metrics and metrics.elbo is not None and metrics.reconstruction is not None and metrics.kl is not None:
            st.markdown(
                f"For this model, averaged over {metrics.images:,} test images, in nats per image: "
                f"ELBO {signed(metrics.elbo)} = reconstruction {signed(metrics.reconstruction)} \u2212 KL "
                f"{signed(metrics.kl)}. {likelihood_note(option)}"
            )
        if option.card.config.training.beta != 1:
            st.markdown(beta_note(option.card.config.training.beta))


def beta_note(beta: float) -> str:
    """What became of the bound in training, for a beta other than 1."""
    if beta > 0:
        much = "more" if beta > 1 else "less"
        return f"In training the KL was weighted by beta = {beta:g}, {much} than the bound asks for."
    return (
        "In training beta was 0: the KL had no part in it. Nothing kept \u03c3(x) from vanishing, or the codes near "
        "the prior, and what is left is an autoencoder."
    )


def likelihood_note(option: ModelOption) -> str:
    """What must be said wherever this likelihood's numbers are shown."""
    if option.card.model.likelihood == "bernoulli" and option.card.metrics and not option.card.metrics.binarized:
        return (
            "The pixels are grey and the likelihood is Bernoulli, so this is minus a cross-entropy: good for comparing "
            "models, no normalised log p(x)."
        )
    if option.card.model.likelihood in ("gaussian", "gaussian-learned"):
        return "A density of continuous pixels in [0, 1], so it may well be above 0."
    return ""


def about(option: ModelOption) -> None:
    """Where model and data come from."""
    card = option.card
    with st.expander(f"About {option.id} and its data"):
        training = card.training
        images = f"{card.data.train_images:,} images"
        epochs = f"{training.epochs} epochs on {images} in {training.seconds:,.0f} s"
        network = f"{card.model.network} ({', '.join(map(str, card.model.hidden))}, {card.model.activation})"
        made = {
            "vae": f"{network}, {epochs}, beta = {card.config.training.beta:g}",
            "ae": f"{network}, {epochs}",
            "pca": f"two linear layers, fitted in one step to {images}",
        }
        st.markdown(f"**{option.id}**: {card.parameters:,} parameters, {made[card.model.kind]}.")
        st.markdown(f"**Data**: {card.data.name}. {card.data.credit}. Licence: {card.data.licence}.")
