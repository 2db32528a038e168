"""What an evaluation reads, writes down and stores: plain frozen data, JSON-able, no framework.

A `StoredResult` is what `fusion eval run` leaves: statistics, reports and comparisons need nothing
else. It names criteria by their ids and holds no criterion's text, but ids, weights and
justifications are rubric data all the same: a stored result is not to be published with a data set
whose rubrics are secret.

Scores and pass rates go from 0 to 100. Money is in US dollars, time in seconds. `None` is unknown,
never 0. Unknown fields of later versions are refused, so that nothing is lost silently.
"""

import hashlib
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""Of `StoredResult`; raised when a field changes its meaning or goes away."""


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Criterion(Record):
    """One line of a rubric."""

    id: str
    """Unique inside its task; tasks may share one, so the key is (task id, criterion id)."""
    section: str = ""
    """The axis it belongs to."""
    weight: float
    """What it earns when met; negative: a fault, which costs when it is present."""
    requirement: str
    """What a judge checks. Never sent to a member, a panel's judge or a writer."""


class Document(Record):
    """A text that belongs to a question, as in RAMDocs."""

    title: str
    text: str


class Task(Record):
    """A question, and how an answer to it is graded: by a rubric, or by expected answers."""

    id: str
    question: str
    domain: str = ""
    criteria: tuple[Criterion, ...] = ()
    expected: tuple[str, ...] = ()
    """Right answers, all of which are to be named."""
    wrong: tuple[str, ...] = ()
    """Answers known to be wrong, none of which may be named."""
    documents: tuple[Document, ...] = ()
    """Given to the members as a folder of documents."""
    exclude: tuple[str, ...] = ()
    """Addresses that would give this task's rubric away; added to the set's own list."""


class StageUse(Record):
    """What the model calls of one stage took: `panel`, `judge`, `follow_up`, `synthesizer`."""

    stage: str
    calls: int
    failed_calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    """None as soon as one call's cost is unknown."""
    seconds: float | None = None
    """Model time of all its calls together, not wall time: members work side by side."""


class SourceRef(Record):
    """A source that a member was shown and that the answer may cite."""

    id: str
    url: str
    title: str = ""
    number: int | None = None
    """Its number in the answer's source list; None if it is not cited."""
    seat: str = ""


Finish = Literal["stop", "length", "failed"]
"""length: the text was cut off at the output limit; failed: there is no answer, see `error`."""


class Answer(Record):
    """What an arm answered to one task, and what that took."""

    text: str
    text_recorded: bool = True
    """False: others' verdicts on it are known and its text is not."""
    finish: Finish = "stop"
    refused: bool = False
    """The model declined: a text without substance and without tool use, or a refusal reason."""
    error: str | None = None
    """Why there is no answer, when it failed."""
    model: str | None = None
    """Who wrote it, as the provider names it; `seat A` for a member's own answer."""
    sources: tuple[SourceRef, ...] = ()
    cost_usd: float | None = None
    """Of the whole arm for this task, shared member runs included; None is unknown."""
    seconds: float | None = None
    """Wall time as if nothing had been shared: slowest member, then judge, follow-ups, writer."""
    stages: tuple[StageUse, ...] = ()
    tool_calls: int | None = None
    claim_retention: float | None = None
    """Share of the judge's sourced claims one of whose sources the answer cites, 0 to 1."""
    citation_retention: float | None = None
    """Share of the sources cited by members that the answer cites, 0 to 1."""
    degraded: tuple[str, ...] = ()
    """Codes of what went worse than asked, as in a run's result."""
    trace: str | None = None
    """Key of the `Trace` in the store; None for recorded answers that have none."""

    @property
    def sha256(self) -> str:
        """Of the text: what verdicts are kept under."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def usable(self) -> bool:
        """Whether there is something to grade."""
        there = bool(self.text.strip()) or not self.text_recorded
        return self.finish != "failed" and not self.refused and there


class Trace(Record):
    """Everything between the question and the answer, for the loss analysis.

    The parts are as in `graph.records`, `graph.analysis` and `tools.sources`, in JSON.
    """

    answers: tuple[dict[str, Any], ...]
    """`MemberAnswer`s of all rounds, whole."""
    analysis: dict[str, Any] | None = None
    """The judge's last `Analysis`."""
    follow_ups: tuple[dict[str, Any], ...] = ()
    sources: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """`Source`s by id, with their texts."""
    judge_prompt: str | None = None
    """The text of the judge's first request, which shows what of the evidence fitted."""
    writer_prompt: str | None = None
    """The text of the writer's request."""
    dropped: tuple[dict[str, Any], ...] = ()
    """`Dropped`: what was kept from the members."""
    draft: str = ""
    """The writer's text before citations were resolved."""


class Verdict(Record):
    """One judge's word on one criterion, in one pass."""

    criterion: str
    """Id of the criterion."""
    judge_pass: int = 0
    """Number of the pass, from 0."""
    met: bool | None
    """MET or not; None is a lost verdict, which is neither."""
    reason: str = ""
    """The judge's justification, which restates the criterion: rubric data."""
    error: str | None = None
    """Why it was lost."""


class SectionScore(Record):
    """The score inside one axis."""

    score: float
    pass_rate: float
    criteria: int


class TaskScore(Record):
    """The score of one answer, as the mean over the judge's passes."""

    score: float
    """Normalized, 0 to 100: weights of what is met over the positive weights, clamped."""
    pass_rate: float
    """Share of criteria with the wanted verdict, 0 to 100."""
    raw: float
    """Sum of the weights of what is met, mean over passes."""
    positive: float
    """Sum of the positive weights."""
    passes: tuple[float, ...]
    """`score` of each pass."""
    sections: dict[str, SectionScore] = Field(default_factory=dict)


class Mark(Record):
    """A sign that a rubric, or the knowledge of being tested, reached an answer. Never scored."""

    rule: str
    """Which rule fired: `exclude`, `marker`, `awareness`, `content` …"""
    where: str
    """`answer`, `analysis`, `member A`, `tool` …"""
    url: str | None = None
    count: int = 1
    dropped: bool = False
    """Whether the text was kept from the member."""


class Outcome(Record):
    """One arm on one task."""

    task: str
    domain: str = ""
    answer: Answer
    verdicts: tuple[Verdict, ...] = ()
    due: int = 0
    """Verdicts that the protocol asks for: criteria times passes; 0 for an unusable answer."""
    score: TaskScore | None = None
    """None while it is unscored: verdicts are missing, or the answer is unusable."""
    marks: tuple[Mark, ...] = ()
    judge_usd: float | None = None
    """What its verdicts cost when they were bought; None is unknown."""

    @property
    def obtained(self) -> int:
        """Verdicts that were not lost."""
        return sum(one.met is not None for one in self.verdicts)


ArmKind = Literal[
    "solo", "oracle", "self_fusion", "panel", "no_judge", "judge_picks", "concat", "no_follow_ups",
    "placebo", "writer_swap", "prompts", "equal_spend", "judge_solo", "recorded",
]  # fmt: skip


class ArmResult(Record):
    """All outcomes of one arm, in the order of the data set."""

    name: str
    """Unique inside a result."""
    kind: ArmKind
    members: tuple[str, ...] = ()
    """Names of the solo arms whose stored runs it is made of; of a solo arm its own name."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """`FusionSettings` as JSON; empty for recorded answers."""
    prompts: str | None = None
    """sha256 of the prompts it ran with; None for recorded answers."""
    outcomes: tuple[Outcome, ...]

    def outcome(self, task: str) -> Outcome | None:
        return next((one for one in self.outcomes if one.task == task), None)

    @property
    def scores(self) -> dict[str, float]:
        """Score by task, of what is scored: complete cases."""
        return {one.task: one.score.score for one in self.outcomes if one.score is not None}

    @property
    def scores_with_zeros(self) -> dict[str, float]:
        """The same with refused and failed answers as 0; a task whose verdicts were lost stays out.

        An answer that is usable and unscored lost verdicts: that says nothing about the arm.
        """
        unusable = {one.task: 0.0 for one in self.outcomes if not one.answer.usable}
        return unusable | self.scores

    @property
    def coverage(self) -> float:
        """Verdicts obtained over verdicts due, 0 to 1; 1 when none were due."""
        due = sum(one.due for one in self.outcomes)
        return sum(one.obtained for one in self.outcomes) / due if due else 1.0

    @property
    def refused(self) -> int:
        return sum(one.answer.refused for one in self.outcomes)

    @property
    def failed(self) -> int:
        """Answers that there are not, for another reason than a refusal."""
        return sum(not one.answer.usable and not one.answer.refused for one in self.outcomes)


class DataSetRef(Record):
    """Which tasks these are, exactly."""

    name: str
    revision: str | None = None
    """None for a file of one's own."""
    sha256: str
    """Of the file that was read."""
    tasks: int
    """In the whole set."""
    chosen: tuple[str, ...]
    """Ids of the tasks that were run, in order."""


class ProtocolRef(Record):
    """How answers were graded, exactly."""

    id: str
    """`paper`, `openrouter`, `cheap`, `drb2`, `expected`, or `recorded` for verdicts of others."""
    sha256: str
    """Of everything a judge is sent and how its reply is read."""
    judge: str | None
    """The judge's model; None where code compares with expected answers."""
    passes: int


class Calibration(Record):
    """A judge compared with recorded verdicts, or with people's."""

    against: str
    """Whose verdicts they are: another judge's model, or `people`."""
    tasks: int
    verdicts: int
    """Pairs that were compared."""
    agreement: float
    """Share of equal verdicts, 0 to 1."""
    kappa: float | None
    """Cohen's; None where one side never varies."""
    bias: float | None
    """Mean difference of task scores, this judge minus the other; None without scores."""


class StoredResult(Record):
    """Everything `fusion eval run` found out, and what it takes to say what was measured."""

    schema_version: Literal[1] = 1
    created_at: str
    """ISO 8601, UTC."""
    version: str
    """Of langgraph-fusion."""
    dataset: DataSetRef
    protocol: ProtocolRef
    arms: tuple[ArmResult, ...]
    prices: str | None = None
    """Date of the price table, ISO 8601; None where only providers said what was paid."""
    served_by_hand: bool = False
    """Whether people, or models at the place of others, answered for a seat: not comparable."""
    spent_usd: float | None = None
    """Paid for this result, shared runs counted once; None if a call's cost is unknown."""
    judge_usd: float | None = None
    """The judge's part of it."""
    calibrations: tuple[Calibration, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises `pydantic.ValidationError` if it is no stored result of this version."""
        return cls.model_validate_json(text)

    def to_json(self) -> str:
        return self.model_dump_json(indent=1)

    def arm(self, name: str) -> ArmResult | None:
        return next((one for one in self.arms if one.name == name), None)
