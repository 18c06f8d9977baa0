// A training as it happens, or as it was: asks the server once a second, draws between the answers.

const EVERY = 1000; // milliseconds between two questions
const ENDED = ["stopped", "failed", "done"];

function createLive(root) {
  root.innerHTML = LIVE_LAYOUT;
  const find = (selector) => root.querySelector(selector);
  let run = null; // { address, classColors, others }
  let tell = () => {};
  let epochs = []; // one entry a finished epoch, as the server tells them
  let changes = [];
  let answer = null; // the server's last
  let shown = -1; // the epoch on show
  let following = true; // the newest epoch, as it comes
  let frame = null;
  let film = null;
  let followed = null; // the test images whose codes the film follows: { model, labels, images }
  let colors = null;
  let timer = 0;
  let z = null;
  let draws = [];
  let others = [];
  let show = null;
  let lit = null;
  let lattice = null;
  const places = new Map(); // no class numbers: their places would jump from epoch to epoch

  const transport = makeTransport(find(".transport"), (wish) => {
    tell("wish", wish);
    schedule(150);
  });
  const charts = Object.fromEntries([...root.querySelectorAll(".chart canvas")].map((canvas) => [canvas.dataset.of, makeCurves(canvas)]));
  const motion = makeMotion((mu) => drawMap(mu));
  const map = makeMap(find(".map-frame"), {
    onMove: (point) => { place(point); drawPoint(); },
    onStep: (dx, dy) => { if (!z) return; z[0] += dx; if (z.length > 1) z[1] += dy; drawPoint(); },
    onPreview: () => {},
    onRelease: () => {},
    onFit: fit,
    onWindow: () => drawLattice(),
  });
  const latticePill = find(".lattice-pill");
  latticePill.addEventListener("click", () => {
    latticePill.setAttribute("aria-pressed", latticePill.getAttribute("aria-pressed") === "false");
    drawLattice();
  });
  const scrubber = find(".scrubber");
  scrubber.addEventListener("input", () => {
    following = Number(scrubber.value) >= Number(scrubber.max);
    goTo(Number(scrubber.value));
  });
  find(".newest").addEventListener("click", () => {
    following = true;
    goTo(Number(scrubber.max));
  });

  function place(point) {
    if (!z) return;
    z[0] = point[0];
    if (z.length > 1) z[1] = point[1];
  }

  // --- what the server says ------------------------------------------------------------------------------------------

  function schedule(after) {
    clearTimeout(timer);
    timer = setTimeout(ask, after);
  }

  async function ask() {
    const asked = run;
    try {
      const reply = await fetch(`${run.address}/live?after=${answer?.last ?? -1}`);
      const said = await reply.json();
      if (asked !== run) return;
      if (!reply.ok) throw new Error(said.error ?? `status ${reply.status}`);
      find(".failure").hidden = true;
      take(said);
    } catch (error) {
      if (asked !== run) return;
      find(".failure").hidden = false;
      find(".failure").textContent = `The run does not answer: ${error.message}. Asking again.`;
      schedule(3 * EVERY);
      return;
    }
    if (!ENDED.includes(answer.state.status)) schedule(document.hidden ? 5 * EVERY : EVERY);
    root.dataset.status = answer.state.status;
  }

  function take(said) {
    const first = answer === null;
    answer = said;
    // A resumed run tells some epochs again: the later telling counts.
    for (const entry of said.epochs) epochs[entry.epoch] = entry;
    changes.push(...said.changes);
    transport.show(said);
    const last = said.frames.at(-1);
    if (last !== undefined) {
      scrubber.max = last;
      scrubber.disabled = last === 0;
      if (first) following = true;
      if (following) goTo(last);
    }
    drawCharts();
    drawChanges();
    const newest = epochs.at(-1);
    if (newest) showBars(find(".bars"), newest.kl, colors);
    find(".bars-card").hidden = answer.settings.kind !== "vae";
  }

  // --- the film ------------------------------------------------------------------------------------------------------

  async function goTo(epoch) {
    const at = answer.frames.filter((each) => each <= epoch).at(-1) ?? answer.frames[0];
    if (at === undefined || at === shown) return;
    shown = at;
    scrubber.value = at;
    find(".epoch").textContent = at === 0 ? "before training" : `after epoch ${at}`;
    const asked = run;
    let next;
    try {
      followed ??= await readFollowed();
      next = await film.frame(at);
    } catch (error) {
      if (asked !== run) return;
      find(".failure").hidden = false;
      find(".failure").textContent = `Epoch ${at} could not be shown: ${error.message}`;
      return;
    }
    if (asked !== run || at !== shown) return;
    const opening = frame === null;
    frame = next;
    const { dimensions } = frame.codes;
    if (opening) {
      z = frame.codes.mu.slice(0, dimensions);
      draws = fixedDraws(SAMPLES, dimensions);
      show = makeDecodedView(find(".decoded"), followed.model, frame.output);
      fillLegend(find(".legend"), followed.model, followed.labels, colors.classes, (label) => { lit = label; drawMap(motion.now()); });
    }
    fit();
    motion.to(frame.codes.mu);
    drawLattice();
    drawPoint();
    drawRows();
    drawCharts();
    root.dataset.epoch = at;
  }

  async function readFollowed() {
    const { metadata, tensors } = parseSafetensors(await fetchBytes(`${run.address}/film/followed.safetensors`));
    const model = {
      shape: metadataShape(metadata), classNames: metadataJson(metadata, "class_names"), ink: metadataJson(metadata, "ink"),
    };
    return { model, labels: tensors.labels?.data ?? null, images: tensors.images.data };
  }

  function fit() {
    if (!frame) return;
    map.setWindow(fittingWindow(frame.codes, mapAxes(), answer.settings.kind === "vae"));
  }

  function mapAxes() {
    return frame.codes.dimensions > 1 ? [0, 1] : [0, 0];
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  function drawMap(mu) {
    if (!frame || !colors) return;
    const codes = { ...frame.codes, mu, labels: followed.labels };
    map.show({
      codes, places, axes: mapAxes(), lit, colors, points: true, prior: answer.settings.kind === "vae", lattice,
    });
  }

  /** Decoded here and now: once an epoch, four hundred small images cost less than to start a worker on a new decoder. */
  function drawLattice() {
    const wanted = latticePill.getAttribute("aria-pressed") === "true" && frame;
    const decodeNow = {
      run(_, points, count, done) {
        const size = points.length / count;
        const pixels = elementCount(followed.model.shape);
        const images = new Float32Array(count * pixels);
        for (let i = 0; i < count; i++) {
          const raw = frame.network.run(points.subarray(i * size, (i + 1) * size));
          frame.output.mean(raw, images.subarray(i * pixels, (i + 1) * pixels));
        }
        done(0, images, count);
      },
    };
    lattice = wanted ? decodeLattice(followed.model, map.window, mapAxes(), z, polarity(), decodeNow, () => {}) : null;
    if (frame) drawMap(motion.now() ?? frame.codes.mu);
  }

  function drawPoint() {
    if (!frame || !z) return;
    map.point(mapAxes().map((axis) => z[axis]), null);
    show(frame.network.run(z), "mean", polarity(), colors);
  }

  function polarity() {
    return { ink: followed.model.ink, dark: colors.dark };
  }

  function drawRows() {
    const { mu, count, dimensions } = frame.codes;
    const first = Array.from({ length: Math.min(SAMPLES, count) }, (_, i) => mu.subarray(i * dimensions, (i + 1) * dimensions));
    const size = elementCount(followed.model.shape);
    const originals = first.map((_, i) => followed.images.subarray(i * size, (i + 1) * size));
    drawImages(find(".reconstructions"), [originals, first.map(decoded)]);
    drawImages(find(".samples"), [draws.map(decoded)]);
  }

  function decoded(code) {
    return frame.output.mean(frame.network.run(code), new Float32Array(elementCount(followed.model.shape)));
  }

  /** Rows of images of one model, one below the other. */
  function drawImages(canvas, rows) {
    const [, height, width] = followed.model.shape;
    canvas.width = rows[0].length * width;
    canvas.height = rows.length * height;
    const context = canvas.getContext("2d", { alpha: false });
    const pixels = context.createImageData(canvas.width, canvas.height);
    rows.forEach((images, row) => images.forEach((image, i) => {
      writeImage(image, followed.model.shape, polarity(), pixels.data, canvas.width, i * width, row * height);
    }));
    context.putImageData(pixels, 0, 0);
  }

  function drawCharts() {
    if (!answer || !colors) return;
    const told = epochs.filter(Boolean);
    const isVae = answer.settings.kind === "vae";
    const last = Math.max(answer.state.epochs, ...others.flatMap(({ epochs: list }) => list.map(({ epoch }) => epoch)));
    for (const [name, chart] of Object.entries(charts)) {
      find(`.chart [data-of=${name}]`).parentElement.hidden = !isVae && name !== "reconstruction";
      const of = (side) => told.map((entry) => [entry.epoch, entry[side][name]]);
      const overlays = others.map(({ epochs: list }, k) => ({
        values: list.map((entry) => [entry.epoch, entry.test[name]]), color: colors.classes[(k + 2) % colors.classes.length],
        dash: [], width: 1.5,
      }));
      chart.show({
        series: [
          ...overlays,
          { values: of("train"), color: colors.muted, dash: [4, 3], width: 1.5 },
          { values: of("test"), color: chartColor(name), dash: [], width: 2.5 },
        ],
        marks: name === "elbo" ? answer.marks : [],
        last, colors, cursor: shown > 0 ? shown : null,
      });
    }
    const newest = told.at(-1);
    if (!newest) return;
    for (const name of Object.keys(charts)) {
      find(`[data-figure=${name}]`).textContent = `${signed(newest.test[name], 2)} nats`;
    }
  }

  function chartColor(name) {
    return getComputedStyle(root).getPropertyValue({ elbo: "--ink", reconstruction: "--reconstruction", kl: "--kl" }[name]).trim();
  }

  function drawChanges() {
    find(".changes").textContent = changes.map(({ epoch, name, value }) => `from epoch ${epoch}: ${name} ${value}`).join("; ");
  }

  async function overlay(list) {
    others = await Promise.all(list.map(async ({ address, name }) => {
      const reply = await fetch(`${address}/live?after=-1`).catch(() => null);
      return { name, epochs: reply?.ok ? (await reply.json()).epochs : [] };
    }));
    find(".overlays").textContent = others.length ? `beside: ${others.map(({ name }) => name).join(", ")}` : "";
    drawCharts();
  }

  return {
    show(next, sendTrigger) {
      tell = sendTrigger;
      colors = themeColors(root, next.classColors);
      if (run?.address !== next.address) {
        run = next;
        [epochs, changes, answer, shown, frame, followed, z, lit] = [[], [], null, -1, null, null, null, null];
        motion.stop();
        film = makeFilm((epoch) => `${next.address}/film/${String(epoch).padStart(4, "0")}.safetensors`);
        root.removeAttribute("data-epoch");
        ask();
      } else if (frame) {
        run = next;
        drawMap(frame.codes.mu);
        drawPoint();
        drawRows();
        drawCharts();
      }
      overlay(next.others);
      if (answer) schedule(200); // something may have been asked of it
    },
    stop() {
      clearTimeout(timer);
      motion.stop();
      map.stop();
      for (const chart of Object.values(charts)) chart.stop();
    },
  };
}

const LIVE_LAYOUT = `
<section class="card transport" aria-label="This run"></section>
<section class="card map-card" aria-label="Latent map">
  <header class="card-head"><h2>The map, forming</h2><span class="aside epoch"></span>
    <button class="pill lattice-pill" aria-pressed="false">lattice</button></header>
  <div class="map-frame"></div>
  <div class="legend" role="group" aria-label="classes"></div>
  <div class="film"><input class="scrubber" type="range" min="0" max="0" step="1" value="0" aria-label="epoch">
    <button class="pill newest">newest</button></div>
</section>
<section class="card pictures-card" aria-label="Images">
  <div class="beside-decoded">
    <canvas class="decoded" role="img" aria-label="decoded image"></canvas>
    <p class="aside">Drag on the map: the decoder of this epoch draws. The slider below the map plays the training again.</p>
  </div>
  <h2>Test images, and below each what comes back</h2><canvas class="row-of reconstructions" role="img" aria-label="reconstructions"></canvas>
  <h2>Samples: the same z in every epoch</h2><canvas class="row-of samples" role="img" aria-label="samples"></canvas>
</section>
<section class="card chart-card" aria-label="Curves">
  <div class="chart"><h2>ELBO <span data-figure="elbo"></span></h2><canvas data-of="elbo" role="img" aria-label="ELBO by epoch"></canvas></div>
  <div class="chart"><h2>Reconstruction <span data-figure="reconstruction"></span></h2><canvas data-of="reconstruction" role="img" aria-label="reconstruction by epoch"></canvas></div>
  <div class="chart"><h2>KL <span data-figure="kl"></span></h2><canvas data-of="kl" role="img" aria-label="KL by epoch"></canvas></div>
  <p class="aside">Nats per image. Solid: test images; dashed: training images. <span class="changes"></span> <span class="overlays"></span></p>
</section>
<section class="card bars-card" aria-label="KL of each dimension"><h2>KL of each dimension, nats</h2><div class="bars"></div></section>
<p class="failure" role="alert" hidden></p>`;

const lives = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".live");
  if (!lives.has(root)) lives.set(root, createLive(root));
  const [address, others, classColors] = data; // as `live` in Python packs them
  lives.get(root).show(
    { address, classColors, others: others.map(([at, name]) => ({ address: at, name })) }, setTriggerValue,
  );
  return () => {
    lives.get(root)?.stop();
    lives.delete(root);
  };
}
