// The film of a training: every epoch's decoder and codes, and a map on which the same images move from frame to frame.

const MOVE = 700; // milliseconds from one epoch's places to the next
const SAMPLES = 12;

/** Fetches the frames of a run; the browser keeps each for good, and the newest few stay decoded. */
function makeFilm(addressOf) {
  const KEPT = 12;
  const frames = new Map();
  return {
    async frame(epoch) {
      if (!frames.has(epoch)) {
        const loading = fetchBytes(addressOf(epoch)).then(readFrame);
        loading.catch(() => frames.delete(epoch));
        frames.set(epoch, loading);
        if (frames.size > KEPT) frames.delete(frames.keys().next().value);
      }
      return frames.get(epoch);
    },
  };
}

function readFrame(bytes) {
  const network = loadNetwork(bytes, "decoder");
  const { mu } = parseSafetensors(bytes).tensors;
  const [count, dimensions] = mu.shape;
  return { bytes, network, output: outputOf(network.metadata), codes: { mu: Float32Array.from(mu.data), count, dimensions } };
}

/**
 * Moves codes from where they stand to where the next frame has them, an ease at both ends.
 *
 * @param {function(Float32Array)} onMove  draws the codes at a moment between
 */
function makeMotion(onMove) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let from = null;
  let to = null;
  let now = null;
  let began = 0;
  let request = 0;

  function step(time) {
    const share = calm.matches ? 1 : Math.min(1, Math.max(0, (time - began) / MOVE));
    const eased = share * share * (3 - 2 * share);
    for (let i = 0; i < now.length; i++) now[i] = from[i] + eased * (to[i] - from[i]);
    onMove(now);
    request = share < 1 ? requestAnimationFrame(step) : 0;
  }

  return {
    /** Goes there; a frame of another size is shown at once. */
    to(next) {
      if (!now || now.length !== next.length) {
        now = Float32Array.from(next);
        to = next;
        onMove(now);
        return;
      }
      from = Float32Array.from(now);
      to = next;
      began = performance.now();
      if (!request) request = requestAnimationFrame(step);
    },
    /** The codes as they stand at this moment. */
    now: () => now,
    stop() {
      cancelAnimationFrame(request);
      request = 0;
    },
  };
}

/** The same draws from N(0, I) for every frame, so that one can watch each sample take shape. */
function fixedDraws(count, dimensions) {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Array.from({ length: count }, () => Float32Array.from(
    { length: dimensions }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  ));
}
