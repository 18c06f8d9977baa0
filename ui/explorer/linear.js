// The linear layer: WebAssembly where the browser has its SIMD (linear.wat), plain JavaScript where it does not.

const TILE = 32; // outputs that linear.wat works on at once
const PAGE = 65536; // bytes WebAssembly counts memory in

/** The module of linear.wat, or null in a browser that cannot compile it. */
const linearModule = (() => {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(LINEAR_WASM), (letter) => letter.charCodeAt(0)));
  } catch {
    return null;
  }
})();

/**
 * Prepares y = W x + b.
 *
 * @param {Float32Array} weight  torch's [out][in]
 * @param {Float32Array|null} bias
 * @returns {{output: Float32Array, run: function(Float32Array)}}  `run(x)` fills `output`
 */
function makeLinear(weight, bias, inputs, outputs) {
  return (linearModule ? linearInWasm : linearInScript)(weight, bias ?? new Float32Array(outputs), inputs, outputs);
}

function linearInWasm(weight, bias, inputs, outputs) {
  const tiles = Math.ceil(outputs / TILE);
  const sizes = { weights: tiles * inputs * TILE, biases: tiles * TILE, output: tiles * TILE, x: inputs, live: inputs };
  const total = Object.values(sizes).reduce((sum, size) => sum + 4 * size + 16, 0);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(total / PAGE) });
  let end = 0;
  const take = (Type, size) => {
    const taken = new Type(memory.buffer, end, size);
    end += 16 * Math.ceil((4 * size) / 16); // whole vectors
    return taken;
  };
  const weights = take(Float32Array, sizes.weights);
  const biases = take(Float32Array, sizes.biases);
  const padded = take(Float32Array, sizes.output);
  const x = take(Float32Array, sizes.x);
  const live = take(Int32Array, sizes.live);
  biases.set(bias);
  for (let o = 0; o < outputs; o++) {
    const from = o * inputs, tile = Math.floor(o / TILE) * inputs * TILE + (o % TILE);
    for (let i = 0; i < inputs; i++) weights[tile + i * TILE] = weight[from + i];
  }
  const { linear } = new WebAssembly.Instance(linearModule, { host: { memory } }).exports;
  return {
    output: padded.subarray(0, outputs),
    run(values) {
      x.set(values);
      let count = 0;
      for (let i = 0; i < inputs; i++) if (values[i] !== 0) live[count++] = 4 * i;
      padded.set(biases);
      linear(live.byteOffset, count, x.byteOffset, weights.byteOffset, 4 * inputs * TILE, padded.byteOffset, tiles);
    },
  };
}

/** Weights laid out [in][out], four inputs a pass: the inner loop walks adjacent floats. */
function linearInScript(weight, bias, inputs, outputs) {
  const weights = new Float32Array(inputs * outputs);
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) weights[i * outputs + o] = weight[o * inputs + i];
  const live = new Int32Array(inputs);
  const output = new Float32Array(outputs);
  return { output, run: (x) => runLinear(weights, bias, live, x, output) };
}

function runLinear(weights, bias, live, x, y) {
  const outputs = y.length;
  let count = 0;
  for (let i = 0; i < x.length; i++) if (x[i] !== 0) live[count++] = i;
  y.set(bias);
  let k = 0;
  for (; k + 3 < count; k += 4) {
    const x0 = x[live[k]], x1 = x[live[k + 1]], x2 = x[live[k + 2]], x3 = x[live[k + 3]];
    const r0 = live[k] * outputs, r1 = live[k + 1] * outputs, r2 = live[k + 2] * outputs, r3 = live[k + 3] * outputs;
    for (let o = 0; o < outputs; o++) {
      y[o] += x0 * weights[r0 + o] + x1 * weights[r1 + o] + x2 * weights[r2 + o] + x3 * weights[r3 + o];
    }
  }
  for (; k < count; k++) {
    const x0 = x[live[k]], r0 = live[k] * outputs;
    for (let o = 0; o < outputs; o++) y[o] += x0 * weights[r0 + o];
  }
}
