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
    let square = 0;
    for (let j = 0, at = i * dimensions; j < dimensions; j++, at++) {
      const difference = mu[at] - z[j];
      square += difference * difference;
    }
    if (square >= squares[size - 1]) continue;
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

/** The centroid of each class: Map label -> Float32Array. Without labels, the one centroid of all, under label -1. */
function centroids(codes) {
  const { mu, count, dimensions, labels } = codes;
  const sums = new Map();
  for (let i = 0; i < count; i++) {
    const label = labels ? labels[i] : -1;
    if (!sums.has(label)) sums.set(label, { total: new Float64Array(dimensions), images: 0 });
    const sum = sums.get(label);
    sum.images += 1;
    for (let j = 0; j < dimensions; j++) sum.total[j] += mu[i * dimensions + j];
  }
  const sorted = [...sums].sort(([a], [b]) => a - b);
  return new Map(sorted.map(([label, { total, images }]) => [label, Float32Array.from(total, (sum) => sum / images)]));
}
