"""The table of image sets: what can be loaded by name, and where it lies."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from vae.data.digits import load_digits
from vae.data.faces import freyface_files, load_freyface, load_olivetti, olivetti_file
from vae.data.image_set import ImageSet
from vae.data.mnist import FASHION_MNIST, KMNIST, MNIST, MnistFamily
from vae.data.own import CREDIT, LICENCE, is_own
from vae.data.own_images import check_has_no_size, load_own
from vae.data.shapes import load_shapes
from vae.errors import DataError

SPLITS = ("train", "test")


@dataclass(frozen=True)
class DataSetInfo:
    """What is known of a set without loading it.

    Attributes:
        embedded: it needs no file and no network.
        location: where it lies, or would lie once downloaded.
        present: it can be loaded without a download.
        is_form: no set, but how the name of a set of your own is written, `PATH` standing for where it lies.
    """

    name: str
    title: str
    embedded: bool
    location: str
    present: bool
    licence: str
    credit: str
    is_form: bool = False


@dataclass(frozen=True)
class _Entry:
    """One row: `load(name, split, licence, credit)`; location and presence are asked anew, as `data_dir` may change."""

    title: str
    licence: str
    credit: str
    load: Callable[[str, str, str, str], ImageSet]
    location: Callable[[], str]
    present: Callable[[], bool]
    embedded: bool = False


def _mnist_like(title: str, licence: str, credit: str, family: MnistFamily) -> _Entry:
    return _Entry(title, licence, credit, family.load, lambda: str(family.folder), family.present)


_TABLE = {
    "digits": _Entry(
        "Small handwritten digits",
        "CC BY 4.0",
        "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998",
        load_digits,
        location=lambda: "inside scikit-learn",
        present=lambda: True,
        embedded=True,
    ),
    "shapes": _Entry(
        "Shapes with known factors",
        "MIT",
        "Drawn by this program, in the manner of dSprites (L. Matthey and others, 2017)",
        load_shapes,
        location=lambda: "drawn when asked for",
        present=lambda: True,
        embedded=True,
    ),
    "mnist": _mnist_like(
        "MNIST handwritten digits",
        "CC BY-SA 3.0, as it is commonly given; the original states none",
        "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits",
        MNIST,
    ),
    "fashion-mnist": _mnist_like(
        "Fashion-MNIST",
        "MIT, copyright 2017 Zalando SE",
        "H. Xiao, K. Rasul and R. Vollgraf (Zalando Research), Fashion-MNIST, 2017",
        FASHION_MNIST,
    ),
    "kmnist": _mnist_like(
        "Kuzushiji-MNIST",
        "CC BY-SA 4.0",
        "KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset (created by NIJL and others), "
        "doi:10.20676/00000341",
        KMNIST,
    ),
    "olivetti": _Entry(
        "Olivetti faces",
        "none stated; credit asked for",
        "AT&T Laboratories Cambridge; F. Samaria and A. Harter, Parameterisation of a stochastic model for human face "
        "identification, 1994",
        load_olivetti,
        location=lambda: str(olivetti_file()),
        present=lambda: os.path.isfile(olivetti_file()),
    ),
    "freyface": _Entry(
        "Frey Face",
        "none stated",
        "Images of Brendan Frey, first published by Sam Roweis",
        load_freyface,
        location=lambda: str(next(filter(os.path.isfile, freyface_files()), freyface_files()[0])),
        present=lambda: any(map(os.path.isfile, freyface_files())),
    ),
}


_FORMS = {
    "folder:PATH": "Your own pictures, one sub-folder a class",
    "npz:PATH": "Your own arrays: images, labels, class_names",
}


def names() -> tuple[str, ...]:
    """The names that `load` knows of itself, embedded sets first."""
    return tuple(_TABLE)


def available() -> list[DataSetInfo]:
    """Every known set, in the order of `names`: what it is, where it lies, and whether it is there; then the forms."""
    known = [
        DataSetInfo(name, row.title, row.embedded, row.location(), row.present(), row.licence, row.credit)
        for name, row in _TABLE.items()
    ]
    forms = [
        DataSetInfo(name, title, False, "where you say", False, LICENCE, CREDIT, is_form=True)
        for name, title in _FORMS.items()
    ]
    return known + forms


def load(name: str, split: str = "train", image_size: int | None = None) -> ImageSet:
    """Load a set by name; one that is neither embedded nor in `data_dir()` is downloaded if it can be.

    Args:
        name: one of `names()`, or `folder:PATH` or `npz:PATH` for images of your own.
        split: "train" or "test".
        image_size: the side in pixels of a `folder:` set's images; see `vae.data.picture_folder.survey`.

    Raises:
        DataError: the name or split is unknown, or the set is missing, truncated or altered.
        ConfigError: an image size is given for a set whose images have one.
    """
    if split not in SPLITS:
        raise DataError(f"There is no split named {split!r}. Known: {', '.join(SPLITS)}.")
    if is_own(name):
        return load_own(name, split, image_size)
    if name not in _TABLE:
        raise DataError(f"There is no data set named {name!r}. Known: {', '.join([*_TABLE, *_FORMS])}.")
    check_has_no_size(name, image_size)
    row = _TABLE[name]
    return row.load(name, split, row.licence, row.credit)
