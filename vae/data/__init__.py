"""Images in: the built-in sets and the drawn shapes, all as one type."""

from vae.data.folder import data_dir
from vae.data.image_set import ImageSet
from vae.data.registry import DataSetInfo, available, load, names

__all__ = ["DataSetInfo", "ImageSet", "available", "data_dir", "load", "names"]
