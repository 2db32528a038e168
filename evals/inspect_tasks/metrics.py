"""Metrics of Inspect that are our own statistics: the same figures whichever way was taken."""

from collections.abc import Mapping, Sequence

from inspect_ai.scorer import Metric, SampleScore, Value, metric

from langgraph_fusion.evals.statistics.estimates import MeanEstimate, estimate_mean

SCORE, ZEROS, COVERAGE = "score", "score_with_zeros", "coverage"


@metric
def fusion_mean() -> Metric:
    """Mean over samples, with t and bootstrap intervals; of several epochs their mean first."""

    def calculate(scores: list[SampleScore]) -> Value:
        return {
            **_figures(SCORE, estimate_mean(_by_sample(scores, SCORE))),
            **_figures(ZEROS, estimate_mean(_by_sample(scores, ZEROS))),
            COVERAGE: _share(scores),
        }

    return calculate


def _by_sample(scores: Sequence[SampleScore], name: str) -> list[float]:
    found: dict[str | int | None, list[float]] = {}
    for one in scores:
        value = _metadata(one).get(name)
        if isinstance(value, int | float):
            found.setdefault(one.sample_id, []).append(float(value))
    return [sum(values) / len(values) for values in found.values()]


def _share(scores: Sequence[SampleScore]) -> float:
    """Verdicts obtained over verdicts due."""
    due = sum(int(_metadata(one).get("due", 0)) for one in scores)
    obtained = sum(int(_metadata(one).get("obtained", 0)) for one in scores)
    return obtained / due if due else 1.0


def _metadata(score: SampleScore) -> Mapping[str, int | float]:
    return score.score.metadata or {}


def _figures(name: str, found: MeanEstimate) -> dict[str, str | int | float | bool | None]:
    return {
        name: found.mean,
        f"{name}_n": found.n,
        f"{name}_se": found.se,
        f"{name}_t_low": found.t.low if found.t else None,
        f"{name}_t_high": found.t.high if found.t else None,
        f"{name}_bootstrap_low": found.bootstrap.low if found.bootstrap else None,
        f"{name}_bootstrap_high": found.bootstrap.high if found.bootstrap else None,
    }
