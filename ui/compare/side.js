// One of the two models: its map, its decoded image, and its own point.

const NEIGHBOURS = 50;

/**
 * @param {HTMLElement} section  filled here once
 * @param {{onMove: function(), onPreview: function(number|null), onRelease: function(), onOpen: function()}} listeners
 *   all say that this side's point, or its preview, has moved
 */
function makeSide(section, listeners) {
  section.innerHTML = SIDE_LAYOUT;
  const find = (selector) => section.querySelector(selector);
  const side = {
    name: "", loaded: null, z: null, preview: null, start: null, axes: [0, 1], lattice: null, map: null,
    open, restyle, drawMap, draw, place, refreshLattice, fit, codeOf, nearestShown,
    stop() { side.map?.stop(); side.loaded?.background.stop(); },
  };
  let view = null; // { layers, lit, colors, polarity }: what both sides share

  /** Takes a model in the place of the one before. */
  async function open({ model, name }, shared) {
    const loaded = await loadModel(model);
    side.stop();
    view = shared;
    Object.assign(side, { name, loaded, preview: null, start: null, lattice: null, axes: widestAxes(loaded.codes) });
    find(".model-name").textContent = model.id;
    find(".kind").textContent = name;
    find(".map-frame").replaceChildren();
    side.map = makeMap(find(".map-frame"), {
      onMove: (point) => { side.preview = null; place(side.z, point); listeners.onMove(); },
      onStep: (dx, dy) => {
        side.z[side.axes[0]] += dx;
        if (side.axes.length > 1) side.z[side.axes[1]] += dy;
        listeners.onMove();
        listeners.onRelease();
      },
      onPreview: (point) => {
        if (!point && !side.preview) return;
        side.preview = point && place(side.z.slice(), point);
        listeners.onPreview();
      },
      onRelease: listeners.onRelease,
      onFit: fit,
      onWindow: refreshLattice,
    }, `latent map, ${name}`);
    const canvas = find(".decoded");
    canvas.setAttribute("aria-label", `decoded image, ${name}`);
    side.show = makeDecodedView(canvas, model, outputOf(loaded.network.metadata));
    side.near = makeNearby(find(".nearby"), find(".shares"), loaded, view.colors.classes, NEIGHBOURS);
    side.z = openingPoint(loaded);
    fit();
  }

  function place(z, point) {
    side.axes.forEach((axis, k) => { z[axis] = point[k]; });
    return z;
  }

  function onMap(z) {
    return side.axes.length > 1 ? side.axes.map((axis) => z[axis]) : [z[0], 0];
  }

  /** What runs under the finger. Returns the decoded image, which the next call overwrites. */
  function draw() {
    const shown = side.preview ?? side.z;
    side.show(side.loaded.network.run(shown), "mean", polarity(), view.colors);
    side.map.point(onMap(side.z), side.preview && onMap(side.preview), side.start && onMap(side.start));
    side.near.show(shown);
  }

  function polarity() {
    return { ink: side.loaded.model.ink, dark: view.colors.dark };
  }

  function drawMap() {
    const { codes, places } = side.loaded;
    const { layers, lit, colors } = view;
    side.map.show({
      codes, places, axes: mapAxes(), lit, colors, points: layers.points, prior: layers.prior, lattice: side.lattice,
    });
    draw();
  }

  function restyle(shared) {
    view = shared;
    drawMap();
  }

  function mapAxes() {
    return side.axes.length > 1 ? side.axes : [0, 0];
  }

  function fit() {
    side.map.setWindow(fittingWindow(side.loaded.codes, mapAxes(), side.loaded.model.kind === "vae"));
  }

  function refreshLattice() {
    if (!view.layers.lattice) {
      if (side.lattice) { side.lattice = null; drawMap(); }
      return;
    }
    const { model, background } = side.loaded;
    const next = decodeLattice(model, side.map.window, mapAxes(), side.z, polarity(), background, () => {
      if (side.lattice !== next) { side.lattice = next; drawMap(); } else side.map.drawLattice();
    });
  }

  /** The code of test image i. */
  function codeOf(i) {
    const { mu, dimensions } = side.loaded.codes;
    return mu.slice(i * dimensions, (i + 1) * dimensions);
  }

  /** The test image whose dot lies under z, or -1: not farther on the screen than `reach` pixels. */
  function nearestShown(z, reach) {
    const { mu, count, dimensions } = side.loaded.codes;
    const frame = find(".map-frame").clientWidth || 1;
    const most = (reach * 2 * side.map.window.half) / frame;
    let [best, least] = [-1, most * most];
    for (let i = 0; i < count; i++) {
      let square = 0;
      for (const axis of side.axes) square += (mu[i * dimensions + axis] - z[axis]) ** 2;
      if (square < least) [best, least] = [i, square];
    }
    return best;
  }

  return side;
}

/** The two dimensions in which the codes spread most, in their order; one if there is but one. */
function widestAxes({ mu, count, dimensions }) {
  const spread = Array.from({ length: dimensions }, (_, j) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < count; i++) { sum += mu[i * dimensions + j]; squares += mu[i * dimensions + j] ** 2; }
    return [squares / count - (sum / count) ** 2, j];
  });
  return spread.sort((a, b) => b[0] - a[0]).slice(0, 2).map(([, j]) => j).sort((a, b) => a - b);
}

const SIDE_LAYOUT = `
<header class="card-head"><h2 class="kind"></h2><span class="aside model-name"></span></header>
<div class="map-frame"></div>
<div class="picture"><canvas class="decoded" role="img"></canvas></div>
<div class="beside"><p class="verdict"></p><p class="nearby"></p><ul class="shares"></ul></div>`;
