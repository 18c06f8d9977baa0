// The explorer: one z, and everything that shows it. Python hears z on release.

const NEIGHBOURS = 50;

/** @param {HTMLElement} root  the component's element, filled here once */
function createExplorer(root) {
  root.innerHTML = LAYOUT;
  placeCallouts(root);
  const find = (selector) => root.querySelector(selector);
  const layers = { points: true, lattice: false, prior: true };
  const axes = [0, 1];
  let current = null; // the model on show: see `loadModel`
  let wanted = null; // the address of the decoder that was last asked for
  let z = null;
  let preview = null; // z under a hovering pointer
  let lit = null;
  let mode = "mean";
  let lattice = null;
  let colors = null;
  let polarity = { ink: true, dark: false };
  let tell = () => {};

  const map = makeMap(find(".map-frame"), {
    onMove: (point) => { player.stop(); preview = null; place(point, z); draw(); },
    onStep: (dx, dy) => { player.stop(); z[axes[0]] += dx; z[axes[1]] += dy; draw(); release(); },
    onPreview: (point) => {
      if (!current || player.isPlaying()) return;
      if (!point && !preview) return;
      preview = point && place(point, z.slice());
      draw();
    },
    onRelease: release,
    onFit: fit,
    onWindow: () => refreshLattice(),
  });

  const player = makePlayer(find(".play"), {
    stops: () => tourStops(current.codes, current.places, axes),
    onPlace: (stops, time) => { preview = null; tourPoint(stops, time, z); draw(); },
    onPause: release,
  });

  const place = (point, target) => {
    axes.slice(0, target.length).forEach((axis, k) => { target[axis] = point[k]; });
    return target;
  };

  // --- drawing -------------------------------------------------------------------------------------------------------

  /** Everything that moves with z, at once: this is what runs under the finger. */
  function draw() {
    if (!current) return;
    const shown = preview ?? z;
    current.show(current.network.run(shown), mode, polarity, colors);
    map.point(axes.map((axis) => z[axis]), preview && axes.map((axis) => preview[axis]));
    current.sliders.show(z);
    current.nearby(shown);
    if (!preview) current.traversals.update(z, polarity, current.background);
  }

  function drawMap() {
    if (!current) return;
    const { codes, places, model } = current;
    const prior = layers.prior && model.kind === "vae";
    map.show({ codes, places, axes, lit, colors, points: layers.points, prior, lattice });
    draw();
  }

  function refreshLattice() {
    if (!current || !layers.lattice) return;
    const { model, background } = current;
    const next = decodeLattice(model, map.window, axes, z, polarity, background, () => {
      // The old mosaic stays until the new one has begun to fill in.
      if (lattice !== next) { lattice = next; drawMap(); } else map.drawLattice();
    });
  }

  // --- what a reader does --------------------------------------------------------------------------------------------

  function release() {
    const values = Array.from(z, (value) => Number(value.toFixed(4)));
    tell("released", { model: current.model.id, z: values });
    if (current.model.latentDim > 2) refreshLattice();
    const spoken = values.slice(0, 8).map((value, j) => `z${j + 1} ${signed(value, 2)}`).join(", ");
    find(".spoken").textContent = `${spoken}. ${current.summary(z)}`;
  }

  function moveTo(target) {
    player.stop();
    z.set(target);
    preview = null;
    draw();
    release();
  }

  function fit() {
    map.setWindow(fittingWindow(current.codes, axes, current.model.kind === "vae"));
    draw();
  }

  find(".sample").addEventListener("click", () => moveTo(Float32Array.from(z, standardNormal)));
  find(".reset").addEventListener("click", () => { fit(); moveTo(new Float32Array(z.length)); });
  find(".save").addEventListener("click", () => {
    const place = Array.from(z.slice(0, 4), (value) => value.toFixed(2)).join("_");
    const { id, epoch } = current.model;
    savePicture(find(".decoded"), `${id}_${epoch === null ? "" : `epoch-${epoch}_`}${place}.png`);
  });
  find(".share").addEventListener("click", async ({ currentTarget: button }) => {
    const link = new URL(location.pathname, location.origin);
    const { id, epoch } = current.model;
    const values = Array.from(z, (value) => Number(value.toFixed(3))).join(",");
    link.search = `model=${id}${epoch === null ? "" : `&epoch=${epoch}`}&z=${values}`;
    try {
      await navigator.clipboard.writeText(link.href);
      button.textContent = "Link copied";
    } catch {
      prompt("This browser does not let a page copy. The link:", link.href);
    }
    setTimeout(() => { button.textContent = "Copy link"; }, 1800);
  });
  for (const pill of root.querySelectorAll("[data-layer]")) {
    pill.addEventListener("click", () => {
      const layer = pill.dataset.layer;
      layers[layer] = !layers[layer];
      pill.setAttribute("aria-pressed", layers[layer]);
      if (layer === "lattice") lattice = null;
      drawMap();
      refreshLattice();
    });
  }
  const [closer, farther, whole] = root.querySelectorAll(".zoom button");
  closer.addEventListener("click", () => { map.zoom(0.7); draw(); });
  farther.addEventListener("click", () => { map.zoom(1 / 0.7); draw(); });
  whole.addEventListener("click", fit);
  root.querySelectorAll(".axis").forEach((select, k) => {
    select.addEventListener("change", () => {
      axes[k] = Number(select.value);
      lattice = null;
      fit();
      drawMap();
      refreshLattice();
    });
  });

  // --- a model arrives -----------------------------------------------------------------------------------------------

  async function open(model, opening, classColors) {
    wanted = model.decoderUrl;
    player.stop();
    root.inert = current?.model.id !== model.id; // nothing to drag until there is something to decode
    let loaded;
    try {
      loaded = await loadModel(model);
    } catch (error) {
      if (wanted === model.decoderUrl) fail(model, error);
      return;
    }
    if (wanted !== model.decoderUrl) {
      loaded.background.stop(); // another model was chosen meanwhile
      return;
    }
    current?.background.stop();
    const isAnotherEpoch = current?.model.id === model.id && z.length === model.latentDim;
    current = loaded;
    find(".failure").hidden = true;
    root.classList.remove("empty");
    if (!isAnotherEpoch) z = Float32Array.from(opening ?? openingPoint(current)); // the point stays, the map moves
    preview = lit = lattice = null;
    mode = "mean";
    if (!isAnotherEpoch) chooseAxes(model);
    setUp(classColors);
    restyle(classColors);
    fit();
    document.fonts.ready.then(drawMap); // the map's numbers, once their font has come
    root.inert = false;
    root.dataset.epoch = model.epoch ?? "last";
    root.dataset.model = model.id; // says that the model is on show
  }

  function fail(model, error) {
    root.inert = false;
    root.classList.toggle("empty", !current);
    const failure = find(".failure");
    failure.hidden = false;
    failure.textContent = `${model.id} could not be shown. ${error.message} Reload the page, or choose another model.`;
  }

  function chooseAxes(model) {
    const { used, unused } = rankDimensions(model);
    const [first, second] = [...used, ...unused];
    [axes[0], axes[1]] = model.latentDim > 1 ? [first, second].sort((a, b) => a - b) : [0, 0];
  }

  function setUp(classColors) {
    const { model, codes, network } = current;
    const output = outputOf(network.metadata);
    const ranges = sliderRanges(codes);
    const { used, unused } = rankDimensions(model);
    const ranked = [...used, ...unused];
    current.sliders = makeSliders(find(".sliders"), model, ranges, {
      onMove: (j, value) => { player.stop(); preview = null; z[j] = value; draw(); },
      onRelease: release,
    });
    current.traversals = makeTraversals(find(".strips"), model, used.length ? used : ranked, ranges, (j, value) => {
      const target = z.slice();
      target[j] = value;
      moveTo(target);
    });
    current.show = makeDecodedView(find(".decoded"), model, output);
    const { show, summary } = makeNearby(find(".nearby"), find(".shares"), current, classColors, NEIGHBOURS);
    current.nearby = show;
    current.summary = summary;
    fillAxes(root.querySelectorAll(".axis"), model, axes);
    fillModes(find(".modes"), output, (chosen) => { mode = chosen; draw(); });
    fillLegend(find(".legend"), model, codes.labels, classColors, (label) => { lit = label; drawMap(); });
    fillTexts(root, model);
  }

  function restyle(classColors) {
    const wasDark = polarity.dark;
    colors = themeColors(root, classColors);
    polarity = { ink: current?.model.ink ?? true, dark: colors.dark };
    drawMap();
    if (colors.dark !== wasDark) refreshLattice();
  }

  return {
    show(data, sendState) {
      tell = sendState;
      if (wanted !== data.model.decoderUrl) open(data.model, data.z, data.classColors);
      else if (current) restyle(data.classColors);
    },
    stop() {
      player.stop();
      map.stop();
      current?.background.stop();
    },
  };
}

const explorers = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".explorer");
  if (!explorers.has(root)) explorers.set(root, createExplorer(root));
  const [model, z, classColors] = data; // as `explorer` in Python packs them
  explorers.get(root).show({ model, z, classColors }, setStateValue);
  return () => {
    explorers.get(root)?.stop();
    explorers.delete(root);
  };
}
