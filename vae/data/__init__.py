"""Images in: the built-in sets, the drawn shapes and the images a person brings, all as one type."""

from vae.data.folder import data_dir
from vae.data.image_set import ImageSet
from vae.data.own import is_own, lasting_name, path_of, plain_name
from vae.data.own_images import fits_in_memory, sizes_of_own
from vae.data.picture_folder import Survey, survey
from vae.data.registry import DataSetInfo, available, load, names

__all__ = [
    "DataSetInfo",
    "ImageSet",
    "Survey",
    "available",
    "data_dir",
    "fits_in_memory",
    "is_own",
    "lasting_name",
    "load",
    "names",
    "path_of",
    "plain_name",
    "sizes_of_own",
    "survey",
]
