"""`fusion eval run`: arms over a data set, or what others recorded of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.commands.eval import check_extra

if TYPE_CHECKING:
    from langgraph_fusion.evals.datasets.dataset import DataSet
    from langgraph_fusion.evals.evaluate import Plan

command = typer.Typer(rich_markup_mode=None)

Data = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The set's file, instead of downloading it."),
]
Protocol = Annotated[
    Literal["paper", "openrouter", "cheap", "drb2"] | None,
    typer.Option(help="How a judge grades; by default the set's own.", show_default=False),
]
Grader = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Model that grades, instead of the protocol's."),
]
Passes = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=20, help="How often each answer is graded."),
]
Save = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the result here.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it costs something.")]
AtOnce = Annotated[
    int, typer.Option("--at-once", metavar="N", min=1, max=64, help="Tasks side by side.")
]
ByHand = Annotated[
    bool,
    typer.Option("--by-hand", help="People answer at the seats: wait for them, and say so."),
]
UnknownCost = Annotated[
    Literal["refuse", "worst_case", "ignore"],
    typer.Option(help="With --budget, what a model without a listed price counts."),
]


@command.command(
    epilog=options.examples(
        "fusion eval run draco -p budget --limit 20 --protocol cheap --budget 30",
        "fusion eval run draco --arms openrouter --budget 2500",
        "fusion eval run mine.jsonl --panel a/one,b/two --ablate all",
        "fusion eval run draco --arms arms.toml --prompts variants/terse",
        "fusion eval run draco --data test.jsonl --replay verdicts.jsonl --replay reports.jsonl",
    )
)
def run(
    set_name: Annotated[
        str,
        typer.Argument(metavar="SET", help="draco, drb2, ramdocs, or a JSONL file of your own."),
    ],
    data: Data = None,
    arms: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A TOML file of arms, or `openrouter`: its table."),
    ] = None,
    replay: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Recorded reports or verdicts as arms; repeatable."),
    ] = None,
    preset: options.Preset = None,
    panel: options.Panel = None,
    judge: options.Judge = None,
    writer: options.Writer = None,
    rounds: options.Rounds = None,
    tools: options.Tools = None,
    set_: options.Assignments = None,
    ablate: Annotated[
        list[str] | None,
        typer.Option(metavar="KINDS", help="`all`, or a list: no_judge, placebo, …"),
    ] = None,
    other_writer: Annotated[
        list[str] | None,
        typer.Option("--other-writer", metavar="MODEL", help="The panel with this writer."),
    ] = None,
    prompts: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="The panel with the prompts of this folder; repeatable."),
    ] = None,
    protocol: Protocol = None,
    grader: Grader = None,
    passes: Passes = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only so many tasks, spread over the domains."),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this task; repeatable.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(metavar="USD", min=0, help="Spend at most this now; the rest another time."),
    ] = None,
    unknown_cost: UnknownCost = "refuse",
    at_once: AtOnce = 4,
    by_hand: ByHand = False,
    out: Save = None,
    yes: Yes = False,
    as_json: options.FullJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Run every arm on every task, grade every answer, and store the result.

    Members are run once a task and shared by all arms. Everything paid is kept: the same command
    goes on where it was stopped, by whatever. An estimate comes first, and nothing is spent before
    you say yes. Exit codes are those of `fusion ask`.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, quiet=quiet, verbose=verbose):
        check_extra()
        from langgraph_fusion.cli.commands.eval.work import Output, replay_recorded, run_plan
        from langgraph_fusion.cli.input import given_settings
        from langgraph_fusion.evals.datasets.load import load_dataset
        from langgraph_fusion.evals.limits import Limits

        chosen = load_dataset(set_name, data).chosen(task or (), limit)
        output = Output(out, as_json, quiet, verbose, yes)
        limits = Limits(budget, unknown_cost, tasks=at_once, by_hand=by_hand)
        how = _Grading(protocol, grader, passes)
        if replay:
            raise typer.Exit(replay_recorded(chosen, replay, how.chosen(chosen), limits, output))
        given = given_settings(
            {"preset": preset, "judge": judge, "synthesizer": writer, "max_rounds": rounds},
            panel=panel,
            tools=tools,
            assignments=set_,
        )
        variants = _Variants(arms, ablate or [], other_writer or [], prompts or [])
        code = run_plan(variants.plan(chosen, given, how, limits), output)
    raise typer.Exit(code)


class _Grading:
    """What the user said about grading."""

    def __init__(self, protocol: str | None, grader: str | None, passes: int | None) -> None:
        self.protocol, self.grader, self.passes = protocol, grader, passes

    def chosen(self, data: "DataSet") -> Any:
        """The protocol and the judge's model; None and None where answers are expected."""
        from langgraph_fusion.evals.protocols.published import DEFAULT_OF, protocol_named

        if not data.graded_by_rubric:
            return None, None
        name = self.protocol or DEFAULT_OF.get(data.name, "cheap")
        return protocol_named(name).with_passes(self.passes), self.grader


class _Variants:
    """What the user said about arms."""

    def __init__(
        self, arms: str | None, ablate: list[str], writers: list[str], prompts: list[Path]
    ) -> None:
        self.arms, self.ablate, self.writers, self.prompts = arms, ablate, writers, prompts

    def plan(self, data: "DataSet", given: dict[str, Any], how: _Grading, limits: Any) -> "Plan":
        from langgraph_fusion.evals.arms.from_settings import all_patient
        from langgraph_fusion.evals.evaluate import Plan

        members, arms = self._file(given) if self.arms else self._configuration(given)
        if limits.by_hand:
            members, arms = all_patient(members, arms)
        protocol, judge = how.chosen(data)
        return Plan(data, members, arms, protocol, judge, limits)

    def _file(self, given: dict[str, Any]) -> Any:
        from langgraph_fusion.evals.arms.from_file import read_arms, shipped_arms
        from langgraph_fusion.graph.errors import ConfigError

        if given or self.ablate or self.writers or self.prompts:
            raise ConfigError("with --arms everything about the arms stands in its file")
        assert self.arms is not None
        return read_arms(shipped_arms(self.arms) or Path(self.arms).expanduser())

    def _configuration(self, given: dict[str, Any]) -> Any:
        from langgraph_fusion.cli.input import split_list
        from langgraph_fusion.evals.arms.from_settings import arms_of, chosen_ablations
        from langgraph_fusion.graph.settings import load_settings

        settings = load_settings(given)
        return arms_of(
            settings,
            ablate=chosen_ablations(split_list(self.ablate), settings),
            writers=split_list(self.writers),
            prompts=self.prompts,
        )
