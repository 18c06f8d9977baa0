// The play button: a smooth closed walk.

/** The stops of the walk: the classes' places, round the map; without classes, eight points on a circle. */
function tourStops(codes, places, [first, second]) {
  const labelled = [...places].filter(([label]) => label >= 0).map(([, place]) => place);
  if (labelled.length >= 3) {
    const middle = (axis) => labelled.reduce((sum, place) => sum + place[axis], 0) / labelled.length;
    const [x, y] = [middle(first), middle(second)];
    const angle = (place) => Math.atan2(place[second] - y, place[first] - x);
    return labelled.sort((a, b) => angle(a) - angle(b));
  }
  const place = places.get(-1) ?? labelled[0];
  const spread = (axis) => {
    let sum = 0;
    for (let i = 0; i < codes.count; i++) sum += (codes.mu[i * codes.dimensions + axis] - place[axis]) ** 2;
    return 1.3 * Math.sqrt(sum / codes.count);
  };
  const [wide, high] = [spread(first), spread(second)];
  return Array.from({ length: 8 }, (_, k) => {
    const stop = Float32Array.from(place);
    stop[first] += wide * Math.cos((k * Math.PI) / 4);
    stop[second] += high * Math.sin((k * Math.PI) / 4);
    return stop;
  });
}

/** The point of a closed Catmull-Rom curve through the stops; `time` runs from 0 to their number, and round again. */
function tourPoint(stops, time, out) {
  const count = stops.length;
  const at = Math.floor(time);
  const t = time - at;
  const [a, b, c, d] = [-1, 0, 1, 2].map((offset) => stops[(at + offset + count) % count]);
  for (let j = 0; j < out.length; j++) {
    out[j] = b[j] + 0.5 * t * (c[j] - a[j] + t * (2 * a[j] - 5 * b[j] + 4 * c[j] - d[j] + t * (3 * (b[j] - c[j]) + d[j] - a[j])));
  }
  return out;
}

const SECONDS_A_STOP = 1.6;

/**
 * The play button. A reader who asked for less motion is shown the stops, one after the other.
 *
 * @param {HTMLButtonElement} button
 * @param {{stops: function(): Float32Array[], onPlace: function(Float32Array[], number), onPause: function}} listeners
 *   onPlace(stops, time) at every step of the walk; onPause when the reader presses the button again
 */
function makePlayer(button, { stops, onPlace, onPause }) {
  let cancel = null; // ends the walk, while there is one

  function show(playing) {
    button.setAttribute("aria-pressed", playing);
    button.textContent = playing ? "Pause" : "Play";
  }

  function start() {
    const walk = stops();
    show(true);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      let stop = 0;
      const step = () => onPlace(walk, stop++ % walk.length);
      const timer = setInterval(step, 1000 * SECONDS_A_STOP);
      cancel = () => clearInterval(timer);
      step();
      return;
    }
    const started = performance.now();
    const step = () => {
      const frame = requestAnimationFrame(step);
      cancel = () => cancelAnimationFrame(frame);
      onPlace(walk, ((performance.now() - started) / 1000 / SECONDS_A_STOP) % walk.length);
    };
    step();
  }

  function stop() {
    if (!cancel) return;
    cancel();
    cancel = null;
    show(false);
  }

  button.addEventListener("click", () => {
    if (!cancel) {
      start();
      return;
    }
    stop();
    onPause();
  });
  return { stop, isPlaying: () => cancel !== null };
}
