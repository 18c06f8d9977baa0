// The latent map: three stacked canvases (lattice, points, cursor) and the gestures on them.

/**
 * @param {HTMLElement} frame  a positioned square element; the canvases fill it
 * @param {{onMove: function(number[]), onRelease: function, onPreview: function(number[]|null),
 *   onStep: function(number, number), onFit: function, onWindow: function}} listeners
 *   onMove(point) during a drag, onStep(dx, dy) from the keyboard, onWindow once the visible region has come to rest
 * @param {string} name  for those who cannot see it
 */
function makeMap(frame, listeners, name = "latent map") {
  const layers = ["lattice", "points", "cursor"].map((name) => {
    const canvas = document.createElement("canvas");
    canvas.className = `layer ${name}`;
    frame.append(canvas);
    return canvas;
  });
  const [latticeContext, pointsContext, cursorContext] = layers.map((canvas) => canvas.getContext("2d"));
  const surface = layers[2];
  surface.tabIndex = 0;
  surface.setAttribute("role", "application");
  surface.setAttribute("aria-roledescription", "two-dimensional slider");
  surface.setAttribute("aria-label", name);
  let size = 0;
  let scene = null;
  let rest = 0;
  let cursor = null; // the point and its preview
  let start = null; // where a way to the point begins

  const map = {
    window: { x: 0, y: 0, half: 3 },
    /** What to draw: codes, places, axes, lit, colors, and which layers are on. Draws points and cursor. */
    show(next) {
      scene = next;
      drawStill();
    },
    setWindow(window) {
      map.window = window;
      drawStill();
      clearTimeout(rest);
      rest = setTimeout(listeners.onWindow, 160);
    },
    zoom(factor, at = [map.window.x, map.window.y]) {
      map.setWindow(zoomed(map.window, factor, ...at));
    },
    /** Moves the cursor, and only it: this is what a drag costs. With `from`, draws the way from there too. */
    point(point, preview, from = null) {
      cursor = [point, preview];
      start = from;
      drawPoint();
    },
    /** Where the point stands, without any preview. */
    get place() { return cursor[0]; },
    drawLattice,
    surface,
  };

  function drawStill() {
    if (!scene || !size) return;
    const { codes, places, axes, lit, colors, points, prior, lattice } = scene;
    const context = pointsContext;
    context.clearRect(0, 0, size, size);
    drawGrid(context, map.window, size, lattice ? { ...colors, grid: "transparent" } : colors);
    if (points) drawPoints(context, map.window, size, codes, axes, lit, colors);
    if (prior) drawRings(context, map.window, size, colors);
    if (points) drawClassNumbers(context, map.window, size, places, axes, lit, colors);
    drawLattice();
    drawPoint();
  }

  function drawPoint() {
    cursorContext.clearRect(0, 0, size, size);
    if (!scene || !cursor) return;
    if (start) drawWay(cursorContext, map.window, size, start, cursor[0], scene.colors);
    drawCursor(cursorContext, map.window, size, ...cursor, scene.colors);
  }

  /** The mosaic where it was decoded: a pan or zoom moves it until the new one has come. */
  function drawLattice() {
    latticeContext.clearRect(0, 0, size, size);
    const lattice = scene?.lattice;
    if (!lattice) return;
    latticeContext.canvas.classList.toggle("faint", scene.points);
    const { window, canvas } = lattice;
    const [left, top] = toPixel(map.window, size, window.x - window.half, window.y + window.half);
    const side = (size * window.half) / map.window.half;
    latticeContext.imageSmoothingEnabled = false;
    latticeContext.drawImage(canvas, left, top, side, side);
  }

  const sizes = new ResizeObserver(() => {
    const next = frame.clientWidth;
    if (!next || next === size) return;
    size = next;
    for (const canvas of layers) {
      canvas.width = canvas.height = Math.round(size * devicePixelRatio);
      canvas.getContext("2d").setTransform(canvas.width / size, 0, 0, canvas.width / size, 0, 0);
    }
    drawStill();
    listeners.onWindow();
  });
  sizes.observe(frame);

  map.stop = () => sizes.disconnect();
  addGestures(map, () => size, listeners);
  return map;
}
