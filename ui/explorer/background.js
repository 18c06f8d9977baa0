// The page's side of the decoding worker.

/**
 * Starts a worker on the weights of a decoder, or of an encoder.
 *
 * @param {ArrayBuffer} weights
 * @param {"decoder"|"encoder"} part
 * @returns {{run: function(string, Float32Array, number, function), stop: function}}
 *   `run(job, points, count, show)` calls show(first, images, count, done) as images arrive, unless a newer request
 *   for the same job has taken its place
 */
function startBackground(weights, part = "decoder") {
  const source = new Blob([`${RUNTIME_SOURCE}\nserveNetwork(self);`], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  const worker = new Worker(address);
  const newest = new Map();
  let requests = 0;
  worker.postMessage({ weights, part });
  worker.onmessage = ({ data: { job, id, first, images, count, done } }) => {
    const request = newest.get(job);
    if (request?.id === id) request.show(first, images, count, done);
  };
  return {
    run(job, points, count, show) {
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

const REST = 3; // after a run, this many times its own length: what follows a drag costs a quarter of a core at most
const LEAST_REST = 120; // milliseconds: painting is the main thread's work

/**
 * Follows a drag without holding it up: calls work(done, ...arguments) at once, or, while an earlier run works or rests,
 * later and only with the newest arguments. `work` calls `done` when it has drawn.
 */
function newestOnly(work) {
  let working = false;
  let waiting = null;
  const start = (given) => {
    working = true;
    const asked = performance.now();
    work(() => setTimeout(goOn, Math.max(LEAST_REST, REST * (performance.now() - asked))), ...given);
  };
  const goOn = () => {
    working = false;
    const next = waiting;
    waiting = null;
    if (next) start(next);
  };
  return (...given) => {
    if (working) waiting = given;
    else start(given);
  };
}
