// The map's window on latent space. Pixels are square: a circle is a circle.

/** @typedef {{x: number, y: number, half: number}} Window  centre and half width, in units of z */

/** Latent coordinates to pixels on a square of `size`, y upwards. */
function toPixel(window, size, zx, zy) {
  const scale = size / (2 * window.half);
  return [(zx - window.x) * scale + size / 2, size / 2 - (zy - window.y) * scale];
}

/** Pixels to latent coordinates. */
function toLatent(window, size, px, py) {
  const scale = (2 * window.half) / size;
  return [window.x + (px - size / 2) * scale, window.y - (py - size / 2) * scale];
}

/** The window that shows the codes, but for one in a thousand at each side, and the three rings when there is a prior. */
function fittingWindow(codes, axes, hasPrior) {
  const spans = axes.map((axis) => {
    const values = Float32Array.from({ length: codes.count }, (_, i) => codes.mu[i * codes.dimensions + axis]).sort();
    const left = values[Math.floor(0.001 * codes.count)];
    const right = values[Math.ceil(0.999 * codes.count) - 1];
    return hasPrior ? [Math.min(left, -3), Math.max(right, 3)] : [left, right];
  });
  const half = Math.max(...spans.map(([left, right]) => (right - left) / 2)) || 1;
  const [x, y] = spans.map(([left, right]) => (left + right) / 2);
  return { x, y, half: 1.06 * half };
}

/** A window scaled by `factor` (below 1 zooms in) about a latent point that stays where it is. */
function zoomed(window, factor, zx, zy) {
  const half = Math.min(Math.max(window.half * factor, 1e-3), 1e4);
  const applied = half / window.half;
  return { x: zx + (window.x - zx) * applied, y: zy + (window.y - zy) * applied, half };
}

/** Round numbers from `low` to `high`, about `count` of them, and the decimals they need. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((multiple) => multiple * power).find((candidate) => candidate >= rough);
  const values = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) values.push(k * step);
  return { values, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** A number with a true minus sign. */
function signed(value, decimals) {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
}
