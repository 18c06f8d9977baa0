// The straight way from one place to another, decoded in steps, with what a classifier makes of each step.

const WAY_STEPS = 11;

/**
 * @param {HTMLElement} row  filled here once
 * @returns {{update: function(object, object), clear: function}}
 */
function makeWay(row) {
  row.innerHTML = `<span class="kind"></span><div class="way-pictures">
    <canvas class="strip-image" role="img"></canvas><canvas class="ribbon" role="img"></canvas></div>`;
  const [strip, ribbon] = row.querySelectorAll("canvas");

  const follow = newestOnly((finished, side, classifier, colors, from, to) => {
    const { model, background } = side.loaded;
    const points = new Float32Array(WAY_STEPS * from.length);
    for (let step = 0; step < WAY_STEPS; step++) {
      const share = step / (WAY_STEPS - 1);
      for (let j = 0; j < from.length; j++) points[step * from.length + j] = from[j] + share * (to[j] - from[j]);
    }
    background.run("way", points, WAY_STEPS, (first, images, count, done) => {
      drawStrip(strip, model, images, { ink: model.ink, dark: colors.dark });
      strip.images = images; // the numbers behind the picture
      strip.setAttribute("aria-label", `the way, ${side.name}`);
      if (!classifier) finished();
      else classifier.run(`way of ${side.name}`, images, count, (_, logits) => {
        const classes = logits.length / count;
        const shares = Array.from({ length: count }, (__, i) => softmax(logits.subarray(i * classes, (i + 1) * classes)));
        drawRibbon(ribbon, shares, colors);
        ribbon.setAttribute("aria-label", ribbonText(shares, model, side.name));
        finished();
      });
    });
  });

  return {
    update(side, classifier, colors) {
      row.querySelector(".kind").textContent = side.name;
      ribbon.hidden = !classifier;
      follow(side, classifier, colors, side.start.slice(), side.z.slice());
    },
  };
}

function drawStrip(canvas, model, images, polarity) {
  const [, height, width] = model.shape;
  if (canvas.width !== WAY_STEPS * width || canvas.height !== height) {
    canvas.width = WAY_STEPS * width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d", { alpha: false });
  const pixels = context.createImageData(canvas.width, height);
  const values = images.length / WAY_STEPS;
  for (let step = 0; step < WAY_STEPS; step++) {
    const image = images.subarray(step * values, (step + 1) * values);
    writeImage(image, model.shape, polarity, pixels.data, canvas.width, step * width);
  }
  context.putImageData(pixels, 0, 0);
}

/** One column a step, stacked by class; the classes keep their order, so that a band can be followed. */
function drawRibbon(canvas, shares, colors) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  const column = canvas.width / shares.length;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `650 ${12 * scale}px ${colors.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  shares.forEach((share, step) => {
    let top = 0;
    share.forEach((value, label) => {
      const tall = value * canvas.height;
      context.fillStyle = colors.classes[label % colors.classes.length];
      context.fillRect(step * column + scale, top, column - 2 * scale, tall);
      if (tall > 15 * scale) {
        context.fillStyle = readableOn(context.fillStyle);
        context.fillText(String(label), (step + 0.5) * column, top + tall / 2);
      }
      top += tall;
    });
  });
}

/** Black or white, whichever stands out from a #rrggbb colour. */
function readableOn(color) {
  return isDark(color) ? "#ffffff" : "#1b1f24";
}

/** In words: the likeliest class at each change along the way. */
function ribbonText(shares, model, name) {
  const likeliest = shares.map((share) => share.indexOf(Math.max(...share)));
  const runs = likeliest.filter((label, i) => i === 0 || label !== likeliest[i - 1]);
  return `classes along the way, ${name}: ${runs.map((label) => className(model, label)).join(", then ")}`;
}

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
