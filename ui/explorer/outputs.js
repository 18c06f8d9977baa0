// What a decoder's raw output says about the image: the mean of its likelihood, or the clamped line of a PCA; and, where
// it is learned, sigma.

/**
 * Reads the likelihood's head from a network's metadata.
 *
 * @returns {{channels: number, mean: function(Float32Array, Float32Array): Float32Array,
 *   sigma: (function(Float32Array, Float32Array): Float32Array)|null}}
 *   the image's channels C, and functions (raw, out) that fill and return `out` of C * H * W numbers;
 *   `raw` has 2 C channels when sigma is learned, else C
 * @throws {Error} when the output or its sigma floor is unknown
 */
function outputOf(metadata) {
  const { output } = metadata;
  const mean = MEANS.get(output);
  if (!mean) throw new Error(`Unknown output "${output}"; known are ${[...MEANS.keys()].join(", ")}.`);
  const shape = metadataShape(metadata);
  return {
    channels: shape[0],
    mean(raw, out) {
      for (let i = 0; i < out.length; i++) out[i] = mean(raw[i]);
      return out;
    },
    sigma: output === "gaussian-learned" ? learnedSigma(metadata, elementCount(shape)) : null,
  };
}

/** From a raw number to the pixel's mean, for each output that a network may have. */
const MEANS = new Map([
  ["image", sigmoid],
  ["bernoulli", sigmoid],
  ["gaussian", sigmoid],
  ["gaussian-learned", sigmoid],
  ["continuous-bernoulli", continuousBernoulliMean],
  ["linear", clampToUnit],
]);

/** A PCA's line leaves [0, 1] where it will; a screen does not. */
function clampToUnit(value) {
  return Math.min(1, Math.max(0, value));
}

/** Mean of the continuous Bernoulli of a logit (Loaiza-Ganem and Cunningham, 2019): 1 / (1 - e^-x) - 1 / x. */
function continuousBernoulliMean(logit) {
  const s = logit * logit;
  // The two terms cancel near zero; the series' next term is below 1e-10 here.
  if (s < 0.0625) return 0.5 + logit * (1 / 12 - s * (1 / 720 - s / 30240));
  return -1 / Math.expm1(-logit) - 1 / logit;
}

/** log sigma = log floor + softplus(raw - log floor) (Rybkin et al., 2021), which is sigma = floor + e^raw. */
function learnedSigma(metadata, pixels) {
  const floor = Number(metadata.sigma_floor);
  if (!(floor > 0)) throw new Error(`sigma_floor is "${metadata.sigma_floor}"; it must be a positive number.`);
  return (raw, out) => {
    for (let i = 0; i < out.length; i++) out[i] = floor + Math.exp(raw[pixels + i]);
    return out;
  };
}
