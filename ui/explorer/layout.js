// The explorer's parts on the page. Text only; what they do is wired in explorer.js.

const LAYOUT = `
<section class="card map-card" aria-label="Latent map">
  <header class="card-head">
    <h2>Latent map</h2>
    <span class="axes" hidden>
      <label>across <select class="axis" aria-label="dimension across"></select></label>
      <label>up <select class="axis" aria-label="dimension up"></select></label>
    </span>
    <span class="pills">
      <button class="pill" data-layer="points" aria-pressed="true">points</button>
      <button class="pill" data-layer="lattice" aria-pressed="false">lattice</button>
      <button class="pill" data-layer="prior" aria-pressed="true">prior</button>
    </span>
  </header>
  <div class="map-frame">
    <div class="zoom">
      <button aria-label="zoom in" title="zoom in (+)">+</button>
      <button aria-label="zoom out" title="zoom out (-)">\u2212</button>
      <button aria-label="fit the map" title="show everything (0)">\u2922</button>
    </div>
  </div>
  <div class="legend" role="group" aria-label="classes"></div>
  <p class="hint"></p>
</section>
<section class="card picture-card" aria-label="Decoded image">
  <div class="picture">
    <canvas class="decoded" role="img" aria-label="decoded image"></canvas>
  </div>
  <div class="beside">
    <h2>Decoded image</h2>
    <div class="modes pills" role="group" aria-label="what to show" hidden></div>
    <p class="nearby"></p>
    <ul class="shares"></ul>
    <ol class="callouts"></ol>
  </div>
</section>
<section class="card control-card" aria-label="Latent vector z">
  <div class="sliders"></div>
  <div class="buttons">
    <button class="sample">Sample the prior</button>
    <button class="play" aria-pressed="false">Play</button>
    <button class="reset">Reset</button>
    <span class="push"></span>
    <button class="save">Save image</button>
    <button class="share">Copy link</button>
  </div>
</section>
<section class="card strip-card" aria-label="Along each dimension">
  <header class="card-head"><h2>Along each dimension</h2><span class="aside">the others held; press an image to go there</span></header>
  <div class="strips"></div>
</section>
<p class="failure" role="alert" hidden></p>
<output class="spoken" aria-live="polite"></output>`;

/** On a narrow screen the callouts stand below the map, so that image and map stay in sight together. */
function placeCallouts(root) {
  const narrow = matchMedia("(max-width: 860px)");
  const callouts = root.querySelector(".callouts");
  const place = () => root.querySelector(narrow.matches ? ".map-card" : ".beside").append(callouts);
  narrow.addEventListener("change", place);
  place();
}

/** The three callouts of a model, in its own terms. */
function calloutsOf(model) {
  const place = model.kind === "vae" ? "its mean code <b class='mu'>\u03bc</b>" : "its code";
  const first = `Each dot is a test image, placed at ${place}.`;
  if (model.kind === "pca") {
    return [
      first,
      "PCA is linear: each z adds or removes one fixed picture. Drag one slider and watch it come and go.",
      "Half-way between two dots both show at once, one laid over the other.",
    ];
  }
  if (model.kind !== "vae" || model.beta === 0) {
    return [
      first,
      model.kind === "vae"
        ? "Trained without the KL term (\u03b2 = 0): nothing draws the codes to the prior, whose rings are lost among them."
        : "There is no prior: nothing says where codes lie, or how far. The map has its own scale.",
      "Drag into an empty corner. Nothing taught the decoder what to draw there.",
    ];
  }
  const second = "The rings are the prior at 1, 2 and 3 standard deviations: to sample is to throw darts at them.";
  if (model.latentDim > 2) return [first, second, "The map shows two dimensions; the sliders reach all of them."];
  const third = model.classNames.length
    ? "Between two clusters one class melts into another. Find a place that is neither."
    : "Follow the map slowly: neighbours on it are neighbours in looks.";
  return [first, second, third];
}

/** Callouts, hint, and what only a VAE has. */
function fillTexts(root, model) {
  const callouts = root.querySelector(".callouts");
  callouts.replaceChildren();
  for (const text of calloutsOf(model)) element("li", "", callouts).innerHTML = text;
  root.classList.toggle("many", model.latentDim > 6);
  const isVae = model.kind === "vae";
  root.querySelector("[data-layer=prior]").hidden = !isVae;
  const sample = root.querySelector(".sample");
  sample.disabled = !isVae;
  sample.title = isVae ? "z from N(0, I)" : `${model.kind === "pca" ? "a PCA" : "an AE"} has no prior to sample from`;
  const touch = matchMedia("(pointer: coarse)").matches;
  root.querySelector(".hint").textContent = touch
    ? "Drag moves the point; two fingers pan and zoom."
    : "Drag moves the point, hovering previews. Shift + drag pans, Ctrl + wheel zooms, arrow keys step.";
}
