// Along each dimension: one strip of images for each, the others held at z.

const STEPS = 13;

/**
 * @param {HTMLElement} container  emptied and filled
 * @param {number[]} dimensions  which, in this order
 * @param {number[][]} ranges  of every dimension
 * @param {function(number, number)} onChoose  (dimension, value) when an image is pressed
 */
function makeTraversals(container, model, dimensions, ranges, onChoose) {
  const [, height, width] = model.shape;
  const valueAt = (j, step) => ranges[j][0] + ((ranges[j][1] - ranges[j][0]) * step) / (STEPS - 1);
  container.replaceChildren();
  const strips = dimensions.map((j) => {
    const row = element("div", "strip", container);
    const name = element("span", "z-name", row);
    name.append("z", Object.assign(document.createElement("sub"), { textContent: j + 1 }));
    const canvas = element("canvas", "strip-image", row);
    canvas.width = STEPS * width;
    canvas.height = height;
    canvas.style.aspectRatio = `${STEPS * width} / ${height}`;
    canvas.setAttribute("role", "img");
    const [low, high] = ranges[j];
    canvas.setAttribute("aria-label", `images along z${j + 1} from ${signed(low, 0)} to ${signed(high, 0)}`);
    canvas.title = `z${j + 1} from ${signed(low, 0)} to ${signed(high, 0)}; press an image to go there`;
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const step = Math.floor((STEPS * (event.clientX - box.left)) / box.width);
      onChoose(j, valueAt(j, Math.min(Math.max(step, 0), STEPS - 1)));
    });
    const context = canvas.getContext("2d", { alpha: false });
    return { context, pixels: context.createImageData(STEPS * width, height) };
  });
  const follow = newestOnly((finished, z, polarity, background) => {
    const size = z.length;
    const points = new Float32Array(dimensions.length * STEPS * size);
    dimensions.forEach((j, row) => {
      for (let step = 0; step < STEPS; step++) {
        const from = (row * STEPS + step) * size;
        points.set(z, from);
        points[from + j] = valueAt(j, step);
      }
    });
    background.run("traversals", points, dimensions.length * STEPS, (first, images, count, done) => {
      draw(first, images, count, polarity);
      if (done) finished();
    });
  });

  function draw(first, images, count, polarity) {
    const values = images.length / count;
    const touched = new Set();
    for (let i = 0; i < count; i++) {
      const [row, step] = [Math.floor((first + i) / STEPS), (first + i) % STEPS];
      const image = images.subarray(i * values, (i + 1) * values);
      writeImage(image, model.shape, polarity, strips[row].pixels.data, STEPS * width, step * width);
      touched.add(strips[row]);
    }
    for (const { context, pixels } of touched) context.putImageData(pixels, 0, 0);
  }

  return {
    /** Decodes the strips around z, a little after it. */
    update(z, polarity, background) {
      follow(z.slice(), polarity, background);
    },
  };
}
