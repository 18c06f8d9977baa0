// Line charts of a training, small and many: one quantity each, train and test, and faint marks to hold them against.

const MARGIN = { left: 46, right: 10, top: 8, bottom: 22 };

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {{show: function(Object)}}  show({series: [{values: [[epoch, value]], color, dash, width}], marks: [{value, name}],
 *   last, cursor, colors}): `last` is the last epoch on the axis, `cursor` an epoch to point out or null
 */
function makeCurves(canvas) {
  const context = canvas.getContext("2d");
  let scene = null;
  const sizes = new ResizeObserver(() => draw());
  sizes.observe(canvas);

  function draw() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!scene || !width) return;
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const { series, marks, last, cursor, colors } = scene;
    const [low, high] = rangeOf(series, marks);
    const xOf = (epoch) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * epoch) / Math.max(1, last);
    const yOf = (value) => MARGIN.top + ((height - MARGIN.top - MARGIN.bottom) * (high - value)) / (high - low);
    drawAxes(context, { width, height, low, high, last, xOf, yOf, colors });
    for (const { value, name } of marks) {
      if (value < low || value > high) continue;
      line(context, [[MARGIN.left, yOf(value)], [width - MARGIN.right, yOf(value)]], colors.ring, [2, 4], 1);
      context.fillStyle = colors.muted;
      context.textAlign = "right";
      context.textBaseline = "bottom";
      context.fillText(name, width - MARGIN.right, yOf(value) - 1);
    }
    if (cursor !== null) line(context, [[xOf(cursor), MARGIN.top], [xOf(cursor), height - MARGIN.bottom]], colors.z, [], 1);
    for (const { values, color, dash, width: thick } of series) {
      line(context, values.map(([epoch, value]) => [xOf(epoch), yOf(value)]), color, dash, thick);
    }
  }

  return {
    show(next) {
      scene = next;
      draw();
    },
    stop: () => sizes.disconnect(),
  };
}

/** What the axis must hold: every value but those of a bad start, and the marks near them. */
function rangeOf(series, marks) {
  const values = series.flatMap(({ values: points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  if (!values.length) return [0, 1];
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const spread = Math.max(...values.slice(-6).map((value) => Math.abs(value - middle)), 1e-9);
  // The first epochs may lie far off: they are let go rather than flatten all that follows.
  let low = sorted.find((value) => value >= middle - 8 * spread);
  let high = [...sorted].reverse().find((value) => value <= middle + 8 * spread);
  for (const { value } of marks) {
    if (value > low - (high - low) && value < high + (high - low)) { low = Math.min(low, value); high = Math.max(high, value); }
  }
  const margin = 0.08 * (high - low) || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

function drawAxes(context, { width, height, low, high, last, xOf, yOf, colors }) {
  context.clearRect(0, 0, width, height);
  context.font = `11px ${colors.font}`;
  context.lineWidth = 1;
  const across = ticks(0, Math.max(1, last), Math.min(6, Math.max(1, last)));
  const up = ticks(low, high, 4);
  context.fillStyle = colors.muted;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of up.values) {
    line(context, [[MARGIN.left, yOf(value)], [width - MARGIN.right, yOf(value)]], colors.grid, [], 1);
    context.fillText(signed(value, up.decimals), MARGIN.left - 6, yOf(value));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of across.values) {
    if (Number.isInteger(value)) context.fillText(String(value), xOf(value), height - MARGIN.bottom + 5);
  }
}

function line(context, points, color, dash, width) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
  context.setLineDash([]);
}
