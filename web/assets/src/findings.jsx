// What the judge found, as it comes: the same parts as in the finished page.
import { Fragment, h } from "preact";
import { Cite } from "./text.jsx";

export function Findings({ analysis, followUps, sources }) {
  return (
    <section aria-labelledby="findings-title">
      <h2 id="findings-title">What the judge found</h2>
      <Part title="Where they disagree" of={analysis.contradictions}>{(one) => (
        <article class="finding">
          <h4>{one.topic} <Chip text={one.status} />{one.matters === "high" && <Chip text="matters" />}</h4>
          <div class="sides">{one.stances.map((side) => (
            <blockquote class={`side side-${side.seat}`}><Seat letter={side.seat} /> {side.stance} <Cites ids={side.sources} sources={sources} /></blockquote>
          ))}</div>
          {one.resolution && <p class="outcome"><b>{one.status}:</b> {one.resolution}</p>}
        </article>
      )}</Part>
      <Part title="What to doubt" of={analysis.suspect_claims} list>{(one) => (
        <li><Seats letters={one.seats} /> “{one.claim}” <Chip text={one.status} /><br /><span class="muted">{one.why}</span></li>
      )}</Part>
      <Part title="Gaps" of={analysis.blind_spots} list>{(one) => <li>{one.gap} {one.matters === "high" && <Chip text="matters" />}</li>}</Part>
      <Part title="Follow-up questions that were sent" of={followUps} list>{(one) => (
        <li><span class="muted">Round {one.round} to</span> <Seats letters={one.seats} /> {one.question}</li>
      )}</Part>
      <Part title="What they agree on" of={analysis.consensus} list>{(one) => (
        <li><Seats letters={one.seats} /> {one.claim} <Cites ids={one.sources} sources={sources} /></li>
      )}</Part>
      <Part title="What only one of them found" of={analysis.unique_insights} list>{(one) => (
        <li><Seat letter={one.seat} /> {one.insight} <Cites ids={one.sources} sources={sources} /></li>
      )}</Part>
    </section>
  );
}

function Part({ title, of, list, children }) {
  if (!of?.length) return null;
  const shown = of.map(children);
  return <Fragment><h3>{title}</h3>{list ? <ul class="findings">{shown}</ul> : shown}</Fragment>;
}

const Chip = ({ text }) => <span class={`chip chip-${text}`}>{text}</span>;
const Seat = ({ letter }) => <b class={`seat seat-${letter}`}>{letter}</b>;
const Seats = ({ letters }) => letters.map((letter) => <Seat letter={letter} />);
const Cites = ({ ids, sources }) => (ids || []).map((id) => <Cite id={id} sources={sources} />);
