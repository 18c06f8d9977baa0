// The three curves of a run with those of others beside them, their newest figures, and what was changed on the way.

const CURVE_COLORS = { elbo: "ink", reconstruction: "reconstruction", kl: "kl" };
const CHANGED_PARTS = { both: "both parts", encoder: "encoder only", decoder: "decoder only" };

/** @param {HTMLElement} card  laid out already */
function makeCharts(card) {
  const charts = [...card.querySelectorAll(".chart")].map((box) => {
    const canvas = box.querySelector("canvas");
    return { box, name: canvas.dataset.of, figure: box.querySelector("[data-figure]"), curves: makeCurves(canvas) };
  });
  return {
    /**
     * `others`: [{name, epochs}], runs to compare with; `last` and `cursor` as for every plot.
     *
     * @param {{told: Told, others: object[], last: number, cursor: number|null, colors: object}} scene
     */
    show({ told, others, last, cursor, colors }) {
      const newest = told.epochs.at(-1);
      for (const { box, name, figure, curves } of charts) {
        box.hidden = told.settings.kind !== "vae" && name !== "reconstruction";
        const values = (epochs, side) => epochs.map((entry) => [entry.epoch, entry[side][name]]);
        const overlays = others.map(({ epochs }, k) => ({
          values: values(epochs, "test"), color: overlayColor(k, colors), dash: [], width: 1.5,
        }));
        curves.show({
          series: [
            ...overlays,
            { values: values(told.epochs, "train"), color: colors.muted, dash: [4, 3], width: 1.5 },
            { values: values(told.epochs, "test"), color: colors[CURVE_COLORS[name]], dash: [], width: 2.5 },
          ],
          marks: name === "elbo" ? told.marks : [],
          last, cursor, colors,
        });
        if (newest) figure.textContent = `${signed(newest.test[name], 2)} nats`;
      }
      card.querySelector(".changes").textContent = asSentence(told.changes.map(changeText).join("; "));
      nameOverlays(card.querySelector(".overlays"), others, colors);
    },
    stop() {
      for (const { curves } of charts) curves.stop();
    },
  };
}

function overlayColor(k, { classes }) {
  return classes[(k + 2) % classes.length];
}

function nameOverlays(line, others, colors) {
  line.replaceChildren(others.length ? "Beside: " : "");
  others.forEach(({ name }, k) => {
    element("i", "chip", line).style.background = overlayColor(k, colors);
    line.append(` ${name}${k < others.length - 1 ? ", " : "."}`);
  });
}

function asSentence(text) {
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}

function changeText({ epoch, name, value }) {
  const from = `from epoch ${epoch}`;
  if (name === "trains") return `${from}: ${CHANGED_PARTS[value]}`;
  if (name === "exact_gap_images") return `${from}: ${value ? `the gap of ${value} images` : "no gap measured"}`;
  return `${from}: ${name.replace("_", " ")} ${value}`;
}
