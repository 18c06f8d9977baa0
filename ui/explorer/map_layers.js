// What the latent map shows, layer by layer. Each function draws on a 2-D context scaled to CSS pixels.

const POINT_OPACITY = 0.6;
const UNLIT_OPACITY = 0.06;

/** Fine grid and axis numbers. */
function drawGrid(context, window, size, colors) {
  const { values: columns, decimals } = ticks(window.x - window.half, window.x + window.half, 6);
  const { values: rows } = ticks(window.y - window.half, window.y + window.half, 6);
  context.strokeStyle = colors.grid;
  context.lineWidth = 1;
  context.beginPath();
  for (const value of columns) {
    const x = Math.round(toPixel(window, size, value, 0)[0]) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, size);
  }
  for (const value of rows) {
    const y = Math.round(toPixel(window, size, 0, value)[1]) + 0.5;
    context.moveTo(0, y);
    context.lineTo(size, y);
  }
  context.stroke();
  drawAxisNumbers(context, window, size, columns, rows, decimals, colors);
}

function drawAxisNumbers(context, window, size, columns, rows, decimals, colors) {
  context.font = `11px ${colors.font}`;
  const write = (text, x, y) => {
    // A halo of paper keeps the numbers readable over points and lattice.
    context.strokeStyle = colors.paper;
    context.lineWidth = 3;
    context.strokeText(text, x, y);
    context.fillStyle = colors.muted;
    context.fillText(text, x, y);
  };
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  for (const value of columns) {
    const [x] = toPixel(window, size, value, 0);
    if (x > 24 && x < size - 12) write(signed(value, decimals), x, size - 5);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const value of rows) {
    const [, y] = toPixel(window, size, 0, value);
    if (y > 10 && y < size - 20) write(signed(value, decimals), 4, y);
  }
}

/** The prior N(0, I) at 1, 2 and 3 standard deviations, to scale. */
function drawRings(context, window, size, colors) {
  const [x, y] = toPixel(window, size, 0, 0);
  const unit = size / (2 * window.half);
  context.strokeStyle = colors.ring;
  context.lineWidth = 1;
  context.setLineDash([4, 4]);
  for (const deviations of [1, 2, 3]) {
    context.beginPath();
    context.arc(x, y, deviations * unit, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
}

/** Every code as a dot in its class's colour; when a class is lit, the others fade. */
function drawPoints(context, window, size, codes, axes, lit, colors) {
  const { mu, count, dimensions, labels } = codes;
  const [first, second] = axes;
  const width = count > 4000 ? 2.2 : count > 1000 ? 3 : 4;
  const scale = size / (2 * window.half);
  const left = window.x - window.half;
  const top = window.y + window.half;
  const classes = labels ? [...new Set(labels)].sort((a, b) => (a === lit) - (b === lit)) : [null];
  for (const label of classes) {
    const shown = lit === null || label === lit;
    context.globalAlpha = shown ? POINT_OPACITY : UNLIT_OPACITY;
    context.fillStyle = classColor(label, colors);
    for (let i = 0; i < count; i++) {
      if (label !== null && labels[i] !== label) continue;
      const x = (mu[i * dimensions + first] - left) * scale;
      const y = (top - mu[i * dimensions + second]) * scale;
      if (x < -width || y < -width || x > size + width || y > size + width) continue;
      context.fillRect(x - width / 2, y - width / 2, width, width);
    }
  }
  context.globalAlpha = 1;
}

/** The class's number at its place, so that colour is never alone. */
function drawClassNumbers(context, window, size, places, axes, lit, colors) {
  context.font = `650 13px ${colors.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const [label, place] of places) {
    if (label < 0 || (lit !== null && label !== lit)) continue;
    const [x, y] = toPixel(window, size, place[axes[0]], place[axes[1]]);
    context.strokeStyle = colors.paper;
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeText(String(label), x, y);
    context.fillStyle = colors.ink;
    context.fillText(String(label), x, y);
  }
}

/** The cursor: a ring with thin cross-hairs in z's colour, and a hollow ring where the pointer previews. */
function drawCursor(context, window, size, point, preview, colors) {
  const [x, y] = toPixel(window, size, ...point);
  context.strokeStyle = colors.z;
  context.globalAlpha = 0.45;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, size);
  context.moveTo(0, y);
  context.lineTo(size, y);
  context.stroke();
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x, y, 8, 0, 2 * Math.PI);
  context.fillStyle = colors.card;
  context.fill();
  context.lineWidth = 3.5;
  context.stroke();
  if (!preview) return;
  context.beginPath();
  context.arc(...toPixel(window, size, ...preview), 6, 0, 2 * Math.PI);
  context.lineWidth = 1.5;
  context.setLineDash([3, 2]);
  context.stroke();
  context.setLineDash([]);
}

/** The straight way from a marked place to the point. */
function drawWay(context, window, size, from, to, colors) {
  const [x, y] = toPixel(window, size, ...from);
  context.strokeStyle = colors.ink;
  context.lineWidth = 1.5;
  context.setLineDash([2, 4]);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(...toPixel(window, size, ...to));
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colors.card;
  context.lineWidth = 2;
  context.fillRect(x - 5, y - 5, 10, 10);
  context.strokeRect(x - 5, y - 5, 10, 10);
}

function classColor(label, colors) {
  return label === null || label < 0 ? colors.mu : colors.classes[label % colors.classes.length];
}
