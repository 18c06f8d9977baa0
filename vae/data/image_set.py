"""One type for every set of images, so that nothing downstream asks where a set came from."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import DataError

NEARLY_EMPTY = 26  # a tenth of full scale


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with what is known about them. Checked when made; its arrays are read-only.

    Attributes:
        images: uint8, shape (N, C, H, W), values 0 to 255; C is 1 (grey) or 3 (red, green, blue).
        labels: int64, shape (N,), indices into `class_names`; None for an unlabelled set.
        class_names: one name a class, empty for an unlabelled set.
        name, split: what `vae.data.load` was asked for; of images of your own, without the path: `folder:pets`.
        licence, credit: what anyone who passes the images on must know.
        factors: float32, shape (N, F), the quantities an image was drawn from; None when they are unknown.
        factor_names: one name a column of `factors`.
        known_as: what `hash` says in place of the pixels' own, for a set that need not be held to be named.

    Raises:
        DataError: an array has another dtype, shape or range than stated here.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    name: str
    split: str
    licence: str
    credit: str
    factors: NDArray[np.float32] | None = None
    factor_names: tuple[str, ...] = ()
    known_as: str | None = None

    def __post_init__(self) -> None:
        self._check_images()
        self._check_labels()
        self._check_factors()
        for field in ("images", "labels", "factors"):
            array = getattr(self, field)
            if array is not None:
                # A view: the caller's own array stays as writable as it was.
                view = np.ascontiguousarray(array).view()
                view.setflags(write=False)
                object.__setattr__(self, field, view)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        channels, height, width = self.shape
        return f"ImageSet({self.name!r}, {self.split!r}, {len(self)} images of {channels} x {height} x {width})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W), the event shape of a model of these images."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def is_ink(self) -> bool:
        """Whether the images are grey strokes on an empty ground: more than half of the pixels are nearly 0."""
        return self.shape[0] == 1 and float((self.images < NEARLY_EMPTY).mean()) > 0.5

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over shape, pixels and labels: names the data, whatever file it came from."""
        if self.known_as is not None:
            return self.known_as
        digest = hashlib.sha256(repr(self.images.shape).encode())
        digest.update(self.images.data)
        if self.labels is not None:
            # Fixed byte order: the same data has the same name on every machine.
            digest.update(self.labels.astype("<i8", copy=False).data)
        return digest.hexdigest()

    def take(self, indices: ArrayLike | slice) -> "ImageSet":
        """The images at `indices`: integers (M,), a boolean mask (N,) or a slice, in that order."""
        chosen = indices if isinstance(indices, slice) else np.asarray(indices)
        return replace(
            self,
            images=self.images[chosen],
            labels=None if self.labels is None else self.labels[chosen],
            factors=None if self.factors is None else self.factors[chosen],
            known_as=None,
        )

    def head(self, count: int) -> "ImageSet":
        """The first `count` images, or all of them when there are fewer."""
        return self.take(slice(count))

    def binarized(self) -> "ImageSet":
        """Each pixel black or white, split at one half: what a Bernoulli likelihood is a likelihood of."""
        return replace(self, images=np.where(self.images >= 128, 255, 0).astype(np.uint8), known_as=None)

    def _check_images(self) -> None:
        images = self.images
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise DataError(f"{self._title}: images must be a uint8 array, got {_describe(images)}.")
        if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
            raise DataError(
                f"{self._title}: images must have shape (N, C, H, W) with at least one image and C = 1 or 3, "
                f"got {images.shape}."
            )

    def _check_labels(self) -> None:
        labels = self.labels
        if labels is None:
            if self.class_names:
                raise DataError(f"{self._title}: it names {len(self.class_names)} classes but has no labels.")
            return
        if not isinstance(labels, np.ndarray) or labels.dtype != np.int64 or labels.shape != (len(self),):
            raise DataError(f"{self._title}: labels must be int64 of shape ({len(self)},), got {_describe(labels)}.")
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= len(self.class_names):
            raise DataError(
                f"{self._title}: labels run from {low} to {high}, but there are {len(self.class_names)} class names."
            )

    def _check_factors(self) -> None:
        factors = self.factors
        if factors is None:
            if self.factor_names:
                raise DataError(f"{self._title}: it names {len(self.factor_names)} factors but has none.")
            return
        expected = (len(self), len(self.factor_names))
        if not isinstance(factors, np.ndarray) or factors.dtype != np.float32 or factors.shape != expected:
            raise DataError(f"{self._title}: factors must be float32 of shape {expected}, got {_describe(factors)}.")
        if not np.isfinite(factors).all():
            raise DataError(f"{self._title}: factors must be finite numbers.")

    @property
    def _title(self) -> str:
        return f"Image set {self.name!r} ({self.split})"


def _describe(value: object) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
