"""One picture as bytes, against Pillow used in another way; and files that are none, or not whole."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pictures import noise, save
from PIL import Image, ImageOps

from vae.data.pictures import MOST_PIXELS, BrokenPictureError, Frame, read_header, read_picture

SAMPLE = noise()
COLOUR, GREY = Frame(3, 12, 12, cut=False), Frame(1, 12, 12, cut=False)

UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # the EXIF standard's own words: where row 0, column 0 lie
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


def as_pillow_has_it(pixels: np.ndarray) -> np.ndarray:
    """(C, H, W) as (H, W) or (H, W, 3)."""
    return pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, 2)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm", "gif"])
def test_what_loses_nothing_is_read_to_the_bit(tmp_path: Path, suffix: str) -> None:
    pixels = noise() if suffix != "gif" else noise(channels=1)
    frame = COLOUR if pixels.ndim == 3 else GREY
    assert np.array_equal(as_pillow_has_it(read_picture(save(tmp_path / f"a.{suffix}", pixels), frame)), pixels)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_s_rotation_is_obeyed(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    slope = np.add.outer(np.arange(24) * 3, np.arange(0, 160, 10)).astype(np.uint8)
    lying = np.asarray(Image.open(save(tmp_path / f"lying.{suffix}", slope)).convert("L"))
    path = save(tmp_path / f"a.{suffix}", slope, exif=exif)
    expected = UPRIGHT[orientation](lying)
    header = read_header(path)
    assert (header.height, header.width) == expected.shape
    pixels = read_picture(path, Frame(1, header.height, header.width, cut=False))
    assert np.array_equal(pixels[0], expected)


@given(alpha=st.integers(0, 255), value=st.integers(0, 255))
def test_transparency_is_laid_on_white(tmp_path_factory: pytest.TempPathFactory, alpha: int, value: int) -> None:
    path = tmp_path_factory.mktemp("alpha") / "a.png"
    for pixels in (np.full((12, 12, 4), (value, value, value, alpha)), np.full((12, 12, 2), (value, alpha))):
        save(path, pixels.astype(np.uint8))
        assert np.abs(read_picture(path, GREY) - (value * alpha + 255 * (255 - alpha)) / 255).max() <= 1


def test_palettes_are_looked_up_with_their_transparent_colour(tmp_path: Path) -> None:
    pixels = np.zeros((12, 12, 3), np.uint8)
    pixels[:6], pixels[6:] = (255, 0, 0), (0, 0, 255)
    palette = Image.fromarray(pixels).quantize(2)
    path = tmp_path / "a.png"
    palette.save(path)
    assert np.array_equal(as_pillow_has_it(read_picture(path, COLOUR)), pixels)
    palette.save(path, transparency=int(np.asarray(palette)[0, 0]))
    seen = as_pillow_has_it(read_picture(path, COLOUR))
    assert (seen[:6] == 255).all()
    assert (seen[6:] == (0, 0, 255)).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_become_eight(tmp_path: Path, suffix: str) -> None:
    wide = np.arange(144, dtype=np.uint16).reshape(12, 12) * 455
    path = save(tmp_path / f"a.{suffix}", wide)
    assert read_header(path).grey
    assert np.abs(read_picture(path, GREY)[0] - wide / 65535 * 255).max() <= 0.5


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_floats_are_taken_for_fractions_or_for_levels(tmp_path: Path, top: float) -> None:
    values = np.linspace(0, top, 144, dtype=np.float32).reshape(12, 12)
    assert np.abs(read_picture(save(tmp_path / "a.tif", values), GREY)[0] - values * 255 / top).max() <= 0.51


def test_cmyk_is_seen_in_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (12, 12), (0, 255, 255, 0)).save(path)  # no cyan: red
    red, green, blue = read_picture(path, COLOUR).reshape(3, -1).mean(axis=1)
    assert red > 200
    assert max(green, blue) < 60


@given(width=st.integers(1, 90), height=st.integers(1, 90), side=st.integers(8, 64))
def test_the_middle_is_cut_out_and_resized(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, side: int
) -> None:
    path = save(tmp_path_factory.mktemp("cut") / "a.png", noise(height, width))
    short = min(width, height)
    left, top = (width - short) // 2, (height - short) // 2
    middle = Image.open(path).crop((left, top, left + short, top + short))
    expected = np.asarray(middle if short == side else middle.resize((side, side), Image.Resampling.LANCZOS))
    assert np.array_equal(as_pillow_has_it(read_picture(path, Frame(3, side, side, cut=True))), expected)


def test_a_large_photograph_is_decoded_smaller_and_looks_the_same(tmp_path: Path) -> None:
    slope = np.add.outer(np.arange(1600), np.arange(2000)) / 3600 * 255
    path = save(tmp_path / "a.jpg", slope.astype(np.uint8), quality=95)
    expected = ImageOps.fit(Image.open(path), (32, 32), Image.Resampling.LANCZOS)
    pixels = read_picture(path, Frame(1, 32, 32, cut=True))[0]
    assert np.abs(pixels.astype(float) - np.asarray(expected)).max() <= 3


def test_the_first_frame_of_a_moving_picture_counts(tmp_path: Path) -> None:
    frames = [Image.new("L", (12, 12), level) for level in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "a.gif", GREY).max() < 20


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for width, height in ((MOST_PIXELS + 1, 1), (60_000, 60_000), (2**31 - 1, 2**31 - 1)):
        path.write_bytes(claiming(width, height))
        with pytest.raises(BrokenPictureError, match="pixels"):
            read_header(path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BrokenPictureError, match="no picture of a known format"):
        read_header(tmp_path / "a.png")


@given(st.data())
def test_damage_anywhere_is_either_survived_or_told(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]))
    file = io.BytesIO()
    Image.fromarray(SAMPLE).save(file, kind)
    content = bytearray(file.getvalue()[: data.draw(st.integers(0, len(file.getvalue())))])
    for place in data.draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=4)) if content else ():
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("damaged") / "a.png"
    path.write_bytes(content)
    with suppress(BrokenPictureError):  # and nothing else
        read_header(path)
    with suppress(BrokenPictureError):
        assert read_picture(path, Frame(3, 8, 8, cut=True)).shape == (3, 8, 8)
