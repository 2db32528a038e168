"""Grade an answer by expected answers: which of them stand in its text.

A text is compared without case, accents and punctuation, word by word; `1,000` is `1000`, and an
expected answer needs no article. It is strict, as RAMDocs is: 100 when every right answer is named
and no wrong one, else 0. The pass rate counts how many of them are as they should be.

Not covered: an answer named only to reject it ("not 1847") counts as named; synonyms and
translations do not. Give a rubric where that matters.
"""

import re
import unicodedata
from functools import lru_cache

from langgraph_fusion.evals.records import SectionScore, Task, TaskScore, Verdict

RIGHT, WRONG = "right", "wrong"
_ARTICLES = frozenset({"a", "an", "the"})
_WORD = re.compile(r"\d+(?:\.\d+)+|\w+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


def expected_verdicts(task: Task, text: str) -> tuple[Verdict, ...]:
    """For each expected and each wrong answer whether the text names it."""
    said = _plain(text)
    answers = [(f"{RIGHT} {n}", one) for n, one in enumerate(task.expected, 1)]
    answers += [(f"{WRONG} {n}", one) for n, one in enumerate(task.wrong, 1)]
    return tuple(Verdict(criterion=id, met=_sought(one) in said) for id, one in answers)


def expected_score(verdicts: tuple[Verdict, ...]) -> TaskScore:
    """Strict score and pass rate; `sections` has the shares of right named and wrong avoided."""
    right = [one for one in verdicts if one.criterion.startswith(RIGHT)]
    wrong = [one for one in verdicts if one.criterion.startswith(WRONG)]
    named, avoided = sum(bool(one.met) for one in right), sum(not one.met for one in wrong)
    whole = named == len(right) and avoided == len(wrong)
    score = 100.0 if whole else 0.0
    parts = {RIGHT: (named, len(right)), WRONG: (avoided, len(wrong))}
    return TaskScore(
        score=score,
        pass_rate=100 * (named + avoided) / len(verdicts),
        raw=float(whole),
        positive=1.0,
        passes=(score,),
        sections={
            name: SectionScore(score=100 * n / of, pass_rate=100 * n / of, criteria=of)
            for name, (n, of) in parts.items()
            if of
        },
    )


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """Words with a space on both sides, so that `in` finds whole words only."""
    return f" {' '.join(_words(text))} "


def _sought(answer: str) -> str:
    """An answer without its article, unless it is nothing else: “The The” is a band."""
    words = _words(answer)
    bare = words[1:] if words[:1] and words[0] in _ARTICLES else words
    return f" {' '.join(words if set(bare) <= _ARTICLES else bare)} "


def _words(text: str) -> list[str]:
    joined = _THOUSANDS.sub("", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(one for one in joined if not unicodedata.combining(one))
    return _WORD.findall(letters)
