// What the server has told of a run: plain data. Each answer brings what is new since the one before.

const ENDED = ["stopped", "failed", "done"];
const NOTHING_TOLD = { epochs: [], gaps: [], changes: [], images: 0, start: 0, frames: [], last: -1 };

/**
 * @typedef {object} Told
 * @property {{epoch: number, train: object, test: object, kl: number[]}[]} epochs  each finished epoch once, in order
 * @property {{epoch: number, images: number, logEvidence: number, elbo: number, gap: number, error: number}[]} gaps
 *   each epoch whose gap was measured, in order
 * @property {{epoch: number, batch: number, name: string, value: any}[]} changes  of settings, as they hold now
 * @property {number} images  that it trains on; 0 until it has said so
 * @property {number} start  the number of the event that told of its last start; a resumed run films some epochs again
 * @property {number[]} frames  the epochs that are in its film
 * @property {object} settings  those it began with, and the speed, which is no part of what the run is
 * @property {number} last  the number of the last event told
 * The rest (state, progress, isModel, marks, server) is as the server says it each time anew.
 */

/** @returns {Told}  all that is known once the server has `said` more */
function withNews(told, said) {
  return {
    ...said,
    epochs: withEpochs(told.epochs, said.epochs),
    gaps: withEpochs(told.gaps, said.gaps),
    changes: said.changes.reduce(withChange, told.changes),
    images: said.images ?? told.images,
    start: said.start ?? told.start,
  };
}

/** A resumed run tells some epochs again: the later telling counts. */
function withEpochs(before, news) {
  const byEpoch = new Map([...before, ...news].map((entry) => [entry.epoch, entry]));
  return [...byEpoch.values()].sort((one, other) => one.epoch - other.epoch);
}

/** A resumed run goes back too: a change does away with those of the same setting that lie ahead of it. */
function withChange(changes, change) {
  return [...changes.filter((each) => each.name !== change.name || isBefore(each, change)), change];
}

function isBefore(one, other) {
  return one.epoch < other.epoch || (one.epoch === other.epoch && one.batch < other.batch);
}

/** The value of a setting that may be changed on the way. */
function inForce({ changes, settings }, name) {
  return changes.filter((change) => change.name === name).at(-1)?.value ?? settings[name];
}

/** Whether it can be steered: it has not come to its end, nor was it asked to. */
function goesOn({ state }) {
  return !ENDED.includes(state.status) && state.status !== "stopping";
}

/** @returns {{from: number, to: number, trains: string}[]}  where only one part was trained, in epochs gone */
function oneSided({ changes, settings, state, images }) {
  const batches = Math.max(1, Math.ceil(images / settings.batch_size));
  const turns = [
    { from: 0, trains: settings.trains },
    ...changes.filter(({ name }) => name === "trains").map(({ epoch, batch, value }) => (
      { from: epoch - 1 + Math.min(1, batch / batches), trains: value }
    )),
  ];
  return turns
    .map((turn, k) => ({ ...turn, to: turns[k + 1]?.from ?? state.epoch }))
    .filter(({ from, to, trains }) => trains !== "both" && to > from);
}
