// One epoch of a run: its map with a point to drag, what its decoder makes of the point, and two rows of images.

const IN_A_ROW = 12; // images

/** @param {HTMLElement} root  laid out already */
function makeFrameView(root) {
  const find = (selector) => root.querySelector(selector);
  let frame = null;
  let colors = null;
  let hasPrior = false;
  let z = null; // the point, which stays where it is from epoch to epoch
  let samples = [];
  let showDecoded = null;
  let lit = null;
  let lattice = null;

  const motion = makeMotion(drawMap);
  const map = makeMap(find(".map-frame"), {
    onMove: ([x, y]) => moveTo(x, y),
    onStep: (dx, dy) => { if (frame) moveTo(z[0] + dx, z[1] + dy); },
    onPreview: () => {},
    onRelease: () => {},
    onFit: fit,
    onWindow: drawLattice,
  });
  const latticePill = find(".lattice-pill");
  latticePill.addEventListener("click", () => {
    latticePill.setAttribute("aria-pressed", !isPressed(latticePill));
    drawLattice();
  });

  function moveTo(x, y) {
    if (!frame) return;
    z[0] = x;
    if (z.length > 1) z[1] = y;
    drawPoint();
  }

  function begin() {
    const { codes, model, output } = frame;
    z = codes.mu.slice(0, codes.dimensions);
    samples = fixedDraws(IN_A_ROW, codes.dimensions);
    showDecoded = makeDecodedView(find(".decoded"), model, output);
    fillLegend(find(".legend"), model, codes.labels, colors.classes, (label) => { lit = label; drawMap(); });
  }

  function axes() {
    return frame.codes.dimensions > 1 ? [0, 1] : [0, 0];
  }

  function fit() {
    if (frame) map.setWindow(fittingWindow(frame.codes, axes(), hasPrior));
  }

  function polarity() {
    return { ink: frame.model.ink, dark: colors.dark };
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  function drawMap(mu = motion.now()) {
    const codes = { ...frame.codes, mu };
    const places = new Map(); // no class numbers: their places would jump from epoch to epoch
    map.show({ codes, places, axes: axes(), lit, colors, points: true, prior: hasPrior, lattice });
  }

  function drawLattice() {
    if (!frame) return;
    const isWanted = isPressed(latticePill);
    lattice = isWanted ? decodeLattice(frame.model, map.window, axes(), z, polarity(), foreground(frame), () => {}) : null;
    drawMap();
  }

  /** What runs under the finger. */
  function drawPoint() {
    map.point(axes().map((axis) => z[axis]), null);
    showDecoded(frame.network.run(z), "mean", polarity(), colors);
  }

  function drawRows() {
    const { codes, model, originals } = frame;
    const count = Math.min(IN_A_ROW, codes.count);
    const decoded = (all) => all.map((code) => meanImage(frame, code));
    const back = decoded(firstOf(codes.mu, codes.dimensions, count));
    drawImages(find(".reconstructions"), [firstOf(originals, elementCount(model.shape), count), back], model, polarity());
    drawImages(find(".samples"), [decoded(samples)], model, polarity());
  }

  return {
    /** Takes the theme's colours; before anything is shown. */
    restyle(next) {
      const hasTurned = colors?.dark !== next.dark;
      colors = next;
      if (!frame) return;
      if (hasTurned) drawLattice();
      else drawMap();
      drawPoint();
      drawRows();
    },
    /** Goes on to a frame of the same run; `prior`: whether N(0, I) is drawn beneath it. */
    show(next, prior) {
      [frame, hasPrior] = [next, prior];
      if (!z) begin();
      fit();
      motion.to(frame.codes.mu);
      drawLattice();
      drawPoint();
      drawRows();
    },
    stop() {
      motion.stop();
      map.stop();
    },
  };
}

function isPressed(pill) {
  return pill.getAttribute("aria-pressed") === "true";
}

/** The first `count` pieces, each `size` long, of what lies one after the other. */
function firstOf(values, size, count) {
  return Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** Rows of images of one model, one below the other. */
function drawImages(canvas, rows, { shape }, polarity) {
  const [, height, width] = shape;
  canvas.width = rows[0].length * width;
  canvas.height = rows.length * height;
  const context = canvas.getContext("2d", { alpha: false });
  const pixels = context.createImageData(canvas.width, canvas.height);
  rows.forEach((images, row) => images.forEach((image, i) => {
    writeImage(image, shape, polarity, pixels.data, canvas.width, i * width, row * height);
  }));
  context.putImageData(pixels, 0, 0);
}

/** The same draws from N(0, I) for every frame, so that one can watch each sample take shape. */
function fixedDraws(count, dimensions) {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Array.from({ length: count }, () => Float32Array.from(
    { length: dimensions }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  ));
}
