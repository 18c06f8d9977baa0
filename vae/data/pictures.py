"""One picture file as pixels: upright, on white where it is transparent, 8 bits a channel, of the size asked for."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

_OF_PHOTOGRAPHS = (".jpg", ".jpeg", ".jfif", ".jp2", ".webp", ".avif", ".tif", ".tiff")
_OF_DRAWINGS = (".png", ".gif", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm")
SUFFIXES = frozenset(_OF_PHOTOGRAPHS + _OF_DRAWINGS)  # in lower case
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000")  # none that runs a program
MOST_PIXELS = 50_000_000  # of one picture: a small file can claim any size, and would fill the memory with it
ONE_CHANNEL = ("1", "L", "LA", "La", "I", "F")  # and 16 bits, I;16 in each order of bytes
SIDEWAYS = 5  # EXIF orientations from here on swap width and height
DECODED_LARGER = 4  # a JPEG is decoded at no less than so many times the size asked for; the rest would be thrown away

# Such pictures are refused here, and with more than a warning. For good: to set it for a moment is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of damage that it survives


class BrokenPictureError(Exception):
    """A file that is no picture, or not a whole one; the message says what is wrong with it."""


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before it is decoded; upright. `grey` is None when only the pixels can tell."""

    width: int
    height: int
    grey: bool | None


@dataclass(frozen=True)
class Frame:
    """What every picture of a set becomes: channels (1 or 3), height, width; `cut` square and resized, or as it is."""

    channels: int
    height: int
    width: int
    cut: bool


def is_picture_name(name: str) -> bool:
    """Whether a file of this name is taken for a picture."""
    return Path(name).suffix.lower() in SUFFIXES


def read_header(path: Path) -> Header:
    """Raises BrokenPictureError; OSError when the file cannot be read."""
    with _opened(path) as image:
        width, height = image.size
        if _orientation(image) >= SIDEWAYS:
            width, height = height, width
        grey = image.mode in ONE_CHANNEL or image.mode.startswith("I;16")
        return Header(width, height, True if grey else None)


def read_picture(path: Path, frame: Frame) -> NDArray[np.uint8]:
    """The pixels, uint8 (C, H, W), as `frame` asks. The same file gives the same bytes wherever it is read.

    Raises BrokenPictureError; OSError when the file cannot be read.
    """
    with _opened(path) as image:
        orientation = _orientation(image)
        try:
            if frame.cut:
                image.draft(None, (DECODED_LARGER * frame.width, DECODED_LARGER * frame.height))
            image.load()
            upright = ImageOps.exif_transpose(image) if orientation > 1 else image
            flat = _flat(upright).convert("L" if frame.channels == 1 else "RGB")
            fitted = _square(flat, frame.width) if frame.cut else flat
        except Exception as fault:  # each of Pillow's decoders has faults of its own: SyntaxError, struct.error, ...
            raise BrokenPictureError(_said(fault)) from None
    pixels = np.asarray(fitted, np.uint8)
    if pixels.shape[:2] != (frame.height, frame.width):
        raise BrokenPictureError(f"it has {pixels.shape[1]} x {pixels.shape[0]} pixels, and its header says otherwise")
    return np.ascontiguousarray(np.moveaxis(pixels.reshape(frame.height, frame.width, frame.channels), 2, 0))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with path.open("rb") as file:  # here, so that a file that may not be read is told apart from a broken one
        try:
            image = Image.open(file, formats=FORMATS)
        except Exception as fault:
            raise BrokenPictureError(_said(fault)) from None
        if image.width * image.height > MOST_PIXELS:
            raise BrokenPictureError(f"it claims {image.width:,} x {image.height:,} pixels, which are too many")
        yield image


def _square(image: Image.Image, side: int) -> Image.Image:
    """The middle of it, resized with a filter that does not alias."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    middle = image.crop((left, top, left + short, top + short))
    return middle if short == side else middle.resize((side, side), Image.Resampling.LANCZOS)


def _orientation(image: Image.Image) -> int:
    """EXIF's, 1 to 8; 1 is upright."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # to look further would decode the picture
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # metadata that cannot be read turn nothing
        return 1
    return found if found in range(1, 9) else 1


def _flat(image: Image.Image) -> Image.Image:
    """8 bits a channel and no transparency: mode L or RGB."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64).clip(0, 65_535)
        return Image.fromarray(np.rint(values / 257).astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64))
        return Image.fromarray(np.rint(values * (255 if values.max() <= 1 else 1)).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        seen = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), seen).convert("RGB")
    return image.convert("L" if image.mode in ONE_CHANNEL else "RGB")


def _said(fault: Exception) -> str:
    if isinstance(fault, Image.UnidentifiedImageError):
        return "it is no picture of a known format"
    if isinstance(fault, Image.DecompressionBombError):
        return "it claims more pixels than fit"
    return " ".join(str(fault).split()).rstrip(".") or type(fault).__name__
