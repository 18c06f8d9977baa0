// Runs a network on many inputs in the background: the lattice behind the map, the strips of traversals. No DOM.

/**
 * Serves one port (a worker's global scope). Messages in: {weights, part} once, then {job, id, points, count}, where
 * `points` holds `count` inputs. Messages out: {job, id, first, images, count, done}, a few results at a time: a
 * decoder's mean images, an encoder's raw output. A newer message for the same job takes the place of an unfinished one.
 */
function serveNetwork(port) {
  const IMAGES_A_TURN = 20;
  const pending = new Map();
  let network = null;
  let fill = null; // (raw, out): from the network's output to a result
  let values = 0; // of a result
  let busy = false;

  port.onmessage = ({ data }) => {
    if (data.weights) {
      network = loadNetwork(data.weights, data.part);
      const decodes = data.part === "decoder";
      fill = decodes ? outputOf(network.metadata).mean : (raw, out) => out.set(raw);
      values = elementCount(decodes ? metadataShape(network.metadata) : network.outputShape);
      return;
    }
    pending.set(data.job, { ...data, next: 0 });
    if (!busy) turn();
  };

  function turn() {
    const task = pending.values().next().value;
    busy = Boolean(task);
    if (!task) return;
    const { job, id, points, count, next: first } = task;
    const size = points.length / count;
    const last = Math.min(first + IMAGES_A_TURN, count);
    const images = new Float32Array((last - first) * values);
    for (let i = first; i < last; i++) {
      const raw = network.run(points.subarray(i * size, (i + 1) * size));
      fill(raw, images.subarray((i - first) * values, (i - first + 1) * values));
    }
    task.next = last;
    const done = last === count;
    port.postMessage({ job, id, first, images, count: last - first, done }, [images.buffer]);
    if (done) pending.delete(job);
    // A turn ends here so that a newer request is heard before the next one.
    setTimeout(turn, 0);
  }
}
