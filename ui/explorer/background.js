// The page's side of the decoding worker.

/**
 * Starts a worker on a decoder's weights.
 *
 * @param {ArrayBuffer} weights
 * @returns {{decode: function(string, Float32Array, number, function), stop: function}}
 *   `decode(job, points, count, show)` calls show(first, images, count, done) as images arrive, unless a newer request
 *   for the same job has taken its place
 */
function startBackground(weights) {
  const source = new Blob([`${RUNTIME_SOURCE}\nserveDecodes(self);`], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  const worker = new Worker(address);
  const newest = new Map();
  let requests = 0;
  worker.postMessage({ weights });
  worker.onmessage = ({ data: { job, id, first, images, count, done } }) => {
    const request = newest.get(job);
    if (request?.id === id) request.show(first, images, count, done);
  };
  return {
    decode(job, points, count, show) {
      requests += 1;
      newest.set(job, { id: requests, show });
      worker.postMessage({ job, id: requests, points, count });
    },
    stop() {
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}
