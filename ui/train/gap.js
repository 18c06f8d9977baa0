// "How good is the ELBO?": the exact gap by epoch, what to look for in it, and a switch to have it measured.

/**
 * @param {HTMLElement} card  filled here once
 * @param {number} offeredImages  how many the switch has measured
 * @param {function(Object)} send  hears {command, value}
 */
function makeGapCard(card, offeredImages, send) {
  card.innerHTML = `
    <header class="card-head"><h2>How good is the ELBO?</h2><button class="pill measure"></button></header>
    <canvas role="img" aria-label="log p(x) and ELBO by epoch"></canvas>
    <p class="gap-figures" aria-live="off"></p>
    <p class="aside">log p(x) does not depend on the encoder: training only the encoder leaves it where it is and, at beta = 1,
      closes the gap. Training only the decoder raises the ELBO of the training images; log p(x) may rise or fall, it
      only stays above. These are test images: here only log p(x) \u2265 ELBO is certain.</p>`;
  const canvas = card.querySelector("canvas");
  const chart = makeGapChart(canvas);
  const measure = card.querySelector(".measure");
  const wish = makeWish();
  measure.addEventListener("click", () => {
    const value = measure.getAttribute("aria-pressed") === "true" ? 0 : offeredImages;
    wish.make(value);
    showSwitch(value);
    send({ command: "exact_gap_images", value });
  });

  function showSwitch(images) {
    measure.setAttribute("aria-pressed", images > 0);
    measure.textContent = images > 0 ? `measuring ${images} images an epoch` : `measure ${offeredImages} images an epoch`;
  }

  return {
    /** `shown`: the epoch on show; `last` and `cursor` as for every plot. */
    show({ told, shown, last, cursor, colors }) {
      const { gaps, settings } = told;
      card.hidden = settings.kind !== "vae" || settings.latent_dim !== 2;
      showSwitch(wish.or(inForce(told, "exact_gap_images")));
      measure.hidden = !goesOn(told);
      canvas.hidden = !gaps.length;
      card.querySelector(".gap-figures").replaceChildren(...figures(gaps, shown, goesOn(told)));
      if (gaps.length) chart.show({ gaps, bands: oneSided(told), last, cursor, colors });
    },
    stop: chart.stop,
  };
}

function figures(gaps, epoch, mayCome) {
  const newest = gaps.at(-1);
  // The newest epoch is on show before its gap is measured: until then the last one stands, under its own name.
  const gap = gaps.find((each) => each.epoch === epoch) ?? (mayCome && epoch > newest?.epoch ? newest : undefined);
  if (!gap && gaps.length) return [`Not measured ${placeText(epoch)}.`];
  if (!gap) return [mayCome ? "Not measured so far." : "Not measured. Carry the run on, and have it measured on the way."];
  const evidence = element("b", "evidence");
  evidence.textContent = `log p(x) ${signed(gap.logEvidence, 2)}`;
  const rest = `, ELBO ${signed(gap.elbo, 2)}, gap ${signed(gap.gap, 2)} \u00b1 ${errorText(gap.error)} nats, ` +
    `${gap.images} ${gap.binarized ? "binarised " : ""}test images, ${placeText(gap.epoch)}`;
  return [evidence, rest];
}

function placeText(epoch) {
  return epoch > 0 ? `after epoch ${epoch}` : "before training";
}

/** An error is rounded up: it is a promise. */
function errorText(error) {
  return error < 0.01 ? "0.01" : (Math.ceil(100 * error) / 100).toFixed(2);
}
