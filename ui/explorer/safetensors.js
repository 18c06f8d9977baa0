// The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes.

/**
 * Reads a safetensors file into typed arrays.
 *
 * @param {ArrayBuffer|Uint8Array} file  a view may start at any byte
 * @returns {{metadata: Object<string, string>, tensors: Object<string, {shape: number[], data: Float32Array|Int32Array}>}}
 *   tensors in row-major order, each with data of its own; F16 is widened to float32
 * @throws {Error} when the file is cut short, altered or holds a type other than F32, F16 (weights) and I32 (labels)
 */
function parseSafetensors(file) {
  const bytes = ArrayBuffer.isView(file)
    ? new Uint8Array(file.buffer, file.byteOffset, file.byteLength)
    : new Uint8Array(file);
  if (bytes.length < 8) throw new Error(`The weights are cut short: ${bytes.length} bytes hold no header.`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (headerLength > bytes.length - 8) {
    throw new Error(`The weights are cut short: a header of ${headerLength} bytes in a file of ${bytes.length}.`);
  }
  const { __metadata__: metadata = {}, ...entries } = safetensorsHeader(bytes.subarray(8, 8 + headerLength));
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    throw new Error("The weights' metadata is not a record of strings.");
  }
  const payload = bytes.subarray(8 + headerLength);
  const tensors = Object.create(null);
  for (const [name, entry] of Object.entries(entries)) tensors[name] = readTensor(name, entry, payload);
  return { metadata, tensors };
}

function safetensorsHeader(bytes) {
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Error("The weights' header is not JSON: the file is damaged or of another format.");
  }
  if (!isRecord(header)) throw new Error("The weights' header is not a record of tensors.");
  return header;
}

function readTensor(name, entry, payload) {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const itemSize = { F32: 4, F16: 2, I32: 4 }[dtype];
  if (!itemSize) throw new Error(`Tensor ${name} has type ${dtype}; the browser reads F32, F16 and I32.`);
  if (!isCountList(shape) || !isCountList(offsets) || offsets.length !== 2) {
    throw new Error(`Tensor ${name} has no usable shape or position in the file.`);
  }
  const [begin, end] = offsets;
  const needed = elementCount(shape) * itemSize;
  if (begin > end || end > payload.length || end - begin !== needed) {
    throw new Error(
      `Tensor ${name} of shape [${shape}] needs ${needed} bytes, but lies at ${begin} to ${end} of ${payload.length}.`,
    );
  }
  // A typed array must start at a multiple of its element size; a copy of the bytes always does.
  const copy = payload.slice(begin, end).buffer;
  if (dtype === "I32") return { shape, data: new Int32Array(copy) };
  return { shape, data: dtype === "F32" ? new Float32Array(copy) : widenHalf(new Uint16Array(copy)) };
}

/** IEEE 754 binary16 to float32: exact, subnormals, infinities and NaN included. */
function widenHalf(halves) {
  const table = halfTable();
  const wide = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) wide[i] = table[halves[i]];
  return wide;
}

let halfValues = null;

/** The value of each of the 65,536 halves, worked out once: there are fewer of them than weights in a network. */
function halfTable() {
  halfValues ??= Float32Array.from({ length: 0x10000 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  return halfValues;
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCountList(value) {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function elementCount(shape) {
  return shape.reduce((product, size) => product * size, 1);
}
