// A further question after a finished run: a new run that knows the conversation.
import { call } from "./api.js";
import { attachments } from "./attach.js";

export function askOn(form, after) {
  const says = form.querySelector("[data-says]");
  const attached = attachments(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const preset = data.get("preset");
    const body = {
      model: preset ? `fusion/${preset}` : "fusion",
      messages: [{ role: "user", content: attached.content(data.get("question") || "", { whole: true }) }],
      fusion: data.get("direct") ? { mode: "direct" } : {},
    };
    try {
      const run = await call("POST", `/v1/runs?after=${after}`, body);
      window.location.assign(`/runs/${run.id}`);
    } catch (error) {
      says.textContent = error.message;
    }
  });
}
