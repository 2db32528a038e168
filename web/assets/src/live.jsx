// A run while it works: one column a member, what the judge finds, the answer as it is written.
import { Fragment, h, render } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { call } from "./api.js";
import { Findings } from "./findings.jsx";
import { reduce, start } from "./reduce.js";
import { Draft } from "./text.jsx";
import { Timeline } from "./timeline.jsx";

const ENDED = new Set(["failed", "cancelled", "interrupted"]);
const TYPES = [
  "run.started", "member.started", "member.tool", "member.tool_done", "model.call", "model.progress", "model.retry",
  "model.wait", "model.switch", "member.reasoning", "member.finished", "judge.started", "judge.repair",
  "judge.finished", "follow_ups", "rounds.ended", "sources", "writer.started", "writer.delta", "writer.finished",
  "run.steered", "run.finished", "run.failed", "run.cancelled", "run.interrupted", "gap",
];

const LAST_MS = 1500;
const AGAIN_MS = 1500;

// Follow the events after one number until the run has ended; returns how to stop. A browser connects
// again by itself after a cut, but gives up when the server answers with an error or with 204.
function follow(id, from, last, take, setConnected) {
  let [events, closing, again, stopped] = [null, 0, 0, false];
  const onEvent = (message) => {
    const event = JSON.parse(message.data);
    last.current = Number(message.lastEventId) || last.current;
    clearTimeout(closing);
    take(event);
    if (event.type === "run.finished") window.location.reload();
    // a run that was resumed has ended before: what follows an end comes at once
    if (/^run\.(failed|cancelled|interrupted)$/.test(event.type)) closing = setTimeout(() => events.close(), LAST_MS);
  };
  const connect = (after) => {
    events = new EventSource(`/v1/runs/${id}/events?after=${after}`);
    for (const type of TYPES) events.addEventListener(type, onEvent);
    events.onopen = () => setConnected(true);
    events.onerror = () => {
      setConnected(false);
      if (events.readyState === EventSource.CLOSED && !stopped) again = setTimeout(look, AGAIN_MS);
    };
  };
  const look = async () => {
    try {
      const run = await call("GET", `/v1/runs/${id}`);
      if (run.status === "finished") window.location.reload();
      else if (ENDED.has(run.status) && last.current >= run.last_event) take({ type: `run.${run.status}`, error: run.error });
      else connect(last.current);
    } catch {
      if (!stopped) again = setTimeout(look, AGAIN_MS);
    }
  };
  connect(from);
  return () => {
    stopped = true;
    clearTimeout(closing);
    clearTimeout(again);
    events.close();
  };
}

export function followRun(place, id) {
  place.replaceChildren();
  render(<Run id={id} />, place);
}

function Run({ id }) {
  const [state, take] = useReducer(reduce, start);
  const [connected, setConnected] = useState(true);
  const [from, setFrom] = useState(0);
  const last = useRef(0);
  useEffect(() => follow(id, from, last, take, setConnected), [id, from]);
  const working = !state.ended;
  return (
    <Fragment>
      <Status state={state} connected={connected || !working} />
      {working ? <Controls id={id} state={state} /> : <Ended id={id} state={state} again={() => setFrom(last.current)} />}
      {state.draft && <section aria-labelledby="answer-title"><h2 id="answer-title">Answer</h2><Draft text={state.draft} sources={state.sources} main /></section>}
      <section aria-labelledby="panel-title">
        <h2 id="panel-title">Panel</h2>
        <div class="cards">{state.order.map((name) => <Member key={name} seat={state.seats[name]} id={id} working={working} />)}</div>
        <Others state={state} />
      </section>
      {state.analysis && <Findings analysis={state.analysis} followUps={state.followUps} sources={state.sources} />}
      <Timeline calls={state.calls} />
    </Fragment>
  );
}

function Status({ state, connected }) {
  const cost = state.calls.reduce((sum, one) => sum + (one.cost_usd || 0), 0);
  const known = state.calls.every((one) => one.cost_usd !== null);
  const round = state.round ? `follow-up round ${state.round}` : "first answers";
  return (
    <div>
      <ul class="summary" aria-label="So far">
        <li><b>{state.status}</b>{state.status === "running" ? `, ${round}` : ""}</li>
        <li><b>{money(cost)}</b>{known ? "" : " known, the rest unknown"}</li>
        <li><b>{state.calls.length}</b> {state.calls.length === 1 ? "call" : "calls"}</li>
        {state.steered && <li>asked for: <b>{state.steered}</b></li>}
        {state.roundsEnded && <li>no further round: {state.roundsEnded}</li>}
      </ul>
      <p role="status" class={connected ? "muted" : "warning"}>{connected ? "" : "The connection is lost; trying again. A run does not need it to go on."}</p>
      {state.lost.map((gap) => <p class="note">Events {gap.after + 1} to {gap.next - 1} cannot be shown again.</p>)}
      {state.notes.map((note) => <p class="note">{note}</p>)}
    </div>
  );
}

function Controls({ id, state }) {
  const [says, setSays] = useState("");
  const [question, setQuestion] = useState("");
  const [budget, setBudget] = useState("");
  const steer = async (body) => {
    try {
      await call("POST", `/v1/runs/${id}/steer`, body);
      setSays("");
      return true;
    } catch (error) {
      setSays(error.message);
      return false;
    }
  };
  const ask = async (event) => {
    event.preventDefault();
    if (await steer({ action: "follow_up", question })) setQuestion("");
  };
  const raise = async (event) => {
    event.preventDefault();
    if (await steer({ action: "raise_budget", budget_usd: Number(budget) })) setBudget("");
  };
  const cancel = () => call("POST", `/v1/runs/${id}/cancel`).catch((error) => setSays(error.message));
  return (
    <section class="controls" aria-label="Steer this run">
      <button type="button" onClick={() => steer({ action: "answer_now" })}>Answer now</button>
      <button type="button" class="quiet" onClick={cancel}>Cancel</button>
      <details>
        <summary>More</summary>
        <form onSubmit={ask}>
          <label for="one-more">One more round on</label>
          <input id="one-more" name="question" value={question} onInput={(event) => setQuestion(event.target.value)} required maxlength="4000" />
          <button type="submit">Ask the panel</button>
        </form>
        <form onSubmit={raise}>
          <label for="raise">Raise the spend cap to (US dollars)</label>
          <input id="raise" type="number" min="0.01" step="0.01" value={budget} onInput={(event) => setBudget(event.target.value)} required />
          <button type="submit">Raise</button>
        </form>
      </details>
      {says && <p class="warning" role="alert">{says}</p>}
    </section>
  );
}

function Ended({ id, state, again }) {
  const [says, setSays] = useState("");
  if (state.ended === "finished") return null;
  const resume = async () => {
    try {
      await call("POST", `/v1/runs/${id}/resume`);
      again();
    } catch (error) {
      setSays(error.message);
    }
  };
  return (
    <section class="controls" aria-label="This run has ended">
      <p class="warning" role="alert">{state.error || `The run was ${state.ended}. What it has paid for is kept.`}</p>
      <button type="button" onClick={resume}>Go on</button>
      {says && <p class="warning" role="alert">{says}</p>}
    </section>
  );
}

function Member({ seat, id, working }) {
  const busy = working && !["answered", "failed", "partial"].includes(seat.state);
  const stop = () => call("POST", `/v1/runs/${id}/steer`, { action: "stop_member", seat: seat.name }).catch(() => {});
  return (
    <article class={`card card-${seat.name}`} aria-label={`Seat ${seat.name}`}>
      <h3><b class={`seat seat-${seat.name}`}>{seat.name}</b> {seat.model} <span class={`chip chip-${seat.state}`}>{seat.state}</span></h3>
      <p class="facts"><Clock seat={seat} /> · {tokens(seat.tokens)} tokens · {money(seat.cost)}{seat.known ? "" : "?"} · {seat.toolCalls} tool calls</p>
      {seat.note && <p class="muted">{seat.note}</p>}
      {Object.values(seat.tools).map((tool) => <p class="tool">{tool}</p>)}
      {seat.text && <p class="tail muted">… {seat.text}</p>}
      {seat.thought && <details><summary>Thinking</summary><p class="tail">{seat.thought}</p></details>}
      {seat.answers.filter((one) => one.text).map((one) => (
        <details key={one.round}><summary>{one.round ? `Follow-up answer, round ${one.round}` : "First answer"}</summary><Draft text={one.text} /></details>
      ))}
      {busy && <button type="button" class="quiet" onClick={stop}>Stop {seat.name}</button>}
    </article>
  );
}

function Others({ state }) {
  const rows = [["judge", "Judge"], ["synthesizer", "Writer"]].filter(([name]) => state.seats[name]);
  return rows.map(([name, title]) => {
    const seat = state.seats[name];
    return <p key={name} class="facts"><b>{title}</b> {seat.model} <span class={`chip chip-${seat.state}`}>{seat.state}</span> <Clock seat={seat} /> · {tokens(seat.tokens)} tokens · {money(seat.cost)} {seat.note}</p>;
  });
}

function Clock({ seat }) {
  const [, tick] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    if (seat.since === null) return undefined;
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [seat.since]);
  const running = seat.since === null ? 0 : performance.now() / 1000 - seat.since;
  return <span>{Math.round(seat.spent + running)} s</span>;
}

export function money(dollars) {
  if (!dollars) return "$0";
  return dollars < 1 ? `$${dollars.toFixed(4)}` : `$${dollars.toFixed(2)}`;
}

export function tokens(count) {
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(1)}k`;
}
