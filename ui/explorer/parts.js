// The smaller parts of the explorer, each filled from a model.

/** Fetches a model's decoder and codes (the browser keeps both by content hash) and starts its worker. */
async function loadModel(model) {
  const [weights, latents] = await Promise.all([model.decoderUrl, model.latentsUrl].map(fetchBytes));
  const network = loadNetwork(weights, "decoder");
  const { mu, labels } = parseSafetensors(latents).tensors;
  const [count, dimensions] = mu.shape;
  const codes = { mu: mu.data, count, dimensions, labels: labels?.data ?? null };
  for (let i = 0; i < 3; i++) network.run(new Float32Array(dimensions)); // the first runs are slow: not under a finger
  return { model, network, codes, places: classPlaces(codes), background: startBackground(weights) };
}

async function fetchBytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({}));
    throw new Error(`The server says: ${error ?? `status ${answer.status}`}.`);
  }
  return answer.arrayBuffer();
}

/** Where a model opens: the test image nearest to the last class's place, so that the first picture is a clear one. */
function openingPoint({ codes, places }) {
  const [nearest] = nearestCodes(codes, [...places.values()].at(-1), 1).indices;
  return codes.mu.slice(nearest * codes.dimensions, (nearest + 1) * codes.dimensions);
}

/** Shows raw decoder output on the large canvas, as the mean or, where sigma is learned, in one of its other modes. */
function makeDecodedView(canvas, model, output) {
  const picture = makePicture(canvas, model.shape);
  const pixels = model.shape.reduce((product, side) => product * side, 1);
  const mean = new Float32Array(pixels);
  const sigma = new Float32Array(pixels);
  return (raw, mode, polarity, colors) => {
    output.mean(raw, mean);
    if (mode === "mean" || !output.sigma) {
      picture.show(mean, polarity);
      return;
    }
    output.sigma(raw, sigma);
    if (mode === "sigma") {
      picture.showRamp(sigma, sigma.reduce((most, value) => Math.max(most, value), 0), rgbOf(colors.paper), rgbOf(colors.sigma));
      return;
    }
    const sign = mode === "low" ? -3 : 3;
    for (let i = 0; i < pixels; i++) mean[i] = Math.min(1, Math.max(0, mean[i] + sign * sigma[i]));
    picture.show(mean, polarity);
  };
}

/** The classes among the test images nearest to z, or, without classes, how far the nearest one is. */
function makeNearby(line, list, { model, codes }, classColors, neighbours) {
  const shown = 3;
  list.replaceChildren();
  const rows = codes.labels ? Array.from({ length: shown }, () => shareRow(list)) : [];
  const size = Math.min(neighbours, codes.count);
  if (codes.labels) line.textContent = `${size} nearest test images`;
  return {
    show(z) {
      if (!codes.labels) {
        const { distances } = nearestCodes(codes, z, 1);
        line.textContent = `nearest test image: ${distances[0].toFixed(2)} away`;
        return;
      }
      const shares = classShares(codes.labels, nearestCodes(codes, z, size).indices);
      rows.forEach((row, k) => row(shares[k], model, classColors));
    },
    summary(z) {
      if (!codes.labels) return line.textContent;
      const [{ label, share }] = classShares(codes.labels, nearestCodes(codes, z, size).indices);
      return `Nearest test images: ${className(model, label)}, ${Math.round(100 * share)} percent.`;
    },
  };
}

function shareRow(list) {
  const item = element("li", "", list);
  const chip = element("i", "chip", item);
  const name = element("span", "", item);
  const percent = element("span", "percent", item);
  return (entry, model, classColors) => {
    item.style.visibility = entry ? "visible" : "hidden";
    if (!entry) return;
    chip.style.background = classColors[entry.label % classColors.length];
    name.textContent = className(model, entry.label);
    percent.textContent = `${Math.round(100 * entry.share)} %`;
  };
}

/** The two menus that choose the map's dimensions, for more than two. */
function fillAxes(menus, model, axes) {
  menus[0].closest(".axes").hidden = model.latentDim <= 2;
  menus.forEach((menu, k) => {
    menu.replaceChildren(...Array.from({ length: model.latentDim }, (_, j) => new Option(`z${j + 1}`, j)));
    menu.value = axes[k];
  });
}

/** Mean, sigma, and the ends of the interval, for a decoder that gives a sigma. */
function fillModes(group, output, onChoose) {
  group.hidden = !output.sigma;
  const modes = { mean: "mean", sigma: "\u03c3", low: "mean \u2212 3\u03c3", high: "mean + 3\u03c3" };
  group.replaceChildren();
  for (const [mode, text] of Object.entries(modes)) {
    const button = element("button", "pill", group);
    button.textContent = text;
    button.setAttribute("aria-pressed", mode === "mean");
    button.addEventListener("click", () => {
      for (const other of group.children) other.setAttribute("aria-pressed", other === button);
      onChoose(mode);
    });
  }
}

/** Classes with their colours; pressing one leaves it alone lit, pressing it again lights all. */
function fillLegend(legend, model, labels, classColors, onLight) {
  legend.replaceChildren();
  let lit = null;
  for (const label of labels ? [...new Set(labels)].sort((a, b) => a - b) : []) {
    const button = element("button", "key", legend);
    element("i", "chip", button).style.background = classColors[label % classColors.length];
    button.append(className(model, label));
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      lit = lit === label ? null : label;
      for (const other of legend.children) {
        other.setAttribute("aria-pressed", other === button && lit !== null);
        other.classList.toggle("dimmed", lit !== null && other !== button);
      }
      onLight(lit);
    });
  }
}

/** A draw from N(0, 1) (Box and Muller, 1958). */
function standardNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/** [r, g, b] of a #rrggbb colour. */
function rgbOf(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

/** Whether a #rrggbb background is nearer to black than to white. */
function isDark(background) {
  const [red, green, blue] = rgbOf(background.trim());
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}

/** A new child element with a class. */
function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent?.append(made);
  return made;
}

/** The colours the theme gives, for canvases, which know no CSS variables; also marks `root` as dark or not. */
function themeColors(root, classColors) {
  const style = getComputedStyle(root);
  const dark = isDark(style.getPropertyValue("--st-background-color"));
  root.classList.toggle("dark", dark);
  const value = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  return {
    dark, classes: classColors, font: value("--st-font") || "sans-serif", z: value("--z"), mu: value("--mu"),
    sigma: value("--sigma"), paper: value("--card"), card: value("--card"), ink: value("--ink"),
    muted: value("--muted"), grid: value("--grid"), ring: value("--ring"), xHat: value("--x-hat"), evidence: value("--evidence"),
    reconstruction: value("--reconstruction"), kl: value("--kl"),
  };
}

/** Names short enough to stand for themselves; longer ones get their number in front, as on the map. */
function className(model, label) {
  const name = model.classNames[label] ?? String(label);
  return name === String(label) ? name : `${label} ${name}`;
}
