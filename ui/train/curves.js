// Line charts of a training, small and many: one quantity each, train and test, and faint marks to hold them against.

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {{show: function(Object), stop: function}}  show({series: [{values: [[epoch, value]], color, dash, width}],
 *   marks: [{value, name}], last, cursor, colors}), the last three as for every plot
 */
function makeCurves(canvas) {
  const range = ({ series, marks }) => (
    rangeOf(series.map(({ values }) => values.map(([, value]) => value)), marks.map(({ value }) => value))
  );
  return makePlot(canvas, range, (context, { series, marks, colors }, { xOf, yOf, left, right }) => {
    for (const { value, name } of marks) {
      line(context, [[left, yOf(value)], [right, yOf(value)]], colors.ring, [2, 4], 1);
      context.fillStyle = colors.muted;
      context.textAlign = "right";
      context.textBaseline = "bottom";
      context.fillText(name, right, yOf(value) - 1);
    }
    for (const { values, color, dash, width } of series) {
      line(context, values.map(([epoch, value]) => [xOf(epoch), yOf(value)]), color, dash, width);
    }
  });
}
