// Which test images lie near z.

/**
 * The `k` codes nearest to z in all dimensions.
 *
 * @param {{mu: Float32Array, count: number, dimensions: number}} codes
 * @param {Float32Array} z
 * @returns {{indices: Int32Array, distances: Float32Array}} nearest first
 */
function nearestCodes(codes, z, k) {
  const { mu, count, dimensions } = codes;
  const size = Math.min(k, count);
  const indices = new Int32Array(size);
  const squares = new Float32Array(size).fill(Infinity);
  for (let i = 0; i < count; i++) {
    const worst = squares[size - 1];
    let square = 0;
    for (let j = 0, at = i * dimensions; j < dimensions && square < worst; j++, at++) {
      const difference = mu[at] - z[j];
      square += difference * difference;
    }
    if (square >= worst) continue;
    let place = size - 1;
    while (place > 0 && squares[place - 1] > square) {
      squares[place] = squares[place - 1];
      indices[place] = indices[place - 1];
      place -= 1;
    }
    squares[place] = square;
    indices[place] = i;
  }
  return { indices, distances: squares.map(Math.sqrt) };
}

/** Shares of the classes among some images, greatest first: [{label, share}]. */
function classShares(labels, indices) {
  const counts = new Map();
  for (const i of indices) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  const shares = [...counts].map(([label, count]) => ({ label, share: count / indices.length }));
  return shares.sort((a, b) => b.share - a.share || a.label - b.label);
}

/**
 * One place to stand for each class: Map label -> Float32Array. In two dimensions the class's densest place, as a class may
 * lie in two clusters with another between them; its mean otherwise. Without labels, one place for all, under label -1.
 */
function classPlaces(codes) {
  const members = new Map();
  for (let i = 0; i < codes.count; i++) {
    const label = codes.labels ? codes.labels[i] : -1;
    if (!members.has(label)) members.set(label, []);
    members.get(label).push(i);
  }
  const sorted = [...members].sort(([a], [b]) => a - b);
  const dense = codes.labels && codes.dimensions === 2;
  return new Map(sorted.map(([label, indices]) => [label, meanCode(codes, dense ? densest(codes, indices) : indices)]));
}

function meanCode({ mu, dimensions }, indices) {
  const total = new Float64Array(dimensions);
  for (const i of indices) for (let j = 0; j < dimensions; j++) total[j] += mu[i * dimensions + j];
  return Float32Array.from(total, (sum) => sum / indices.length);
}

/** Those of some 2-D codes that lie in the fullest 3x3 cells of a 16x16 grid over them. */
function densest({ mu }, indices) {
  const CELLS = 16;
  const cellOf = [0, 1].map((axis) => {
    const values = indices.map((i) => mu[2 * i + axis]);
    const low = values.reduce((a, b) => Math.min(a, b));
    const width = values.reduce((a, b) => Math.max(a, b)) - low || 1;
    return (i) => Math.min(CELLS - 1, Math.floor((CELLS * (mu[2 * i + axis] - low)) / width));
  });
  const counts = new Int32Array(CELLS * CELLS);
  for (const i of indices) counts[CELLS * cellOf[1](i) + cellOf[0](i)] += 1;
  const around = (x, y) => {
    let sum = 0;
    for (let v = Math.max(0, y - 1); v <= Math.min(CELLS - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(CELLS - 1, x + 1); u++) sum += counts[CELLS * v + u];
    }
    return sum;
  };
  let best = [0, 0, -1];
  for (let y = 0; y < CELLS; y++) {
    for (let x = 0; x < CELLS; x++) {
      const sum = around(x, y);
      if (sum > best[2]) best = [x, y, sum];
    }
  }
  return indices.filter((i) => Math.abs(cellOf[0](i) - best[0]) <= 1 && Math.abs(cellOf[1](i) - best[1]) <= 1);
}
