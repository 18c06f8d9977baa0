// KL of each dimension as bars, the largest first to the eye by length; below the threshold a dimension carries nothing.

function showBars(container, values, colors) {
  const shown = values.slice(0, 32);
  const most = Math.max(...shown, 0.1);
  if (container.childElementCount !== shown.length) {
    container.replaceChildren();
    shown.forEach((_, j) => {
      const row = element("div", "bar-row", container);
      const name = element("span", "z-name", row);
      name.append("z", Object.assign(document.createElement("sub"), { textContent: j + 1 }));
      element("i", "bar-length", element("span", "bar-track", row));
      element("span", "bar-value", row);
    });
  }
  shown.forEach((value, j) => {
    const row = container.children[j];
    row.querySelector(".bar-length").style.width = `${(100 * value) / most}%`;
    row.querySelector(".bar-length").style.background = value < 0.01 ? colors.ring : "var(--kl)";
    row.querySelector(".bar-value").textContent = value.toFixed(2);
  });
}
