// Unfinished Markdown as text: paragraphs, headings, lists, bold, code and citations. Everything is a
// text node; whole texts come from the server, rendered and sanitised there.
import { h } from "preact";

const SPAN = /(\*\*[^*\n]+\*\*|`[^`\n]+`|\[[A-H]\d{1,4}(?:,\s*[A-H]\d{1,4})*\])/;

export function Draft({ text, sources, main }) {
  const blocks = text.split(/\n{2,}/).filter((one) => one.trim());
  return <div class={main ? "prose answer" : "prose"}>{blocks.map((one) => <Block text={one} sources={sources} />)}</div>;
}

function Block({ text, sources }) {
  const heading = text.match(/^#{1,6}\s+(.*)$/);
  if (heading) return <h3>{spans(heading[1], sources)}</h3>;
  const lines = text.split("\n");
  if (lines.every((line) => /^\s*([-*+]|\d+[.)])\s/.test(line)))
    return <ul>{lines.map((line) => <li>{spans(line.replace(/^\s*([-*+]|\d+[.)])\s+/, ""), sources)}</li>)}</ul>;
  if (lines[0].includes("|")) return <pre>{text}</pre>;
  return <p>{spans(text, sources)}</p>;
}

function spans(text, sources) {
  return text.split(SPAN).map((part) => {
    if (part.startsWith("**") && part.endsWith("**") && part.length > 4) return <strong>{part.slice(2, -2)}</strong>;
    if (part.startsWith("`") && part.endsWith("`") && part.length > 2) return <code>{part.slice(1, -1)}</code>;
    if (/^\[[A-H]\d/.test(part)) return part.slice(1, -1).split(/,\s*/).map((id) => <Cite id={id} sources={sources} />);
    return part;
  });
}

export function Cite({ id, sources }) {
  const source = sources?.[id];
  return <span class="cite" title={source ? `${source.title || source.url}` : undefined}>{id}</span>;
}
