// log p(x) above, the ELBO below, and between them the gap; behind, faintly, where only one part was trained.

const DOT_SPACE = 6; // pixels an epoch, from which on each measurement is a dot too

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {{show: function(Object), stop: function}}  show({gaps: [{epoch, images, logEvidence, elbo, error}],
 *   bands: [{from, to, trains}], last, cursor, colors}): `gaps` in the order of epochs, `bands` in epochs gone, the last
 *   three as for every plot
 */
function makeGapChart(canvas) {
  const range = ({ gaps }) => rangeOf([gaps.map(({ elbo }) => elbo), gaps.map(({ logEvidence }) => logEvidence)]);
  return makePlot(canvas, range, (context, { gaps, bands, colors }, inside) => {
    for (const band of bands) drawBand(context, band, inside, colors);
    for (const piece of piecesOf(gaps)) drawPiece(context, piece, inside, colors);
  });
}

/** Epochs in a row whose gap is that of the same images: only these are joined by a line. */
function piecesOf(gaps) {
  const pieces = [];
  for (const gap of gaps) {
    const before = pieces.at(-1)?.at(-1);
    if (before && before.images === gap.images && before.epoch === gap.epoch - 1) pieces.at(-1).push(gap);
    else pieces.push([gap]);
  }
  return pieces;
}

function drawBand(context, { from, to, trains }, { xOf, bottom }, colors) {
  const [left, right] = [xOf(from), xOf(to)];
  const color = trains === "encoder" ? colors.mu : colors.xHat;
  context.globalAlpha = 0.1;
  context.fillStyle = color;
  context.fillRect(left, MARGIN.top, right - left, bottom - MARGIN.top);
  context.globalAlpha = 1;
  const name = `${trains} only`;
  if (context.measureText(name).width > right - left - 4) return;
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(name, (left + right) / 2, bottom - 4);
}

function drawPiece(context, gaps, { xOf, yOf }, colors) {
  const of = (value) => gaps.map((gap) => [xOf(gap.epoch), yOf(value(gap))]);
  const [evidence, elbo] = [of((gap) => gap.logEvidence), of((gap) => gap.elbo)];
  fillBetween(context, evidence, elbo, colors.evidence, 0.22);
  // The error of the gap, drawn where the gap ends; thinner than a line it is not seen, and need not be.
  fillBetween(context, of((gap) => gap.elbo + gap.error), of((gap) => gap.elbo - gap.error), colors.ink, 0.25);
  line(context, evidence, colors.evidence, [], 2.5);
  line(context, elbo, colors.ink, [], 2.5);
  if (gaps.length > 1 && xOf(1) - xOf(0) < DOT_SPACE) return;
  for (const [points, color] of [[evidence, colors.evidence], [elbo, colors.ink]]) {
    for (const [x, y] of points) {
      context.fillStyle = color;
      context.beginPath();
      context.arc(x, y, 2.6, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

function fillBetween(context, upper, lower, color, opacity) {
  context.globalAlpha = opacity;
  context.fillStyle = color;
  context.beginPath();
  [...upper, ...[...lower].reverse()].forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.fill();
  context.globalAlpha = 1;
}
