// Pointer, touch, wheel and keyboard on the latent map.

/**
 * Drag moves the point; hovering previews. Shift or the middle button pans, two fingers pan and pinch, Ctrl (or Cmd) and
 * the wheel zoom. Arrows move the point, plus and minus zoom, 0 fits.
 *
 * @param {{surface: HTMLElement, window: object, setWindow: function, zoom: function}} map
 * @param {function(): number} sizeOf  the map's side in CSS pixels
 * @param {object} listeners  see makeMap
 */
function addGestures(map, sizeOf, listeners) {
  const { surface } = map;
  const fingers = new Map();
  let gesture = null; // "drag", "pan" or "pinch"
  let start = null; // where the point stood before the drag

  const pixelOf = (event) => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const latentOf = (event) => toLatent(map.window, sizeOf(), ...pixelOf(event));

  surface.addEventListener("pointerdown", (event) => {
    surface.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, pixelOf(event));
    if (fingers.size === 2) {
      if (gesture === "drag") listeners.onMove(start); // the first finger meant no drag
      gesture = "pinch";
    } else if (event.shiftKey || event.button === 1) {
      gesture = "pan";
      event.preventDefault();
    } else if (event.button === 0) {
      gesture = "drag";
      start = map.place;
      listeners.onMove(latentOf(event));
    }
  });

  surface.addEventListener("pointermove", (event) => {
    if (gesture === "drag") {
      listeners.onMove(latentOf(event));
    } else if (gesture && fingers.has(event.pointerId)) {
      const before = gripOf(fingers);
      fingers.set(event.pointerId, pixelOf(event));
      moveWindow(before, gripOf(fingers));
    } else if (event.pointerType === "mouse") {
      listeners.onPreview(latentOf(event));
    }
  });

  const lift = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (gesture === "drag") listeners.onRelease();
    gesture = null;
  };
  surface.addEventListener("pointerup", lift);
  surface.addEventListener("pointercancel", lift);
  surface.addEventListener("pointerleave", () => listeners.onPreview(null));

  function moveWindow(before, after) {
    const scale = (2 * map.window.half) / sizeOf();
    const panned = {
      ...map.window,
      x: map.window.x - (after.x - before.x) * scale,
      y: map.window.y + (after.y - before.y) * scale,
    };
    const held = toLatent(panned, sizeOf(), after.x, after.y);
    map.setWindow(zoomed(panned, before.spread / after.spread, ...held));
  }

  surface.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
    event.preventDefault();
    map.zoom(Math.exp(event.deltaY * 0.002), latentOf(event));
  }, { passive: false });

  surface.addEventListener("keydown", (event) => {
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const direction = directions[event.key];
    if (direction) {
      const step = (map.window.half / 50) * (event.shiftKey ? 5 : 1);
      listeners.onStep(direction[0] * step, direction[1] * step);
    } else if (event.key === "+" || event.key === "=") {
      map.zoom(0.8);
    } else if (event.key === "-") {
      map.zoom(1.25);
    } else if (event.key === "0") {
      listeners.onFit();
    } else {
      return;
    }
    event.preventDefault();
  });
}

/** Where one or two fingers hold the map: their middle and, for two, how far apart they are. */
function gripOf(fingers) {
  const points = [...fingers.values()];
  const x = points.reduce((sum, point) => sum + point[0], 0) / points.length;
  const y = points.reduce((sum, point) => sum + point[1], 0) / points.length;
  const spread = points.length < 2 ? 1 : Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]) || 1;
  return { x, y, spread };
}
