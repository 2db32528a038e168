// The page works without this script as far as reading goes; this brings it to life: a run that is
// followed and steered, and a question that is asked with its estimate.
import { askForm } from "./ask.js";
import { followRun } from "./live.jsx";
import { askOn } from "./on.js";

const form = document.querySelector("form[data-ask]");
if (form) askForm(form);
const live = document.querySelector("[data-run]");
if (live) followRun(live, live.dataset.run);
const on = document.querySelector("form[data-after]");
if (on) askOn(on, on.dataset.after);
for (const button of document.querySelectorAll("[data-delete]")) {
  button.addEventListener("click", async () => {
    if (!window.confirm("Delete this run with all its texts?")) return;
    const gone = await fetch(`/v1/runs/${button.dataset.delete}`, { method: "DELETE" });
    if (gone.ok) window.location.assign("/");
  });
}
