// Each model's codes, decoded by its worker and shown as one mosaic in a card.

const CARD = `
<header class="card-head"><h2></h2></header>
<div class="frame">
  <canvas class="mosaic" role="img"></canvas>
  <i class="mark" hidden></i>
</div>
<div class="besides">
  <ul class="lines"></ul>
  <span class="push"></span>
  <p class="reading"></p>
  <button class="save">Save image</button>
</div>
<figure class="pairs" hidden>
  <figcaption class="aside"></figcaption>
  <canvas class="mosaic" role="img"></canvas>
</figure>
<p class="failure" role="alert" hidden></p>`;
const READ_DIMENSIONS = 4; // of z, in the line that reads it out

/** One card. `show(set, polarity)` takes a set as `gallery` in Python packs it; a set that came before costs nothing. */
function makeMosaicCard(root) {
  const card = element("section", "card mosaic-card", root);
  card.innerHTML = CARD;
  const find = (selector) => card.querySelector(selector);
  const canvas = find(".frame .mosaic");
  const pairs = find(".pairs .mosaic");
  const mark = find(".mark");
  let set = null;
  let polarity = null;
  let decoder = null; // {url, ready: a promise of the worker}
  let asked = null; // the codes that were last asked for, as text
  let images = null; // of the codes on show
  let shown = null; // the set that they belong to

  function show(next, nextPolarity) {
    const repaint = polarity?.dark !== nextPolarity.dark;
    [set, polarity] = [next, nextPolarity];
    const { model } = set;
    if (decoder?.url !== model.decoderUrl) {
      decoder?.ready.then((worker) => worker.stop(), () => {});
      decoder = { url: model.decoderUrl, ready: startDecoder(model.decoderUrl) };
    }
    const wanted = JSON.stringify([model.decoderUrl, set.columns, set.codes, set.neighbours]);
    const same = wanted === asked;
    if (!same) decode(wanted);
    else if (images && repaint) paint();
    if (same || !images) write(); // the old picture keeps its words until the new one is there
  }

  async function decode(wanted) {
    asked = wanted;
    card.setAttribute("aria-busy", "true");
    const { model, codes } = set;
    const count = codes.length / model.latentDim;
    const pixels = elementCount(model.shape);
    const collected = new Float32Array(count * pixels);
    try {
      const worker = await decoder.ready;
      if (wanted !== asked) return;
      worker.run("mosaic", Float32Array.from(codes), count, (first, part, _, done) => {
        collected.set(part, first * pixels);
        if (!done || wanted !== asked) return;
        images = collected;
        shown = set;
        find(".failure").hidden = true;
        paint();
        write();
        card.setAttribute("aria-busy", "false");
      });
    } catch (error) {
      if (wanted !== asked) return;
      card.setAttribute("aria-busy", "false");
      find(".failure").hidden = false;
      find(".failure").textContent = `${model.id} could not be decoded. ${error.message} Reload the page.`;
    }
  }

  function paint() {
    const { model, columns, neighbours } = shown;
    const inked = { ...polarity, ink: model.ink };
    drawMosaic(canvas, images, model.shape, columns, inked);
    canvas.images = images; // so that the numbers themselves can be read
    unmark();
    find(".pairs").hidden = !neighbours;
    if (!neighbours) return;
    const below = imagesFromBase64(neighbours);
    const both = new Float32Array(2 * below.length);
    both.set(images.subarray(0, below.length));
    both.set(below, below.length);
    drawMosaic(pairs, both, model.shape, below.length / elementCount(model.shape), inked);
  }

  function write() {
    find("h2").textContent = set.title;
    canvas.setAttribute("aria-label", set.name);
    pairs.setAttribute("aria-label", `nearest training images, ${set.name}`);
    find(".pairs .aside").textContent = "The first of them, each above the training image nearest to it.";
    find(".lines").replaceChildren(...set.lines.map((line) => Object.assign(element("li"), { textContent: line })));
    if (mark.hidden) unmark();
  }

  function point(event) {
    if (!shown) return;
    const { model, codes, columns } = shown;
    const at = imageUnder(event, canvas, model.shape, codes.length / model.latentDim, columns);
    if (!at) return unmark();
    const z = codes.slice(at.index * model.latentDim, (at.index + 1) * model.latentDim);
    const read = z.slice(0, READ_DIMENSIONS).map((value) => signed(value, 2)).join(", ");
    find(".reading").innerHTML = `<b class="z">z</b> = (${read}${z.length > READ_DIMENSIONS ? ", \u2026" : ""})`;
    mark.hidden = false;
    mark.style.left = `${canvas.offsetLeft + at.left * canvas.clientWidth}px`;
    mark.style.top = `${canvas.offsetTop + at.top * canvas.clientHeight}px`;
    mark.style.width = `${at.width * canvas.clientWidth}px`;
    mark.style.height = `${at.height * canvas.clientHeight}px`;
  }

  function unmark() {
    mark.hidden = true;
    const touch = matchMedia("(pointer: coarse)").matches;
    find(".reading").textContent = touch ? "Tap an image to read its z." : "Point at an image to read its z.";
  }

  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") unmark(); });
  find(".save").addEventListener("click", () => {
    if (shown) savePicture(canvas, `${shown.model.id}_${shown.name.split(",")[0].replaceAll(" ", "-")}.png`);
  });
  const sizes = new ResizeObserver(() => { for (const each of [canvas, pairs]) keepCrisp(each); });
  sizes.observe(card);

  return {
    show,
    stop() {
      sizes.disconnect();
      asked = null;
      decoder?.ready.then((worker) => worker.stop(), () => {});
      card.remove();
    },
  };
}

/** Fetches a decoder's weights and starts a worker on them, once they are known to be sound. */
async function startDecoder(url) {
  const weights = await fetchBytes(url);
  loadNetwork(weights, "decoder");
  return startBackground(weights);
}

/** As many cards as there are sets. */
function createGallery(root) {
  const cards = [];
  return {
    show(sets) {
      while (cards.length > sets.length) cards.pop().stop();
      while (cards.length < sets.length) cards.push(makeMosaicCard(root));
      root.classList.toggle("single", sets.length === 1);
      const { dark } = themeColors(root, null);
      sets.forEach((set, k) => cards[k].show(set, { dark }));
    },
    stop() { for (const card of cards) card.stop(); },
  };
}

const galleries = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".gallery");
  if (!galleries.has(root)) galleries.set(root, createGallery(root));
  galleries.get(root).show(data);
  return () => {
    galleries.get(root)?.stop();
    galleries.delete(root);
  };
}
