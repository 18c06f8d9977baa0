// One slider for each latent dimension, its value as a number that can be typed, and what the dimension carries.

const CARRIES_NOTHING = 0.01; // nats of KL, averaged over the test set

/** The dimensions in the order they are shown, those with the most KL first, and which of them carry nothing. */
function rankDimensions(model) {
  const order = [...Array(model.latentDim).keys()];
  if (!model.kl || model.latentDim <= 2) return { used: order, unused: [] };
  order.sort((a, b) => model.kl[b] - model.kl[a]);
  const carries = (j) => model.kl[j] >= CARRIES_NOTHING;
  return { used: order.filter(carries), unused: order.filter((j) => !carries(j)) };
}

/** The range of each slider: at least +-3, wider where the codes are wider. */
function sliderRanges(codes) {
  const ranges = Array.from({ length: codes.dimensions }, () => [-3, 3]);
  for (let i = 0; i < codes.count; i++) {
    for (let j = 0; j < codes.dimensions; j++) {
      const value = codes.mu[i * codes.dimensions + j];
      if (value < ranges[j][0]) ranges[j][0] = Math.floor(value);
      if (value > ranges[j][1]) ranges[j][1] = Math.ceil(value);
    }
  }
  return ranges;
}

/** The measured factor a dimension follows most, if it tells at least a tenth of it: {name, share} or null. */
function followedFactor(model, j) {
  const shares = Object.entries(model.factors ?? {}).map(([name, values]) => ({ name, share: values[j] }));
  const best = shares.sort((a, b) => b.share - a.share)[0];
  return best && best.share >= 0.1 ? best : null;
}

/**
 * @param {HTMLElement} container  emptied and filled
 * @param {{onMove: function(number, number), onRelease: function}} listeners  onMove(dimension, value)
 * @returns {{show: function(Float32Array)}}
 */
function makeSliders(container, model, ranges, listeners) {
  const { used, unused } = rankDimensions(model);
  const rows = new Map();
  container.replaceChildren();
  const list = element("div", "slider-list", container);
  for (const j of used) rows.set(j, sliderRow(list, j, model, ranges[j], listeners));
  if (unused.length) {
    const folded = element("details", "unused", container);
    const one = unused.length === 1;
    element("summary", "", folded).textContent =
      `${unused.length} ${one ? "dimension carries" : "dimensions carry"} nothing (KL below ${CARRIES_NOTHING} nats)`;
    const foldedList = element("div", "slider-list", folded);
    for (const j of unused) rows.set(j, sliderRow(foldedList, j, model, ranges[j], listeners));
  }
  return {
    show(z) {
      for (const [j, row] of rows) row.show(z[j]);
    },
  };
}

function sliderRow(list, j, model, [low, high], { onMove, onRelease }) {
  const name = `z${j + 1}`;
  const row = element("div", "slider-row", list);
  const label = element("label", "z-name", row);
  label.append("z", Object.assign(document.createElement("sub"), { textContent: j + 1 }));
  const slider = element("input", "slider", row);
  Object.assign(slider, { type: "range", min: low, max: high, step: 0.01 });
  slider.setAttribute("aria-label", name);
  const field = element("input", "number", row);
  Object.assign(field, { type: "number", min: low, max: high, step: 0.1 });
  field.setAttribute("aria-label", `${name} as a number`);
  const note = sliderNote(model, j);
  row.classList.toggle("noted", Boolean(note));
  if (note) Object.assign(element("span", "slider-note", row), note);

  slider.addEventListener("input", () => onMove(j, Number(slider.value)));
  slider.addEventListener("change", onRelease);
  slider.addEventListener("dblclick", () => {
    onMove(j, 0);
    onRelease();
  });
  let present = NaN;
  const write = () => { field.value = present.toFixed(2); };
  field.addEventListener("change", () => {
    const value = field.valueAsNumber;
    if (Number.isFinite(value)) {
      onMove(j, Math.min(Math.max(value, low), high));
      onRelease();
    }
    write(); // nonsense goes away, and what lies beyond the range becomes its end
  });
  return {
    show(value) {
      if (value === present) return; // of many sliders a drag moves one or two
      present = value;
      slider.value = value;
      slider.style.setProperty("--share", `${(100 * (Number(slider.value) - low)) / (high - low)}%`);
      slider.setAttribute("aria-valuetext", signed(value, 2));
      if (field.getRootNode().activeElement !== field) write();
    },
  };
}

function sliderNote(model, j) {
  const parts = [];
  const titles = [];
  const follows = followedFactor(model, j);
  if (follows) {
    parts.push(`${follows.name} ${Math.round(100 * follows.share)} %`);
    titles.push(`measured: it tells ${Math.round(100 * follows.share)} % of the entropy of the factor "${follows.name}"`);
  }
  if (model.kl && model.latentDim > 2) {
    parts.push(`KL ${model.kl[j].toFixed(2)}`);
    titles.push(`KL ${model.kl[j].toFixed(3)} nats, averaged over the test set`);
  }
  return parts.length ? { textContent: parts.join(" · "), title: titles.join("; ") } : null;
}
