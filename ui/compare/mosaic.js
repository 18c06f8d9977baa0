// Many images on one canvas, row by row, with a little paper between them.

/** How images of a shape lie in a mosaic of so many columns: the side of a cell, the canvas, the place of each. */
function mosaicLayout([, height, width], count, columns) {
  const gap = Math.max(1, Math.round(Math.max(height, width) / 16));
  const rows = Math.ceil(count / columns);
  return {
    cell: [width + gap, height + gap],
    width: columns * (width + gap) - gap,
    height: rows * (height + gap) - gap,
    placeOf: (i) => [(i % columns) * (width + gap), Math.floor(i / columns) * (height + gap)],
  };
}

/** Draws images (Float32Array, one after the other) at once: the canvas shows the old ones until the new are all there. */
function drawMosaic(canvas, images, shape, columns, polarity) {
  const size = elementCount(shape);
  const layout = mosaicLayout(shape, images.length / size, columns);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(layout.width, layout.height);
  for (let i = 0; i * size < images.length; i++) {
    const image = images.subarray(i * size, (i + 1) * size);
    writeImage(image, shape, polarity, pixels.data, layout.width, ...layout.placeOf(i));
  }
  if (canvas.width !== layout.width || canvas.height !== layout.height) {
    canvas.width = layout.width;
    canvas.height = layout.height;
    canvas.style.aspectRatio = `${layout.width} / ${layout.height}`;
    canvas.style.maxWidth = `calc(var(--tallest) * ${layout.width / layout.height})`;
  }
  context.putImageData(pixels, 0, 0);
  keepCrisp(canvas);
}

/** Whole squares when a pixel is drawn large; averaged when several must share one, where a square would be dropped. */
function keepCrisp(canvas) {
  canvas.style.imageRendering = canvas.clientWidth * devicePixelRatio < canvas.width ? "auto" : "pixelated";
}

/** The image under a pointer, and where it lies in shares of the canvas; null beside them all. */
function imageUnder(event, canvas, shape, count, columns) {
  const box = canvas.getBoundingClientRect();
  const { cell, width, height } = mosaicLayout(shape, count, columns);
  const column = Math.floor((((event.clientX - box.left) / box.width) * width) / cell[0]);
  const row = Math.floor((((event.clientY - box.top) / box.height) * height) / cell[1]);
  const index = row * columns + column;
  if (column < 0 || row < 0 || column >= columns || index >= count) return null;
  return {
    index,
    left: (column * cell[0]) / width, top: (row * cell[1]) / height,
    width: shape[2] / width, height: shape[1] / height,
  };
}

/** Bytes (0 to 255) from base64, as numbers in [0, 1]. */
function imagesFromBase64(text) {
  return Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255);
}
