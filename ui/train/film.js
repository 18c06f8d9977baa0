// The film of a training: every epoch's decoder and codes.

/**
 * Fetches the frames of the film at an address; the browser keeps each for good, and the newest few stay decoded.
 *
 * @typedef {object} Frame  the decoder after one epoch, and the test images that are followed, with their codes then
 * @property {object} network  the decoder
 * @property {object} output  what its raw output means
 * @property {{mu: Float32Array, count: number, dimensions: number, labels: ArrayLike<number>|null}} codes
 * @property {{shape: number[], classNames: string[], ink: boolean}} model  as drawing needs it
 * @property {ArrayLike<number>} originals  the first of the followed images, one after the other
 */
function makeFilm(address) {
  const KEPT = 12;
  const frames = new Map();
  let followed = null;
  let filmedSince = null;
  return {
    /**
     * @param {number} start  of the run, as `Told` has it: after another one the frames may be others
     * @returns {Promise<Frame>}
     */
    async frame(epoch, start) {
      if (start !== filmedSince) {
        frames.clear();
        followed = null;
        filmedSince = start;
      }
      followed ??= await fetchBytes(`${address}/followed.safetensors?v=${start}`).then(readFollowed);
      if (!frames.has(epoch)) {
        const name = String(epoch).padStart(4, "0");
        const loading = fetchBytes(`${address}/${name}.safetensors?v=${start}`).then((bytes) => readFrame(bytes, followed));
        loading.catch(() => frames.delete(epoch));
        frames.set(epoch, loading);
        if (frames.size > KEPT) frames.delete(frames.keys().next().value);
      }
      return frames.get(epoch);
    },
  };
}

function readFollowed(bytes) {
  const { metadata, tensors } = parseSafetensors(bytes);
  const model = {
    shape: metadataShape(metadata), classNames: metadataJson(metadata, "class_names"), ink: metadataJson(metadata, "ink"),
  };
  return { model, labels: tensors.labels?.data ?? null, originals: tensors.images.data };
}

function readFrame(bytes, { model, labels, originals }) {
  const network = loadNetwork(bytes, "decoder");
  const { mu } = parseSafetensors(bytes).tensors;
  const [count, dimensions] = mu.shape;
  const codes = { mu: Float32Array.from(mu.data), count, dimensions, labels };
  return { network, output: outputOf(network.metadata), codes, model, originals };
}

/** The mean image that a frame's decoder makes of a code, written into `image`. */
function meanImage({ network, output, model }, code, image = new Float32Array(elementCount(model.shape))) {
  return output.mean(network.run(code), image);
}

/** Runs as a background does, but here and now: once an epoch, 400 small images cost less than a worker with a new decoder. */
function foreground(frame) {
  return {
    run(_, points, count, show) {
      const [size, pixels] = [points.length / count, elementCount(frame.model.shape)];
      const images = new Float32Array(count * pixels);
      for (let i = 0; i < count; i++) {
        meanImage(frame, points.subarray(i * size, (i + 1) * size), images.subarray(i * pixels, (i + 1) * pixels));
      }
      show(0, images, count);
    },
  };
}
