// The table of runs: a box to choose each by, a link that shows it above, headings that sort. Rows are known by id.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const COLUMNS = [
  { name: "run", of: (run) => run.id, fill: fillName },
  { name: "state", of: (run) => run.state, fill: fillState },
  { name: "epochs", of: (run) => run.epoch, fill: fillEpochs },
  { name: "data", of: (run) => run.data },
  { name: "kind", of: (run) => run.kind },
  { name: "d", of: (run) => run.d, isNumber: true },
  { name: "beta", of: (run) => run.beta, isNumber: true },
  { name: "learning rate", of: (run) => run.learningRate, isNumber: true },
  { name: "test ELBO, nats", of: (run) => run.elbo, isNumber: true, text: (value) => value.toFixed(2).replace("-", "\u2212") },
  { name: "begun", of: (run) => run.begun, text: (value) => moment.format(new Date(value)) },
  { name: "note", of: (run) => run.note },
];

function makeRunsList(root) {
  root.innerHTML = `
    <section class="card" aria-label="Runs">
      <table><thead><tr><th class="box"><span class="spoken">chosen</span></th></tr></thead><tbody></tbody></table>
    </section>`;
  const body = root.querySelector("tbody");
  const headings = COLUMNS.map((column) => makeHeading(root.querySelector("thead tr"), column, () => sortBy(column)));
  const rows = new Map(); // by id
  const chosen = new Set();
  let runs = [];
  let order = { column: COLUMNS.find(({ name }) => name === "begun"), descending: true };
  let isNew = true;
  let setState = null;
  let setTrigger = null;

  function sortBy(column) {
    const descending = order.column === column ? !order.descending : Boolean(column.isNumber);
    order = { column, descending };
    arrange();
  }

  function arrange() {
    headings.forEach((heading, k) => {
      const sorts = COLUMNS[k] === order.column;
      if (sorts) heading.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    });
    const sorted = runs.toSorted((a, b) => compared(order.column.of(a), order.column.of(b), order.descending));
    sorted.forEach((run, k) => {
      const { row } = rows.get(run.id);
      if (body.children[k] !== row) body.insertBefore(row, body.children[k] ?? null); // one that stays keeps its focus
    });
  }

  function choose(id, is) {
    if (is) chosen.add(id);
    else chosen.delete(id);
    rows.get(id).mark(is);
    setState("chosen", [...chosen]);
  }

  return {
    /** At each rerun of the page. The choice is the reader's: `choice` counts when the table is new. */
    show([told, choice, watched], hearState, hearTrigger) {
      [setState, setTrigger] = [hearState, hearTrigger];
      runs = told;
      const ids = new Set(runs.map((run) => run.id));
      for (const [id, { row }] of rows) {
        if (ids.has(id)) continue;
        row.remove();
        rows.delete(id);
        chosen.delete(id);
      }
      for (const run of runs) {
        if (!rows.has(run.id)) rows.set(run.id, makeRow(run.id, choose, (id) => setTrigger("watch", id)));
        rows.get(run.id).fill(run, run.id === watched);
      }
      if (isNew) for (const id of choice) chosen.add(id);
      isNew = false;
      for (const [id, { mark }] of rows) mark(chosen.has(id));
      arrange();
    },
  };
}

function makeHeading(parent, { name, isNumber }, onPress) {
  const heading = element("th", isNumber ? "number-column" : "", parent);
  heading.scope = "col";
  const button = element("button", "", heading);
  button.textContent = name;
  button.addEventListener("click", onPress);
  return heading;
}

function makeRow(id, choose, watch) {
  const row = element("tr");
  const box = element("input", "", element("td", "box", row));
  box.type = "checkbox";
  box.setAttribute("aria-label", `choose ${id}`);
  box.addEventListener("change", () => choose(id, box.checked));
  const cells = COLUMNS.map(({ name, isNumber }) => {
    const cell = element("td", isNumber ? "number-column" : "", row);
    cell.dataset.of = name;
    return cell;
  });
  row.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link && isPlain(event)) {
      event.preventDefault(); // the page need not be loaded anew to show another run
      watch(id);
    } else if (!link && event.target !== box && !String(getSelection())) {
      choose(id, !box.checked);
    }
  });
  return {
    row,
    mark(is) {
      box.checked = is;
      row.classList.toggle("chosen", is);
    },
    fill(run, isWatched) {
      row.toggleAttribute("data-watched", isWatched);
      if (isWatched) row.querySelector("a")?.setAttribute("aria-current", "true");
      else row.querySelector("a")?.removeAttribute("aria-current");
      COLUMNS.forEach((column, k) => fillCell(cells[k], column, run));
    },
  };
}

/** A click that the browser would follow in the same tab. */
function isPlain(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

function fillCell(cell, { of, text, fill }, run) {
  const value = of(run);
  const isThere = value !== null && value !== undefined && value !== "";
  cell.classList.toggle("empty", !isThere);
  if (fill) fill(cell, run);
  else setText(cell, isThere ? (text ?? String)(value) : "");
}

function fillName(cell, run) {
  const link = cell.firstElementChild ?? element("a", "", cell);
  link.href = `/train?run=${encodeURIComponent(run.id)}`;
  setText(link, run.id);
}

function fillState(cell, run) {
  const chip = cell.firstElementChild ?? element("span", "status-chip", cell);
  cell.dataset.status = run.state;
  setText(chip, run.state);
}

function fillEpochs(cell, run) {
  const text = cell.firstElementChild ?? element("span", "", cell);
  const track = cell.children[1] ?? element("span", "track", cell);
  const length = track.firstElementChild ?? element("i", "", track);
  setText(text, `${run.epoch} of ${run.epochs}`);
  length.style.width = `${100 * Math.min(1, run.epoch / Math.max(1, run.epochs))}%`;
}

/** Written only when it is another: what the reader has marked stays marked. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** What is not there comes last, either way round. */
function compared(a, b, descending) {
  if (a == null || b == null) return (a == null) - (b == null);
  return (a < b ? -1 : a > b ? 1 : 0) * (descending ? -1 : 1);
}

const lists = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".runs");
  themeColors(root, []);
  if (!lists.has(root)) lists.set(root, makeRunsList(root));
  lists.get(root).show(data, setStateValue, setTriggerValue);
}
