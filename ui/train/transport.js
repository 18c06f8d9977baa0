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
const SAYINGS = {
  queued: "waiting for its turn", running: "training", paused: "paused", stopping: "stopping after this batch",
  stopped: "stopped; every whole epoch is kept", failed: "failed", done: "done",
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
  for (const field of bar.querySelectorAll(".steering [name]")) {
    field.addEventListener("change", () => {
      const value = Number(field.value);
      if (field.value === "" || !field.checkValidity() || !Number.isFinite(value)) {
        field.reportValidity();
        return;
      }
      field.dataset.mine = "1"; // what the run says no longer overwrites it
      send({ command: field.name, value });
    });
  }
  return {
    show({ state, progress, settings }) {
      const { status, reason, epoch, epochs } = state;
      bar.dataset.status = status;
      bar.querySelector(".status-chip").textContent = status;
      bar.querySelector(".status-text").textContent = sentence(state, progress);
      for (const button of commands.children) {
        button.hidden = !ASKED[status].includes(button.className);
        button.disabled = false;
      }
      const share = status === "done" ? 1 : (epoch + (progress ? progress.done / progress.images : 0)) / Math.max(1, epochs);
      const meter = bar.querySelector(".progress");
      meter.firstElementChild.style.width = `${100 * Math.min(1, share)}%`;
      meter.setAttribute("aria-valuenow", Math.round(100 * share));
      bar.querySelector(".steering").hidden = !["running", "paused", "queued"].includes(status);
      const isVae = settings.kind === "vae";
      bar.querySelector("[name=beta]").parentElement.hidden = !isVae;
      for (const name of ["beta", "learning_rate"]) {
        const field = bar.querySelector(`[name=${name}]`);
        if (!field.dataset.mine && field.getRootNode().activeElement !== field) field.value = settings[name];
      }
      return reason;
    },
  };
}

function sentence({ status, reason, epoch, epochs }, progress) {
  if (status === "running" && progress) {
    const left = progress.secondsLeft === null ? "" : `, ${duration(progress.secondsLeft)} left`;
    return `epoch ${Math.min(epoch + 1, epochs)} of ${epochs}: ${Math.round(progress.imagesPerSecond).toLocaleString("en")} images a second${left}`;
  }
  const said = reason ? `${SAYINGS[status]}: ${reason}` : SAYINGS[status];
  return `${said}. ${epoch} of ${epochs} epochs`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
