// The arithmetic of a network, one image at a time, in plain typed arrays. Images are channel-height-width, as in torch.
// Every array is a Float32Array: a kernel that also meets a Float64Array is compiled for both and loses a third of its speed.

// A convolution is one correlation of the padded image; a transposed one with stride s is s phases an axis (the outputs
// at start, start + s, ...), each a correlation with every s-th weight. A 4x4 kernel of stride 2 so becomes four 2x2 ones.
// An axis says, for each phase: output start + step * j reads inputs first + advance * j + (0, 1, ...) times weights taps.

function convolutionAxis({ size, kernel, stride, padding }) {
  const outputs = Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const taps = Array.from({ length: kernel }, (_, tap) => tap);
  return { outputs, phases: () => [{ start: 0, step: 1, count: outputs, first: -padding, advance: stride, taps }] };
}

function transposedAxis({ size, kernel, stride, padding, outputPadding }) {
  const outputs = (size - 1) * stride - 2 * padding + kernel + outputPadding;
  const phase = (start) => {
    const taps = [];
    for (let tap = kernel - 1; tap >= 0; tap--) if ((start + padding - tap) % stride === 0) taps.push(tap);
    const first = taps.length ? (start + padding - taps[0]) / stride : 0;
    return { start, step: stride, count: Math.ceil((outputs - start) / stride), first, advance: 1, taps };
  };
  return { outputs, phases: () => Array.from({ length: Math.min(stride, outputs) }, (_, start) => phase(start)) };
}

/** Zeros needed before and after the `size` inputs so that no phase reads beyond them. */
function axisMargins(phases, size) {
  const before = Math.max(0, ...phases.map(({ first }) => -first));
  const reach = ({ first, count, advance, taps }) => first + (count - 1) * advance + taps.length;
  return { before, length: before + Math.max(size, ...phases.map(reach)) };
}

/**
 * Prepares a convolution over an image of shape [channels, height, width].
 *
 * @param {function(number, number, number, number): number} weightAt  (out, in, row, column) to the weight's value
 * @param {{outputs: number, phases: function(): Object[]}} rows  the vertical axis; `columns` the horizontal one
 */
function planConvolution({ shape, outChannels, weightAt, bias, rows, columns }) {
  const [channels, height, width] = shape;
  const rowPhases = rows.phases(), columnPhases = columns.phases();
  const vertical = axisMargins(rowPhases, height), horizontal = axisMargins(columnPhases, width);
  checkedShape([channels, vertical.length, horizontal.length]);
  const rowLength = horizontal.length * channels;
  const paddedBias = new Float32Array(4 * Math.ceil(outChannels / 4));
  if (bias) paddedBias.set(bias);
  return {
    shape, outChannels, rowLength, bias: paddedBias, plane: rows.outputs * columns.outputs,
    padded: new Float32Array(vertical.length * rowLength), // height-width-channel; the margins stay zero
    corner: vertical.before * rowLength + horizontal.before * channels,
    phases: rowPhases.flatMap((row) => columnPhases.map((column) => {
      const pixels = row.count * column.count;
      const inputAt = new Int32Array(pixels + 1), outputAt = new Int32Array(pixels + 1);
      for (let pixel = 0; pixel <= pixels; pixel++) {
        // The tiles are two pixels wide: an odd count works its last pixel twice.
        const j = Math.floor(Math.min(pixel, pixels - 1) / column.count), i = Math.min(pixel, pixels - 1) % column.count;
        inputAt[pixel] = (row.first + vertical.before + row.advance * j) * rowLength
          + (column.first + horizontal.before + column.advance * i) * channels;
        outputAt[pixel] = (row.start + row.step * j) * columns.outputs + column.start + column.step * i;
      }
      return {
        pixels, inputAt, outputAt, tapRows: row.taps.length, span: column.taps.length * channels,
        weights: packWeights(weightAt, row.taps, column.taps, channels, outChannels),
      };
    })),
  };
}

/** Weights in the order in which `correlate` meets them: [tile of 4 outputs][tap row][tap column][input][4]. */
function packWeights(weightAt, tapRows, tapColumns, channels, outChannels) {
  const packed = new Float32Array(Math.ceil(outChannels / 4) * tapRows.length * tapColumns.length * channels * 4);
  let at = 0;
  for (let tile = 0; tile < outChannels; tile += 4)
    for (const row of tapRows)
      for (const column of tapColumns)
        for (let channel = 0; channel < channels; channel++)
          for (let out = tile; out < tile + 4; out++, at++)
            if (out < outChannels) packed[at] = weightAt(out, channel, row, column);
  return packed;
}

function runConvolution(plan, x, y) {
  const { shape: [channels, height, width], padded, corner, rowLength } = plan;
  let at = 0;
  for (let channel = 0; channel < channels; channel++)
    for (let row = 0; row < height; row++) {
      let to = corner + row * rowLength + channel;
      for (const end = at + width; at < end; at++, to += channels) padded[to] = x[at];
    }
  for (const phase of plan.phases) correlate(padded, rowLength, phase, plan.bias, plan.outChannels, plan.plane, y);
}

/** One phase: tiles of two pixels by four channels, eight sums that stay in registers. */
function correlate(padded, rowLength, phase, bias, outChannels, plane, y) {
  const { pixels, inputAt, outputAt, tapRows, span, weights } = phase;
  for (let channel = 0; channel < outChannels; channel += 4) {
    const tile = channel * tapRows * span;
    const b0 = bias[channel], b1 = bias[channel + 1], b2 = bias[channel + 2], b3 = bias[channel + 3];
    for (let pixel = 0; pixel < pixels; pixel += 2) {
      let p0 = b0, p1 = b1, p2 = b2, p3 = b3, q0 = b0, q1 = b1, q2 = b2, q3 = b3;
      let w = tile;
      for (let row = 0; row < tapRows; row++) {
        let p = inputAt[pixel] + row * rowLength, q = inputAt[pixel + 1] + row * rowLength;
        for (const end = p + span; p < end; p++, q++, w += 4) {
          const xp = padded[p], xq = padded[q];
          const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2], w3 = weights[w + 3];
          p0 += xp * w0; p1 += xp * w1; p2 += xp * w2; p3 += xp * w3;
          q0 += xq * w0; q1 += xq * w1; q2 += xq * w2; q3 += xq * w3;
        }
      }
      const to = channel * plane + outputAt[pixel], next = channel * plane + outputAt[pixel + 1];
      y[to] = p0; y[next] = q0;
      if (channel + 1 < outChannels) { y[to + plane] = p1; y[next + plane] = q1; }
      if (channel + 2 < outChannels) { y[to + 2 * plane] = p2; y[next + 2 * plane] = q2; }
      if (channel + 3 < outChannels) { y[to + 3 * plane] = p3; y[next + 3 * plane] = q3; }
    }
  }
}

function reluInPlace(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}

function siluInPlace(values) {
  for (let i = 0; i < values.length; i++) values[i] = values[i] / (1 + Math.exp(-values[i]));
}

function geluInPlace(values) {
  for (let i = 0; i < values.length; i++) values[i] = 0.5 * values[i] * (1 + erf(values[i] * Math.SQRT1_2));
}

function tanhInPlace(values) {
  for (let i = 0; i < values.length; i++) values[i] = Math.tanh(values[i]);
}

function sigmoidInPlace(values) {
  for (let i = 0; i < values.length; i++) values[i] = sigmoid(values[i]);
}

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

/** The error function to 7e-8: the odd rational approximation that Eigen and XLA use for float32. */
function erf(x) {
  if (x >= 4) return 1;
  if (x <= -4) return -1;
  const s = x * x;
  const numerator = -1.60960333262415e-2 + s * (-2.95459980854025e-3 + s * (-7.34990630326855e-4
    + s * (-5.69250639462346e-5 + s * (-2.10102402082508e-6 + s * (2.77068142495902e-8 + s * -2.72614225801306e-10)))));
  const denominator = -1.42647390514189e-2 + s * (-7.37332916720468e-3 + s * (-1.68282697438203e-3
    + s * (-2.13374055278905e-4 + s * -1.45660718464996e-5)));
  return (x * numerator) / denominator;
}
