"""Pictures of a visitor's own: bringing them, seeing what was understood of them, and taking them away again."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from vae import library
from vae.data import Survey, survey
from vae.data.own_images import read_all
from vae.data.pictures import SUFFIXES
from vae.errors import VaeError
from vae.jobs import JobSettings
from vae.jobs.uploads import Upload, bring, delete_upload, uploads_of

ON_THE_SHEET, COLUMNS, TILE, GAP = 36, 12, 64, 4  # pictures, to a row, pixels a side and between
MEGABYTE = 1_000_000
LARGEST_FILE = 200  # megabytes, unpacked elsewhere: the server holds it in memory until it is unpacked
SHOWN_CLASSES = 8


def own_images(visitor: str | None, settings: JobSettings, chosen: str | None, image_size: int | None) -> str | None:
    """What brings pictures, and what was understood of the `chosen` set. Returns the name of a set just brought."""
    brought = _uploader(visitor, settings)
    if uploads := uploads_of(visitor):
        shown = next((upload for upload in uploads if upload.dataset == (brought or chosen)), uploads[0])
        _understood(shown, image_size)
    return brought


def _uploader(visitor: str | None, settings: JobSettings) -> str | None:
    with st.form("own-images", clear_on_submit=True):
        files = st.file_uploader(
            "Several pictures, or one .zip with a folder for each class",
            type=[*sorted(suffix.removeprefix(".") for suffix in SUFFIXES), "zip"],
            accept_multiple_files=True,
            max_upload_size=max(1, min(LARGEST_FILE, settings.most_upload_bytes // MEGABYTE)),
            help=f"Up to {settings.most_pictures:,} pictures of any size. They are kept on this host until you delete "
            "them, and shown to you alone.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name of the set", placeholder="as the .zip is called", max_chars=60)
            if not st.form_submit_button("Bring these"):
                return None
    try:
        with st.spinner("Unpacking"):
            upload, _, left_out = bring(name, [(file.name, file) for file in files], visitor, settings)
    except (VaeError, OSError) as error:
        st.error(str(error))
        return None
    st.session_state["own-left-out"] = {upload.dataset: left_out.sentences()}
    return upload.dataset


def _understood(upload: Upload, image_size: int | None) -> None:
    try:
        found = survey(upload.folder, image_size)
    except VaeError as error:
        st.error(str(error))
        return
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(described(upload.name, found))
    with right.popover("Delete", width="stretch"):
        st.markdown(f"**{upload.name}**, for good. Runs that trained on it stay, but cannot be resumed.")
        if st.button("Delete these pictures", type="primary"):
            _delete(upload)
    st.image(contact_sheet(found), width="stretch")
    for sentence in [*st.session_state.get("own-left-out", {}).get(upload.dataset, ()), *left_out_of(found)]:
        st.caption(f"Left out: {_plain(sentence)}.")


def _delete(upload: Upload) -> None:
    try:
        delete_upload(upload, library.RUNS)
    except (VaeError, OSError) as error:
        st.error(f"{error}.")
        return
    for key in [key for key, value in st.session_state.items() if value == upload.dataset]:
        del st.session_state[key]
    st.rerun()


def described(name: str, found: Survey) -> str:
    """What a set is, in a line: how many pictures, of which size, in which classes."""
    frame, classes = found.frame, found.class_names
    count = len(found.train) + len(found.test)
    named = ", ".join(classes[:SHOWN_CLASSES]) + (", ..." if len(classes) > SHOWN_CLASSES else "")
    parts = [
        f"**{_plain(name)}**: {count:,} pictures, {len(found.test):,} of them kept for the test",
        f"{frame.width} x {frame.height}, {'grey' if frame.channels == 1 else 'colour'}",
        f"{len(classes)} {'class' if len(classes) == 1 else 'classes'}: {_plain(named)}" if classes else "no classes",
    ]
    return " · ".join(parts)


def left_out_of(found: Survey) -> list[str]:
    """What the folder itself holds that does not count."""
    said = [f"{name}: {reason}" for name, reason in found.broken]
    return [*said, f"{found.ignored:,} beside the folders of the classes"] if found.ignored else said


def contact_sheet(found: Survey) -> bytes:
    """Some of the pictures as they are trained on, side by side: a PNG."""
    members = (*found.train, *found.test)
    spread = np.unique(np.linspace(0, len(members) - 1, min(ON_THE_SHEET, len(members))).astype(int))
    images, _ = read_all(found.root, tuple(members[index] for index in spread), found.frame)
    columns = min(COLUMNS, len(images))
    pitch = TILE + GAP
    sheet = Image.new("RGBA", (columns * pitch - GAP, -(-len(images) // columns) * pitch - GAP))
    for number, image in enumerate(images):
        tile = Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, 2))
        scale = TILE / max(tile.size)
        seen = (max(1, round(tile.width * scale)), max(1, round(tile.height * scale)))
        tile = tile.resize(seen, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS)
        sheet.paste(tile, (number % columns * pitch, number // columns * pitch))
    png = io.BytesIO()
    sheet.save(png, format="PNG")
    return png.getvalue()


def _plain(text: str) -> str:
    """Text as it is, where signs would be taken for formatting."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|~$:<>" else sign for sign in text)
