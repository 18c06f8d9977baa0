// Where everything of a run's live view has its place.

const LIVE_LAYOUT = `
<section class="card transport" aria-label="This run"></section>
<section class="card map-card" aria-label="Latent map">
  <header class="card-head"><h2>The map, forming</h2><span class="aside epoch"></span>
    <a class="pill to-explorer" target="_blank" rel="noopener" hidden>open in the explorer</a>
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
<section class="card gap-card" aria-label="How good is the ELBO?" hidden></section>
<section class="card bars-card" aria-label="KL of each dimension"><h2>KL of each dimension, nats</h2><div class="bars"></div></section>
<p class="failure" role="alert" hidden></p>`;
