// Play, pause, one epoch, stop and keep: what can be asked of a run in each of its states.

const ASKED = {
  queued: ["stop"],
  running: ["pause", "stop"],
  paused: ["play", "step", "stop"],
  stopping: [],
  stopped: ["resume", "discard"],
  failed: ["resume", "discard"],
  done: ["discard"],
};
const COMMANDS = {
  play: "Play", pause: "Pause", step: "One epoch", stop: "Stop and keep", resume: "Resume", discard: "Discard",
};

/**
 * @param {HTMLElement} bar  filled here once
 * @param {function(Object)} send  hears {command, value}
 */
function makeTransport(bar, send) {
  bar.innerHTML = `
    <span class="status-chip"></span><span class="status-text"></span>
    <span class="push"></span>
    <span class="commands"></span>
    <div class="progress" role="progressbar" aria-label="progress" aria-valuemin="0" aria-valuemax="100"><i></i></div>
    <div class="steering">
      <label>beta <input class="number" name="beta" type="number" min="0" max="1000" step="any"></label>
      <label>learning rate <input class="number" name="learning_rate" type="number" min="1e-9" max="10" step="any"></label>
      <span class="trains" role="group" aria-label="train">train <button class="pill" data-trains="both">both</button><button
        class="pill" data-trains="encoder">encoder only</button><button class="pill" data-trains="decoder">decoder only</button></span>
      <label>speed <select name="speed"><option value="1">full</option><option value="0.5">half</option>
        <option value="0.1">slow</option></select></label>
      <span class="aside">changes are written into the run</span>
    </div>`;
  const commands = bar.querySelector(".commands");
  for (const [command, text] of Object.entries(COMMANDS)) {
    const button = element("button", command, commands);
    button.textContent = text;
    button.addEventListener("click", () => {
      button.disabled = true; // until the run has answered
      send({ command });
    });
  }
  const wishes = { beta: makeWish(), learning_rate: makeWish(), trains: makeWish(), speed: makeWish() };
  for (const field of bar.querySelectorAll(".steering [name]")) {
    field.addEventListener("change", () => {
      const value = Number(field.value);
      if (field.value === "" || !field.checkValidity() || !Number.isFinite(value)) {
        field.reportValidity();
        return;
      }
      wishes[field.name].make(value);
      send({ command: field.name, value });
    });
  }
  const parts = [...bar.querySelectorAll("[data-trains]")];
  const press = (trains) => parts.forEach((button) => button.setAttribute("aria-pressed", button.dataset.trains === trains));
  for (const button of parts) {
    button.addEventListener("click", () => {
      wishes.trains.make(button.dataset.trains);
      press(button.dataset.trains);
      send({ command: "trains", value: button.dataset.trains });
    });
  }
  return {
    /** @param {Told} told */
    show(told) {
      const { state, progress, settings } = told;
      bar.dataset.status = state.status;
      bar.querySelector(".status-chip").textContent = state.status;
      bar.querySelector(".status-text").textContent = sentence(state, progress);
      for (const button of commands.children) {
        button.hidden = !ASKED[state.status].includes(button.className);
        button.disabled = false;
      }
      const share = shareDone(state, progress);
      const meter = bar.querySelector(".progress");
      meter.firstElementChild.style.width = `${100 * share}%`;
      meter.setAttribute("aria-valuenow", Math.round(100 * share));
      bar.querySelector(".steering").hidden = !["running", "paused", "queued"].includes(state.status);
      bar.querySelector("[name=beta]").parentElement.hidden = settings.kind !== "vae";
      for (const name of ["beta", "learning_rate", "speed"]) {
        const field = bar.querySelector(`[name=${name}]`);
        const value = wishes[name].or(inForce(told, name));
        if (field.getRootNode().activeElement !== field) field.value = value; // not under the fingers
      }
      press(wishes.trains.or(inForce(told, "trains")));
      for (const button of parts) button.disabled = settings.kind === "pca";
    },
  };
}

function shareDone({ status, epoch, epochs }, progress) {
  if (status === "done") return 1;
  const begun = progress ? progress.done / progress.images : 0;
  return Math.min(1, (epoch + begun) / Math.max(1, epochs));
}

/** What is to be said of a run beside its status. */
function sentence({ status, reason, epoch, epochs }, progress) {
  if (status === "running" && progress) {
    const left = progress.secondsLeft === null ? "" : `, ${duration(progress.secondsLeft)} left`;
    return `epoch ${Math.min(epoch + 1, epochs)} of ${epochs}: ${Math.round(progress.imagesPerSecond).toLocaleString("en")} images a second${left}`;
  }
  const saying = {
    queued: "waiting for its turn",
    running: "about to begin",
    stopping: "after this batch it saves and stops",
    stopped: `${reason ?? "stopped"}${epoch > 0 ? "; every whole epoch is kept" : ""}`,
    failed: reason,
  }[status];
  return `${saying ? `${saying}. ` : ""}${epoch} of ${epochs} epochs`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
