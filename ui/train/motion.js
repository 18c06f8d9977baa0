// A map on which the same images move from frame to frame.

const MOVE = 700; // milliseconds from one epoch's places to the next

/**
 * Moves codes from where they stand to where the next frame has them, an ease at both ends.
 *
 * @param {function(Float32Array)} onMove  draws the codes at a moment between
 */
function makeMotion(onMove) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let from = null;
  let to = null;
  let now = null;
  let began = 0;
  let request = 0;

  function step(time) {
    const share = calm.matches ? 1 : Math.min(1, Math.max(0, (time - began) / MOVE));
    const eased = share * share * (3 - 2 * share);
    for (let i = 0; i < now.length; i++) now[i] = from[i] + eased * (to[i] - from[i]);
    onMove(now);
    request = share < 1 ? requestAnimationFrame(step) : 0;
  }

  return {
    /** Goes there; a frame of another size is shown at once. */
    to(next) {
      if (!now || now.length !== next.length) {
        now = Float32Array.from(next);
        to = next;
        onMove(now);
        return;
      }
      from = Float32Array.from(now);
      to = next;
      began = performance.now();
      if (!request) request = requestAnimationFrame(step);
    },
    /** The codes as they stand at this moment. */
    now: () => now,
    stop() {
      cancelAnimationFrame(request);
      request = 0;
    },
  };
}
