// Decodes many points in the background: the lattice behind the map, the strips of traversals. No DOM.

/**
 * Serves one port (a worker's global scope). Messages in: {weights} once, then {job, id, points, count}, where `points`
 * holds `count` codes. Messages out: {job, id, first, images, count, done}, a few images at a time. A newer message for
 * the same job takes the place of an unfinished one.
 */
function serveDecodes(port) {
  const IMAGES_A_TURN = 20;
  const pending = new Map();
  let network = null;
  let output = null;
  let busy = false;

  port.onmessage = ({ data }) => {
    if (data.weights) {
      network = loadNetwork(data.weights, "decoder");
      output = outputOf(network.metadata);
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
    const pixels = elementCount(metadataShape(network.metadata));
    const last = Math.min(first + IMAGES_A_TURN, count);
    const images = new Float32Array((last - first) * pixels);
    for (let i = first; i < last; i++) {
      const raw = network.run(points.subarray(i * size, (i + 1) * size));
      output.mean(raw, images.subarray((i - first) * pixels, (i - first + 1) * pixels));
    }
    task.next = last;
    const done = last === count;
    port.postMessage({ job, id, first, images, count: last - first, done }, [images.buffer]);
    if (done) pending.delete(job);
    // A turn ends here so that a newer request is heard before the next one.
    setTimeout(turn, 0);
  }
}
