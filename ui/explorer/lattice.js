// The decoded lattice behind the map: the visible region cut into cells, each showing what its centre decodes to.

const CELLS = 20; // a side

/**
 * Decodes the lattice of a window in the background; `onRow` is called as the picture fills in.
 *
 * @returns {{window: object, canvas: HTMLCanvasElement}} what the map draws
 */
function decodeLattice(model, window, [first, second], z, polarity, background, onRow) {
  const [, height, width] = model.shape;
  const side = Math.max(height, width);
  const cell = side + Math.ceil(side / 12); // square, with a gap; a narrow image stands in the middle
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = CELLS * cell;
  const context = canvas.getContext("2d");
  const size = z.length;
  const points = new Float32Array(CELLS * CELLS * size);
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const from = (row * CELLS + column) * size;
      points.set(z, from);
      points[from + first] = window.x + window.half * ((2 * column + 1) / CELLS - 1);
      points[from + second] = window.y - window.half * ((2 * row + 1) / CELLS - 1);
    }
  }
  const image = context.createImageData(width, height);
  background.run("lattice", points, CELLS * CELLS, (start, images, count) => {
    const values = images.length / count;
    for (let i = 0; i < count; i++) {
      writeImage(images.subarray(i * values, (i + 1) * values), model.shape, polarity, image.data, width);
      const column = (start + i) % CELLS;
      const row = Math.floor((start + i) / CELLS);
      const [left, top] = [column * cell + ((cell - width) >> 1), row * cell + ((cell - height) >> 1)];
      context.putImageData(image, left, top);
    }
    onRow();
  });
  return { window: { ...window }, canvas };
}
