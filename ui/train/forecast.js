// What a run will take: its parameters at once, the rest once the server has measured it, for a reader who sees it.

const LINE = `<span class="counted"><b class="count"></b> parameters \u00b7 </span><span
  class="rest"><span class="aside">How long it will take is being measured.</span></span>`;
const SETTLED = 500; // milliseconds without another change of the form

function makeForecast(root) {
  let address = "";
  let config = null; // as text
  let asked = null; // the config that was last asked for
  let asking = new AbortController();
  let isSeen = false;
  let timer = 0;
  const eye = new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    settle();
  });
  eye.observe(root);

  function settle() {
    if (!isSeen || asked === config) return;
    asking.abort();
    clearTimeout(timer);
    timer = setTimeout(ask, SETTLED);
  }

  async function ask() {
    asked = config;
    asking = new AbortController();
    const { signal } = asking;
    let said;
    try {
      const reply = await fetch(`${address}?config=${encodeURIComponent(config)}`, { signal });
      said = await reply.json();
    } catch {
      if (signal.aborted) return;
      asked = null; // so that the next look asks anew
      said = { error: "the server does not answer" };
    }
    if (!signal.aborted) write(said);
  }

  function write({ error, parameters, memory, time, measured }) {
    const rest = root.querySelector(".rest");
    if (error) {
      rest.textContent = `What it will take cannot be said: ${error}.`;
      return;
    }
    count(parameters);
    rest.replaceChildren("up to ");
    element("b", "", rest).textContent = memory;
    rest.append(" of memory \u00b7 about ");
    element("b", "", rest).textContent = time;
    element("span", "aside", rest).textContent = measured;
  }

  function count(parameters) {
    root.querySelector(".count").textContent = parameters;
    root.querySelector(".counted").hidden = parameters === null;
  }

  return {
    /** At each rerun of the form; `parameters` is null where they are not known yet. */
    show([where, wanted, parameters]) {
      address = where;
      if (config !== wanted) {
        config = wanted;
        asked = null; // what was asked is of another
        asking.abort();
        root.innerHTML = LINE;
        count(parameters);
      }
      settle();
    },
    stop() {
      clearTimeout(timer);
      eye.disconnect();
      asking.abort();
    },
  };
}

const forecasts = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".forecast");
  themeColors(root, []);
  if (!forecasts.has(root)) forecasts.set(root, makeForecast(root));
  forecasts.get(root).show(data);
  return () => {
    forecasts.get(root)?.stop();
    forecasts.delete(root);
  };
}
