"""The addresses of rubrics are closed, and their neighbours are open."""

import pytest

from langgraph_fusion.evals.contamination.exclude import exclude_for, rule_of
from langgraph_fusion.evals.records import Task
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.tools.exclude import Exclusion
from tests.shared_data import rows

TASK = Task(id="a", question="Which?")


def rules(dataset: str = "draco", task: Task = TASK) -> Exclusion:
    return Exclusion(exclude_for(dataset, task))


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co/datasets/perplexity-ai/draco/resolve/main/test.jsonl",
        "https://datasets-server.huggingface.co/rows?dataset=perplexity-ai%2Fdraco",
        "https://r2cdn.perplexity.ai/pplx-draco.pdf",
        "https://arxiv.org/abs/2602.11685",
        "https://arxiv.org/pdf/2602.11685v2",
        "http://export.arxiv.org/pdf/2602.11685v1.pdf",
        "https://arxiv.org/html/2602.11685v3#S2",
        "https://ar5iv.labs.arxiv.org/html/2602.11685",
        "https://www.alphaxiv.org/abs/2602.11685v1",
        "https://github.com/valyuAI/valyu-benchmarks/blob/main/x.json",
        "https://raw.githubusercontent.com/OpenRouterTeam/benchmark-harness/main/src/a.json",
        "https://github.com/Lore-Hex/TrustedRouter-Fusion-Draco/tree/main/replays",
        "https://cdn.jsdelivr.net/gh/harnyx/harnyx@main/packages/x.jsonl",
        "https://web.archive.org/web/2026/https://arxiv.org/abs/2602.11685",
    ],
)
def test_every_door_to_the_rubrics_of_draco_is_closed(url: str) -> None:
    assert rules().match(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/abs/2602.11686",
        "https://huggingface.co/datasets/perplexity-ai/other",
        "https://github.com/harnyx/other",
        "https://en.wikipedia.org/wiki/Draco",
        "https://www.perplexity.ai/",
    ],
)
def test_whole_hosts_that_tasks_need_stay_open(url: str) -> None:
    assert rules().match(url) is None


def test_the_mirrors_of_a_task_are_closed_and_articles_beside_them_open() -> None:
    for row in rows("samples/drb2_blocked_mirrors.jsonl"):
        task = Task(id=row["id"], question="?", exclude=tuple(row["urls"]))
        closed = rules("drb2", task)
        assert all(closed.match(url) for url in row["urls"])
        assert (
            closed.match("https://journals.plos.org/plosone/article?id=10.1371/journal.x") is None
        )


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("https://journals.plos.org/plosone/article?id=10.1371/journal.pone.0282631&utm_source=a",
         "journals.plos.org/plosone/article?id=10.1371/journal.pone.0282631"),
        ("https://go.gale.com/ps/i.do?id=GALE%7CA73&sid=sitemap&v=2.1",
         "go.gale.com/ps/i.do?id=GALE%7CA73"),
        ("https://brill.com/view/p1.xml?srsltid=AfmBOooiR3fZq9", "brill.com/view/p1.xml"),
        ("https://x.org/a#part-2", "x.org/a"),
        ("x.org/a", "x.org/a"),
    ],
)  # fmt: skip
def test_a_rule_keeps_what_identifies_the_page(address: str, rule: str) -> None:
    assert rule_of(address) == rule
    assert Exclusion([rule]).match(f"https://{address.removeprefix('https://')}")


def test_the_users_own_rules_are_added_and_all_of_them_are_settings() -> None:
    task = TASK.model_copy(update={"exclude": ("https://leak.org/q?id=1234&lang=en",)})
    found = exclude_for("draco", task, ["example.org", "arxiv.org/abs/2602.11685"])
    assert {"leak.org/q?id=1234", "example.org"} <= set(found)
    assert len(found) == len(set(found))
    assert load_settings({"preset": "offline", "exclude": found}).exclude == found


def test_a_set_without_a_list_has_the_tasks_own_rules() -> None:
    assert exclude_for("mine.jsonl", TASK) == ()


def test_a_rule_that_cannot_be_read_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"`\*\.org`"):
        exclude_for("draco", TASK, ["*.org"])
