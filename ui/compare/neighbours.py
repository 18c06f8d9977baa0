"""The training images nearest to decoded samples, where the training images are at hand."""

from collections.abc import Hashable

import numpy as np
import streamlit as st

from ui.models import ModelOption
from vae import data
from vae.errors import DataError

SHOWN = 8  # samples whose neighbour is shown


def nearest_training_images(option: ModelOption, codes: np.ndarray, name: Hashable) -> np.ndarray:
    """For each of a few codes (M, d), the training image nearest to what it decodes to: uint8 (M, C, H, W).

    `name` stands for the model and the codes in the cache. Raises DataError when the images are not the model's.
    """
    return _nearest(option.card.data.name, option.card.data.hash, repr(name), option, codes)


@st.cache_data(max_entries=128, show_spinner="Looking through the training images")
def _nearest(dataset: str, data_hash: str, name: str, _option: ModelOption, _codes: np.ndarray) -> np.ndarray:
    import torch  # when first asked for: nothing else on the page needs it

    from vae import checkpoint
    from vae.analysis.nearest import nearest_images

    training = _training_images(data_hash, _option)
    if training.shape[1:] != _option.card.data.shape:
        raise DataError(
            f"{_option.id} draws images of {_option.card.data.shape}; {dataset} here has {training.shape[1:]}."
        )
    with torch.no_grad():
        decoded = checkpoint.load(_option.folder).images(torch.from_numpy(_codes.astype(np.float32))).numpy()
    return training[nearest_images(decoded, training)[0]]


@st.cache_resource(max_entries=4, show_spinner="Loading the training images")
def _training_images(data_hash: str, _option: ModelOption) -> np.ndarray:
    config = _option.card.config
    return data.load(config.dataset, "train", config.image_size).images
