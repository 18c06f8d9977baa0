// Rows of images as Python sends them: values, or signed differences on two ramps.

const TOO_LITTLE = [25, 113, 194], TOO_MUCH = [224, 49, 49]; // blue and red, told apart by colour-blind readers too

function showStrips(root, [shape, ink, rows]) {
  const { dark, paper } = themeColors(root, []);
  root.replaceChildren();
  for (const [name, remark, signed, packed] of rows) {
    const row = element("div", "row", root);
    element("span", "row-name", row).textContent = name;
    const canvas = element("canvas", "row-images", row);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name);
    element("span", "row-remark", row).textContent = remark;
    drawRow(canvas, shape, bytesOf(packed), signed ? rgbOf(paper) : null, { ink, dark });
  }
}

/** Images side by side; with `paper`, a byte of 0 to 255 stands for a difference of -1 to 1, and none is paper. */
function drawRow(canvas, shape, bytes, paper, polarity) {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const gap = Math.max(1, Math.round(width / 16));
  const count = bytes.length / size;
  canvas.width = count * (width + gap) - gap;
  canvas.height = height;
  canvas.style.aspectRatio = `${canvas.width} / ${height}`;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, height);
  for (let i = 0; i < count; i++) {
    const values = Float32Array.from(bytes.subarray(i * size, (i + 1) * size), (byte) => byte / 255);
    const left = i * (width + gap);
    if (paper) writeSigned(values, shape, paper, pixels.data, canvas.width, left);
    else writeImage(values, shape, polarity, pixels.data, canvas.width, left);
  }
  context.putImageData(pixels, 0, 0);
}

/** From paper to blue below one half, and to red above; a third of the range is full colour. */
function writeSigned(values, [channels, height, width], paper, rgba, stride, left) {
  const plane = height * width;
  for (let i = 0; i < plane; i++) {
    let difference = 0;
    for (let c = 0; c < channels; c++) difference += (2 * values[i + c * plane] - 1) / channels;
    const share = Math.min(1, 1.5 * Math.abs(difference));
    const colour = difference > 0 ? TOO_MUCH : TOO_LITTLE;
    const to = 4 * (Math.floor(i / width) * stride + left + (i % width));
    for (let c = 0; c < 3; c++) rgba[to + c] = paper[c] + share * (colour[c] - paper[c]);
    rgba[to + 3] = 255;
  }
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export default function ({ data, parentElement }) {
  showStrips(parentElement.querySelector(".strips-list"), data);
}
