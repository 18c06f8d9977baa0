// A training as it happens, or as it was: asks the server once a second, hands on what it says, and follows the newest epoch.

const EVERY = 1000; // milliseconds between two questions
const SOON = 200; // while the first number is awaited, or the answer to a wish

/**
 * @param {HTMLElement} root  filled here
 * @param {string} address  where to ask after the run
 * @param {number} offeredImages  how many images' gap can be asked for
 */
function createLive(root, address, offeredImages) {
  root.innerHTML = LIVE_LAYOUT;
  root.removeAttribute("data-epoch");
  const find = (selector) => root.querySelector(selector);
  const film = makeFilm(`${address}/film`);
  const wrong = { server: "", film: "" };
  let told = NOTHING_TOLD;
  let others = []; // runs whose curves are laid over
  let beside = null; // where they are
  let shown = null; // the epoch on show
  let shownSince = null; // the start of the run that it was filmed after
  let isFollowing = true; // the newest epoch, as it comes
  let colors = null;
  let send = null;
  let timer = 0;
  let isOver = false;

  const transport = makeTransport(find(".transport"), wish);
  const frameView = makeFrameView(root);
  const charts = makeCharts(find(".chart-card"));
  const gapCard = makeGapCard(find(".gap-card"), offeredImages, wish);
  const scrubber = find(".scrubber");
  scrubber.addEventListener("input", () => {
    isFollowing = Number(scrubber.value) >= Number(scrubber.max);
    goTo(Number(scrubber.value));
  });
  find(".newest").addEventListener("click", () => {
    isFollowing = true;
    goTo(Number(scrubber.max));
  });

  function wish(asked) {
    send("wish", asked);
    schedule(SOON);
  }

  // --- what the server says ------------------------------------------------------------------------------------------

  function schedule(after) {
    clearTimeout(timer);
    if (!isOver) timer = setTimeout(ask, after);
  }

  async function ask() {
    let said;
    try {
      said = await fetchNews(address, told.last);
    } catch (error) {
      complain("server", error.message);
      schedule(3 * EVERY);
      return;
    }
    if (isOver) return;
    complain("server", "");
    // A server that was started anew knows nothing of this page, and would not hear its buttons.
    if (told.server && said.server !== told.server) location.reload();
    const before = told.state?.status;
    told = withNews(told, said);
    const { status } = told.state;
    schedule(patience());
    draw();
    root.dataset.status = status;
    if (before && before !== status) send("status", status);
  }

  function patience() {
    const { status } = told.state;
    if (document.hidden || ENDED.includes(status)) return 4 * EVERY; // one that has ended may be carried on
    return status === "running" && !told.progress ? SOON : EVERY;
  }

  async function overlay(list) {
    beside = list;
    const fetched = await Promise.all(list.map(async ([at, name]) => {
      const said = await fetchNews(at, NOTHING_TOLD.last).catch(() => null);
      return { name, epochs: said ? withNews(NOTHING_TOLD, said).epochs : [] };
    }));
    if (isOver || beside !== list) return;
    others = fetched;
    drawCharts();
  }

  function complain(about, text) {
    wrong[about] = text;
    const line = find(".failure");
    line.textContent = wrong.server || wrong.film;
    line.hidden = !line.textContent;
  }

  // --- what is shown of it -------------------------------------------------------------------------------------------

  function draw() {
    transport.show(told);
    find(".to-explorer").hidden = !told.isModel; // a run becomes one when it first ends or is stopped
    const newest = told.frames.at(-1);
    if (newest !== undefined) {
      scrubber.max = newest;
      scrubber.disabled = newest === 0;
      if (isFollowing) goTo(newest);
      else if (shown !== null && told.start !== shownSince) goTo(shown); // which may have been filmed again
    }
    drawCharts();
  }

  function drawCharts() {
    if (told === NOTHING_TOLD) return;
    const last = Math.max(told.state.epochs, ...others.map(({ epochs }) => epochs.at(-1)?.epoch ?? 0));
    const scene = { told, others, shown: shown ?? 0, last, cursor: shown || null, colors };
    charts.show(scene);
    gapCard.show(scene);
    showBars(find(".bars-card"), scene);
  }

  /** To an epoch, or the nearest one before it that the film has kept. */
  async function goTo(epoch) {
    const { start } = told;
    const at = told.frames.filter((each) => each <= epoch).at(-1) ?? told.frames[0];
    if (at === undefined || (at === shown && start === shownSince)) return;
    shown = at;
    shownSince = start;
    scrubber.value = at;
    find(".epoch").textContent = at === 0 ? "before training" : `after epoch ${at}`;
    let frame;
    try {
      frame = await film.frame(at, start);
    } catch (error) {
      if (isOver || at !== shown || start !== shownSince) return;
      complain("film", `Epoch ${at} could not be shown: ${error.message}`);
      shownSince = null; // so that it is tried again
      return;
    }
    if (isOver || at !== shown || start !== shownSince) return;
    complain("film", "");
    frameView.show(frame, told.settings.kind === "vae");
    drawCharts();
    find(".to-explorer").href = `/?model=${address.split("/").at(-1)}&epoch=${at}`;
    root.dataset.epoch = at;
  }

  return {
    address,
    /** Called at each rerun of the page; `list`: [address, name] of the runs to lay over. */
    show(classColors, list, sendTrigger) {
      send = sendTrigger;
      colors = themeColors(root, classColors);
      frameView.restyle(colors);
      drawCharts();
      overlay(list);
      schedule(told === NOTHING_TOLD ? 0 : SOON); // something may have been asked of it
    },
    stop() {
      isOver = true;
      clearTimeout(timer);
      frameView.stop();
      charts.stop();
      gapCard.stop();
    },
  };
}

/** What the server tells of a run after event number `last`. Throws a sentence for the reader when there is nothing to take. */
async function fetchNews(address, last) {
  let reply;
  let said;
  try {
    reply = await fetch(`${address}/live?after=${last}`);
    said = await reply.json();
  } catch {
    throw new Error("The server does not answer; it is asked again every few seconds. The run itself goes on without it.");
  }
  if (!reply.ok) throw new Error(said.error ?? `The server answers with status ${reply.status}.`);
  return said;
}

const lives = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".live");
  const [address, beside, classColors, offeredImages] = data; // as `live` in Python packs them
  if (lives.get(root)?.address !== address) {
    lives.get(root)?.stop();
    lives.set(root, createLive(root, address, offeredImages));
  }
  lives.get(root).show(classColors, beside, setTriggerValue);
  return () => {
    lives.get(root)?.stop();
    lives.delete(root);
  };
}
