// Numbers in [0, 1] onto a canvas, one canvas pixel an image pixel; CSS makes it large and crisp.

/**
 * @typedef {{ink: boolean, dark: boolean}} Polarity
 *   strokes (ink) are drawn dark on light in the light theme; photographs keep their values in both
 */

/** Writes one image (channel-height-width, values in [0, 1]) into RGBA bytes that are `stride` pixels wide. */
function writeImage(values, [channels, height, width], polarity, rgba, stride, left = 0, top = 0) {
  const inverted = polarity.ink && !polarity.dark;
  const plane = height * width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * width + x;
      const to = 4 * ((top + y) * stride + left + x);
      for (let c = 0; c < 3; c++) {
        const value = values[from + (channels === 3 ? c * plane : 0)];
        rgba[to + c] = 255 * (inverted ? 1 - value : value);
      }
      rgba[to + 3] = 255;
    }
  }
}

/** Writes one image on a ramp from `paper` to `colour` (RGB), full colour at `most`. */
function writeRamp(values, [channels, height, width], most, paper, colour, rgba) {
  const plane = height * width;
  for (let i = 0; i < plane; i++) {
    let value = 0;
    for (let c = 0; c < channels; c++) value += values[i + c * plane] / channels;
    const share = Math.min(1, value / most);
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = paper[c] + share * (colour[c] - paper[c]);
    rgba[4 * i + 3] = 255;
  }
}

/** A canvas that shows one image at a time. */
function makePicture(canvas, shape) {
  const [, height, width] = shape;
  canvas.width = width;
  canvas.height = height;
  canvas.style.aspectRatio = `${width} / ${height}`;
  canvas.style.maxWidth = `calc(var(--tallest) * ${width / height})`;
  const context = canvas.getContext("2d", { alpha: false });
  const pixels = context.createImageData(width, height);
  return {
    show(values, polarity) {
      writeImage(values, shape, polarity, pixels.data, width);
      context.putImageData(pixels, 0, 0);
    },
    showRamp(values, most, paper, colour) {
      writeRamp(values, shape, most, paper, colour, pixels.data);
      context.putImageData(pixels, 0, 0);
    },
  };
}

/** The canvas as a PNG of at least 560 pixels, every pixel a square, handed to the reader. */
function savePicture(canvas, filename) {
  const scale = Math.ceil(560 / Math.max(canvas.width, canvas.height));
  const large = document.createElement("canvas");
  large.width = canvas.width * scale;
  large.height = canvas.height * scale;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  large.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = filename;
    link.click();
    URL.revokeObjectURL(link.href);
  }, "image/png");
}
