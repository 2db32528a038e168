// The state of a run that is followed, made of its events (graph/events.py says what they hold).

export const start = {
  status: "queued", preset: "", writer: "", judge: null, seats: {}, order: [], round: 0, analysis: null,
  followUps: [], sources: {}, draft: "", calls: [], notes: [], lost: [], ended: "", error: null, steered: "",
  roundsEnded: "",
};

export function reduce(state, event) {
  const change = HANDLERS[event.type];
  return change ? { ...state, ...change(state, event) } : state;
}

const seat = (state, name, changes) => {
  const before = state.seats[name] || { name, model: "", state: "waiting", tools: {}, toolCalls: 0, text: "", tokens: 0, cost: 0, known: true, answers: [], since: null, spent: 0 };
  return { seats: { ...state.seats, [name]: { ...before, ...changes(before) } } };
};
const now = () => performance.now() / 1000;
const stop = (before) => ({ spent: before.spent + (before.since === null ? 0 : now() - before.since), since: null });

// The seconds are the run's own: events that are read again come all at once.
const withAnswer = (before, answer) => {
  const answers = [...before.answers.filter((one) => one.round !== answer.round), answer];
  return { answers, spent: answers.reduce((sum, one) => sum + (one.seconds || 0), 0) };
};
const took = (state, name) => ({
  since: null, spent: state.calls.filter((one) => one.seat === name).reduce((sum, one) => sum + (one.seconds || 0), 0),
});

// Whoever was at work when the run ended is so no more.
const ended = (state, status, error = null) => ({
  status, ended: status, error,
  seats: Object.fromEntries(Object.entries(state.seats).map(([name, one]) => [
    name, one.since === null ? one : { ...one, state: "stopped", tools: {}, text: "", ...stop(one) },
  ])),
});

const HANDLERS = {
  // a run that goes on tells everything again from its start
  "run.started": (state, event) => {
    let next = { seats: {} };
    for (const one of event.seats) next = seat({ seats: next.seats }, one.seat, () => ({ model: one.model }));
    return { ...start, lost: state.lost, ...next, status: "running", preset: event.preset, judge: event.judge, writer: event.synthesizer,
      order: event.seats.map((one) => one.seat), notes: event.notes || [] };
  },
  "member.started": (state, event) => ({
    round: Math.max(state.round, event.round),
    ...seat(state, event.seat, () => ({ model: event.model, state: "working", note: event.questions.join(" "), text: "", since: now() })),
  }),
  "member.tool": (state, event) => seat(state, event.seat, (before) => ({
    state: "tool", tools: { ...before.tools, [event.call_id]: `${event.tool}: ${event.input}` }, toolCalls: before.toolCalls + 1,
  })),
  "member.tool_done": (state, event) => seat(state, event.seat, (before) => {
    const { [event.call_id]: gone, ...tools } = before.tools;
    return { tools, state: Object.keys(tools).length ? "tool" : "working" };
  }),
  "model.progress": (state, event) => seat(state, event.seat, () => ({ text: event.text || "" })),
  "model.retry": (state, event) => seat(state, event.seat, () => ({ state: "retrying", note: event.reason.replaceAll("_", " ") })),
  "model.wait": (state, event) => seat(state, event.seat, () => ({ state: "waiting", note: event.reason.replaceAll("_", " ") })),
  "model.switch": (state, event) => seat(state, event.seat, () => ({ model: event.next, note: `${event.model} gave way` })),
  "model.call": (state, event) => {
    const calls = [...state.calls, event];
    return { calls, ...seat(state, event.seat, (before) => ({
      tokens: before.tokens + (event.input_tokens || 0) + (event.output_tokens || 0),
      cost: before.cost + (event.cost_usd || 0), known: before.known && event.cost_usd !== null,
      state: before.state === "retrying" ? "working" : before.state,
    })) };
  },
  "member.reasoning": (state, event) => seat(state, event.seat, () => ({ thought: event.text })),
  "member.finished": (state, event) => seat(state, event.seat, (before) => ({
    state: { ok: "answered", partial: "partial", failed: "failed" }[event.answer.status], tools: {}, text: "",
    note: event.answer.error ? event.answer.error.reason.replaceAll("_", " ") : "",
    since: null, ...withAnswer(before, event.answer),
  })),
  "judge.started": (state, event) => seat(state, "judge", () => ({ model: event.model, state: "working", since: now() })),
  "judge.repair": (state) => seat(state, "judge", () => ({ state: "retrying", note: "its reply did not have the form that was asked for" })),
  "judge.finished": (state, event) => ({
    analysis: event.analysis || state.analysis,
    ...seat(state, "judge", () => ({ state: event.analysis ? "answered" : "failed", note: event.reason ? event.reason.replaceAll("_", " ") : "", text: "", ...took(state, "judge") })),
  }),
  "follow_ups": (state, event) => ({ round: event.round, followUps: [...state.followUps, ...event.follow_ups] }),
  "rounds.ended": (state, event) => ({ roundsEnded: event.reason.replaceAll("_", " ") }),
  "sources": (state, event) => ({ sources: Object.fromEntries(event.sources.map((one) => [one.id, one])) }),
  "writer.started": (state, event) => ({ draft: "", ...seat(state, "synthesizer", () => ({ model: event.model, state: "working", since: now() })) }),
  "writer.delta": (state, event) => ({ draft: state.draft + event.text }),
  "writer.finished": (state, event) => seat(state, "synthesizer", () => ({ state: event.reason ? "failed" : "answered", note: event.reason ? event.reason.replaceAll("_", " ") : "", ...took(state, "synthesizer") })),
  "run.steered": (state, event) => ({ steered: event.action.replaceAll("_", " ") }),
  "run.finished": (state) => ended(state, "finished"),
  "run.failed": (state, event) => ended(state, "failed", event.error?.message || "The run failed."),
  "run.cancelled": (state) => ended(state, "cancelled"),
  "run.interrupted": (state) => ended(state, "interrupted"),
  "gap": (state, event) => ({ lost: [...state.lost, event] }),
};
