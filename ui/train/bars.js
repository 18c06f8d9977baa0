// KL of each dimension as bars; below the threshold a dimension carries nothing.

const MOST_BARS = 32;
const CARRIES_NOTHING = 0.01; // nats

/** @param {HTMLElement} card  laid out already */
function showBars(card, { told, colors }) {
  card.hidden = told.settings.kind !== "vae";
  const container = card.querySelector(".bars");
  const values = told.epochs.at(-1)?.kl.slice(0, MOST_BARS) ?? [];
  const longest = Math.max(...values, 0.1);
  if (container.childElementCount !== values.length) container.replaceChildren(...values.map((_, j) => barRow(j)));
  values.forEach((value, j) => {
    const row = container.children[j];
    row.querySelector(".bar-length").style.width = `${(100 * value) / longest}%`;
    row.querySelector(".bar-length").style.background = value < CARRIES_NOTHING ? colors.ring : colors.kl;
    row.querySelector(".bar-value").textContent = value.toFixed(2);
  });
}

function barRow(j) {
  const row = element("div", "bar-row");
  const name = element("span", "z-name", row);
  name.append("z", Object.assign(document.createElement("sub"), { textContent: j + 1 }));
  element("i", "bar-length", element("span", "bar-track", row));
  element("span", "bar-value", row);
  return row;
}
