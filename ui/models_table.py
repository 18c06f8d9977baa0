"""The table of models."""

from collections.abc import Mapping

import streamlit as st

from ui.models import KIND_NAMES, ModelOption


def models_table(options: Mapping[str, ModelOption]) -> None:
    """One row a model, its name a link to the explorer."""
    rows = [_row(option) for option in options.values()]
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content",
        placeholder="",
        column_config={
            "open": st.column_config.LinkColumn("model", display_text=r"model=(.*)$", pinned=True),
            "ELBO": st.column_config.NumberColumn("ELBO, nats per image", format="%.2f"),
            "MSE": st.column_config.NumberColumn("MSE per pixel", format="%.4f"),
            "5-NN": st.column_config.NumberColumn("5-NN accuracy", format="%.3f"),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "trained": st.column_config.DateColumn(),
        },
    )


def _row(option: ModelOption) -> dict[str, object]:
    card, metrics = option.card, option.card.metrics
    return {
        "open": f"/?model={option.id}",
        "kind": KIND_NAMES[card.model.kind],
        "data": card.data.name,
        "d": card.model.latent_dim,
        "ELBO": metrics.elbo if metrics else None,
        "MSE": metrics.mse if metrics else None,
        "5-NN": metrics.knn_accuracy if metrics else None,
        "likelihood or loss": card.model.likelihood or card.model.loss,
        "parameters": card.parameters,
        "trained": card.training.finished.date(),
        "data licence": card.data.licence,
    }


def data_credits(options: Mapping[str, ModelOption]) -> None:
    """Whom to thank for the images, each set once."""
    cards = {option.card.data.name: option.card.data for option in options.values()}
    st.subheader("The images", anchor=False)
    st.markdown("\n".join(f"- **{name}**: {data.credit}. Licence: {data.licence}." for name, data in cards.items()))
