// What every chart of a training has: axes of epochs and nats, a clipped inside, and an epoch pointed out.

const MARGIN = { left: 46, right: 10, top: 8, bottom: 22 };

/**
 * Draws anew whenever it is shown something or changes its size.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {function(Object): [number, number]} rangeIn  the lowest and the highest value on the axis of a scene
 * @param {function(CanvasRenderingContext2D, Object, Object)} paint  paints a scene inside the axes, given
 *   {xOf, yOf, left, right, bottom}: xOf(epoch), yOf(value) and the edges in pixels
 * @returns {{show: function(Object), stop: function}}  show(scene): besides what `paint` needs it has `last`, the last
 *   epoch on the axis, `cursor`, an epoch to point out or null, and `colors`
 */
function makePlot(canvas, rangeIn, paint) {
  const context = canvas.getContext("2d");
  let scene = null;
  const sizes = new ResizeObserver(draw);
  sizes.observe(canvas);

  function draw() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!scene || !width) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const { last, cursor, colors } = scene;
    const [low, high] = rangeIn(scene);
    const [left, right, bottom] = [MARGIN.left, width - MARGIN.right, height - MARGIN.bottom];
    const xOf = (epoch) => left + ((right - left) * epoch) / Math.max(1, last);
    const yOf = (value) => MARGIN.top + ((bottom - MARGIN.top) * (high - value)) / (high - low);
    const inside = { xOf, yOf, left, right, bottom };
    drawAxes(context, inside, [low, high], last, colors);
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, bottom); // values of a bad start lie outside
    context.clip();
    paint(context, scene, inside);
    if (cursor !== null) line(context, [[xOf(cursor), MARGIN.top], [xOf(cursor), bottom]], colors.z, [], 1);
    context.restore();
  }

  return {
    show(next) {
      scene = next;
      draw();
    },
    stop: () => sizes.disconnect(),
  };
}

/**
 * What the axis must hold: every value but those of a bad start, and the marks near them.
 *
 * @param {number[][]} curves  the values of each, in the order of epochs
 * @param {number[]} marks
 */
function rangeOf(curves, marks = []) {
  const values = curves.flat().filter(Number.isFinite);
  if (!values.length) return [0, 1];
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const spread = Math.max(...values.slice(-6).map((value) => Math.abs(value - middle)), 1e-9);
  // The first epochs may lie far off: they are let go rather than flatten all that follows.
  let low = sorted.find((value) => value >= middle - 8 * spread);
  let high = sorted.findLast((value) => value <= middle + 8 * spread);
  for (const mark of marks) {
    if (mark > low - (high - low) && mark < high + (high - low)) [low, high] = [Math.min(low, mark), Math.max(high, mark)];
  }
  const margin = 0.08 * (high - low) || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

function drawAxes(context, { xOf, yOf, left, right, bottom }, [low, high], last, colors) {
  context.font = `11px ${colors.font}`;
  const across = ticks(0, Math.max(1, last), Math.min(6, Math.max(1, last)));
  const up = ticks(low, high, 4);
  context.fillStyle = colors.muted;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of up.values) {
    line(context, [[left, yOf(value)], [right, yOf(value)]], colors.grid, [], 1);
    context.fillText(signed(value, up.decimals), left - 6, yOf(value));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of across.values) {
    if (Number.isInteger(value)) context.fillText(String(value), xOf(value), bottom + 5);
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
