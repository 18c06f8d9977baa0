"""Images as bytes and as numbers in [0, 1]."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_float(images: Tensor) -> Tensor:
    """uint8 0..255 to float32 in [0, 1]."""
    return images.to(torch.float32).div_(255)


def contact_sheet(images: Tensor, columns: int, scale: int = 4) -> Image.Image:
    """Images (N, C, H, W) in [0, 1] on one picture, `columns` to a row, each pixel drawn `scale` wide."""
    pixels = images.clamp(0, 1).mul(255).round().to(torch.uint8).numpy()
    count, channels, height, width = pixels.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, channels, height, width), np.uint8)
    sheet[:count] = pixels
    sheet = sheet.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels).repeat(scale, axis=0).repeat(scale, axis=1)
    return Image.fromarray(sheet.squeeze(2) if channels == 1 else sheet)
