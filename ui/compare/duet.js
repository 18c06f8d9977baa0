// Two models of the same images side by side: a point in one is the same image's point in the other.

const REACH = 5; // pixels within which the point sits on a test image's dot
const SURE = 0.9;

function createDuet(root) {
  root.innerHTML = DUET_LAYOUT;
  const find = (selector) => root.querySelector(selector);
  const layers = { points: true, lattice: false, prior: false };
  const ways = [...root.querySelectorAll(".way")].map(makeWay);
  let wanted = "";
  let classifier = null;
  let view = { layers, lit: null, colors: null };
  let linked = -1; // the test image that both points sit on

  const sides = [...root.querySelectorAll(".side")].map((section, k) => makeSide(section, {
    onMove: () => { follow(sides[k], sides[1 - k]); draw(); },
    onPreview: () => { followPreview(sides[k], sides[1 - k]); draw(); },
    onRelease: () => {
      for (const side of sides) if (side.loaded.model.latentDim > 2) side.refreshLattice();
      find(".spoken").textContent = sides.map((side) => `${side.name}: ${side.near.summary(side.z)}`).join(" ");
    },
  }));

  /** Where `moved` sits on a test image's dot, `other` goes to the same image; elsewhere it stays where it is. */
  function follow(moved, other) {
    linked = paired() ? moved.nearestShown(moved.z, REACH) : -1;
    other.preview = null;
    if (linked < 0) return;
    other.z.set(other.codeOf(linked));
    fillHidden(moved, moved.z, linked);
  }

  function followPreview(moved, other) {
    other.preview = null;
    if (!moved.preview || !paired()) return;
    const i = moved.nearestShown(moved.preview, REACH);
    if (i < 0) return;
    other.preview = other.codeOf(i);
    fillHidden(moved, moved.preview, i);
  }

  /** The dimensions that a map does not show are the image's own too. */
  function fillHidden(side, z, i) {
    const code = side.codeOf(i);
    for (let j = 0; j < code.length; j++) if (!side.axes.includes(j)) z[j] = code[j];
  }

  function paired() {
    const [a, b] = sides.map((side) => side.loaded.codes);
    return a.count === b.count;
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  function draw() {
    for (const side of sides) side.draw();
    find(".status").textContent = statusText();
    judge();
    if (!sides.some((side) => side.preview)) sides.forEach((side, k) => ways[k].update(side, classifier, view.colors));
  }

  function statusText() {
    if (!paired()) return "The two maps show different images, so their points move apart.";
    if (linked < 0) return "Empty space: each map has its own point.";
    const { codes, model } = sides[0].loaded;
    const label = codes.labels ? `, ${className(model, codes.labels[linked])}` : "";
    return `Both points: test image ${linked}${label}.`;
  }

  /** What the classifier makes of the two images, a little after the finger. */
  const judge = newestOnly((finished) => {
    if (!classifier) return finished();
    const images = sides.map((side) => decodedImage(side));
    const size = images[0].length;
    const both = new Float32Array(2 * size);
    images.forEach((image, k) => both.set(image, k * size));
    classifier.run("verdict", both, 2, (_, logits) => {
      const classes = logits.length / 2;
      root.querySelectorAll(".verdict").forEach((line, k) => {
        const shares = softmax(logits.subarray(k * classes, (k + 1) * classes));
        const label = shares.indexOf(Math.max(...shares));
        const percent = Math.round(100 * shares[label]);
        line.textContent = `A classifier sees: ${className(sides[k].loaded.model, label)}, ${percent} %`;
        line.classList.toggle("unsure", shares[label] < SURE);
      });
      finished();
    });
    return undefined;
  });

  function decodedImage(side) {
    const { network, model } = side.loaded;
    const image = new Float32Array(model.shape.reduce((product, length) => product * length, 1));
    return outputOf(network.metadata).mean(network.run(side.preview ?? side.z), image);
  }

  // --- what a reader does --------------------------------------------------------------------------------------------

  for (const pill of root.querySelectorAll("[data-layer]")) {
    pill.addEventListener("click", () => {
      const layer = pill.dataset.layer;
      layers[layer] = !layers[layer];
      pill.setAttribute("aria-pressed", layers[layer]);
      for (const side of sides) { side.drawMap(); if (layer === "lattice") side.refreshLattice(); }
    });
  }
  find(".start").addEventListener("click", () => {
    for (const side of sides) side.start = side.z.slice();
    draw();
  });
  find(".pair").addEventListener("click", () => { choosePair(); draw(); });
  find(".fit").addEventListener("click", () => { for (const side of sides) side.fit(); });

  /** Two test images, of different classes where there are classes: the way starts at one, the point stands on the other. */
  function choosePair() {
    const { codes } = sides[0].loaded;
    const draws = () => Math.floor(Math.random() * Math.min(...sides.map((side) => side.loaded.codes.count)));
    const first = draws();
    let second = draws();
    for (let tries = 0; tries < 100 && same(codes, first, second); tries++) second = draws();
    setPair(first, second);
  }

  function setPair(first, second) {
    linked = paired() ? second : -1;
    for (const side of sides) {
      side.preview = null;
      side.start = side.codeOf(first);
      side.z.set(side.codeOf(second));
    }
  }

  // --- two models arrive ---------------------------------------------------------------------------------------------

  async function open(models, classifierUrl, classColors) {
    root.inert = true;
    root.removeAttribute("data-models");
    const asked = wanted;
    try {
      view = { layers, lit: null, colors: themeColors(root, classColors) };
      const weights = classifierUrl ? await fetchBytes(classifierUrl) : null;
      await Promise.all(models.map((each, k) => sides[k].open(each, view)));
      if (asked !== wanted) return;
      classifier?.stop();
      classifier = weights && startBackground(weights, "encoder");
    } catch (error) {
      if (asked === wanted) fail(error);
      return;
    }
    find(".failure").hidden = true;
    root.classList.remove("empty");
    if (!classifier) for (const line of root.querySelectorAll(".verdict")) line.textContent = "";
    const { model, codes } = sides[0].loaded;
    fillLegend(find(".legend"), model, codes.labels, classColors, (label) => {
      view.lit = label;
      for (const side of sides) side.drawMap();
    });
    const callouts = find(".callouts");
    callouts.replaceChildren();
    for (const text of duetCallouts(sides)) element("li", "", callouts).textContent = text;
    setPair(...openingPair());
    for (const side of sides) side.drawMap();
    draw();
    document.fonts.ready.then(() => { for (const side of sides) side.drawMap(); });
    root.inert = false;
    root.dataset.models = models.map(({ model: { id } }) => id).join(" ");
  }

  /** The clearest examples of two classes, the first and the last; without classes, the first and the middle image. */
  function openingPair() {
    const { codes, places } = sides.at(-1).loaded;
    if (!codes.labels) return [0, Math.floor(codes.count / 2)];
    const stands = [...places.values()];
    return [stands[0], stands.at(-1)].map((place) => nearestCodes(codes, place, 1).indices[0]);
  }

  function fail(error) {
    root.inert = false;
    root.classList.add("empty");
    const failure = find(".failure");
    failure.hidden = false;
    failure.textContent = `The two models could not be shown. ${error.message} Reload the page, or choose other models.`;
  }

  return {
    show(models, classifierUrl, classColors) {
      const next = models.map(({ model }) => model.decoderUrl).join();
      if (wanted !== next) {
        wanted = next;
        open(models, classifierUrl, classColors);
      } else if (root.dataset.models) {
        view.colors = themeColors(root, classColors);
        for (const side of sides) { side.restyle(view); side.refreshLattice(); }
        draw();
      }
    },
    stop() {
      for (const side of sides) side.stop();
      classifier?.stop();
    },
  };
}

/** Whether two images are of one class; without classes, whether they are one image. */
function same(codes, first, second) {
  return codes.labels ? codes.labels[first] === codes.labels[second] : first === second;
}

/** Three sentences, in the two models' own names. */
function duetCallouts(sides) {
  const [plain, vae] = ["ae", "vae"].map((kind) => sides.find((side) => side.loaded.model.kind === kind)?.name);
  const first = "Each dot is a test image. Put the point on one, and the other map goes to the same image.";
  if (!plain || !vae) {
    return [
      first,
      "The two maps have scales of their own. Switch on the rings of N(0, I) to see how far each is from it.",
      "Press \u201cStart here\u201d, then drag: the straight way between two places crosses what the decoder makes of the space between.",
    ];
  }
  return [
    first,
    `Now drag into the empty parts of the ${plain}\u2019s map. No image was ever put there, so nothing taught the decoder what to draw: a hole.`,
    `Switch on the rings of N(0, I). The ${vae}\u2019s images fill them and nearly every place inside decodes to something; the ${plain}\u2019s do not know them.`,
  ];
}

const DUET_LAYOUT = `
<header class="bar">
  <div class="legend" role="group" aria-label="classes"></div>
  <span class="pills">
    <button class="pill" data-layer="points" aria-pressed="true">points</button>
    <button class="pill" data-layer="lattice" aria-pressed="false">lattice</button>
    <button class="pill" data-layer="prior" aria-pressed="false">rings of N(0, I)</button>
    <button class="pill fit">fit</button>
  </span>
</header>
<section class="side card" aria-label="first model"></section>
<section class="side card" aria-label="second model"></section>
<p class="status"></p>
<ol class="callouts"></ol>
<section class="card ways" aria-label="The straight way">
  <header class="card-head"><h2>The straight way to the point</h2>
    <span class="pills"><button class="pair">Two test images</button><button class="start">Start here</button></span></header>
  <div class="way"></div>
  <div class="way"></div>
</section>
<p class="failure" role="alert" hidden></p>
<output class="spoken" aria-live="polite"></output>`;

const duets = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".duet");
  if (!duets.has(root)) duets.set(root, createDuet(root));
  const [models, classifierUrl, classColors] = data; // as `duet` in Python packs them
  duets.get(root).show(models.map(([model, name]) => ({ model, name })), classifierUrl, classColors);
  return () => {
    duets.get(root)?.stop();
    duets.delete(root);
  };
}
