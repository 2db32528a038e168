// Who waited for whom: a bar for each model call, as far as the run has come.
import { h } from "preact";

const [WIDTH, ROW, LEFT] = [960, 26, 96];
const NAMES = { judge: "judge", synthesizer: "writer" };

export function Timeline({ calls }) {
  const timed = calls.filter((one) => one.began_s !== null && one.began_s !== undefined && !one.carried);
  if (!timed.length) return null;
  const end = Math.max(...timed.map((one) => one.began_s + one.seconds), 0.1);
  const scale = (WIDTH - LEFT - 8) / end;
  const rank = (seat) => (seat.length === 1 ? seat : seat === "judge" ? "y" : "z");
  const seats = [...new Set(timed.map((one) => one.seat))].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const height = ROW * seats.length + 10;
  return (
    <section aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Timeline of model calls">
        <svg class="timeline" role="img" aria-label="Model calls by seat over time" viewBox={`0 0 ${WIDTH} ${height}`} width={WIDTH} height={height}>
          {seats.map((seat, row) => <text class="row" x="0" y={row * ROW + 20}>{NAMES[seat] || `seat ${seat}`}</text>)}
          {timed.map((one) => (
            <rect class={`bar bar-${one.error ? "failed" : one.stage}`} x={LEFT + one.began_s * scale} y={seats.indexOf(one.seat) * ROW + 6} width={Math.max(2, one.seconds * scale)} height="18" rx="3">
              <title>{`${one.model}: ${one.seconds.toFixed(1)} s`}</title>
            </rect>
          ))}
        </svg>
      </div>
    </section>
  );
}
