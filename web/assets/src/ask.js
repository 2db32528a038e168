// The form that asks: its fields become the body of POST /v1/runs, and of the estimate before it.
import { call } from "./api.js";
import { attachments } from "./attach.js";

const LISTS = new Set(["panel", "exclude", "tools"]);
const NUMBERS = new Set(["max_rounds", "budget_usd", "deadline_s"]);
const WAIT_MS = 600;

function bodyOf(form, attached, whole) {
  const data = new FormData(form);
  const fusion = {};
  for (const name of new Set(data.keys())) {
    if (name === "question" || name === "preset") continue;
    const given = data.getAll(name).map((one) => one.trim()).filter(Boolean);
    if (!given.length) continue;
    if (LISTS.has(name)) fusion[name] = given.flatMap((one) => one.split(/[\s,]+/)).filter(Boolean);
    else fusion[name] = NUMBERS.has(name) ? Number(given[0]) : given[0];
  }
  if (form.elements.no_tools?.checked) fusion.tools = [];
  delete fusion.no_tools;
  const preset = data.get("preset");
  return {
    model: preset ? `fusion/${preset}` : "fusion",
    messages: [{ role: "user", content: attached.content(data.get("question") || "", { whole }) }],
    fusion,
  };
}

export function askForm(form) {
  const says = form.querySelector("[data-says]");
  const estimate = form.querySelector("[data-estimate]");
  const attached = attachments(form);
  let timer = 0;
  let latest = 0;

  async function tell() {
    const mine = ++latest;
    const asked = form.elements.question.value.trim();
    if (!asked && !attached.any) return void (estimate.textContent = "");
    try {
      const found = await call("POST", "/v1/estimate", bodyOf(form, attached, false));
      if (mine === latest) estimate.textContent = inWords(found);
      if (mine === latest) says.textContent = "";
    } catch (error) {
      if (mine === latest) [estimate.textContent, says.textContent] = ["", error.message];
    }
  }

  for (const name of ["input", "attached"]) {
    form.addEventListener(name, () => {
      clearTimeout(timer);
      timer = setTimeout(tell, WAIT_MS);
    });
  }
  form.elements.question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    says.textContent = "";
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      const run = await call("POST", "/v1/runs", bodyOf(form, attached, true));
      window.location.assign(`/runs/${run.id}`);
    } catch (error) {
      says.textContent = error.message;
      button.disabled = false;
    }
  });
}

function inWords(estimate) {
  const cost = estimate.total?.cost_usd;
  const tokens = estimate.total ? estimate.total.input_tokens.likely + estimate.total.output_tokens.likely : 0;
  const about = `about ${Math.round(tokens / 1000)}k tokens`;
  if (!cost) return `Cost unknown, ${about}.`;
  if (!cost.high) return `No cost, ${about}.`;
  return `Likely $${cost.likely.toFixed(2)} ($${cost.low.toFixed(2)} to $${cost.high.toFixed(2)}), ${about}.`;
}
