"""RAMDocs: questions with conflicting documents and known right answers (MIT; texts CC BY-SA).

Row: `question`, `documents` [{`text`, `type`, `answer`}], `gold_answers`, `wrong_answers`. Several
right answers are ambiguity: each is to be named. `type` and `answer` of a document are the key and
are not shown.
"""

import hashlib

from langgraph_fusion.evals.contamination.exclude import exclude_of
from langgraph_fusion.evals.datasets.dataset import Pinned
from langgraph_fusion.evals.datasets.rows import Row, field_of, json_rows
from langgraph_fusion.evals.records import Document, Task

REVISION = "d44454c9ebb0bf513d8236a03decc9fb58704cad"
ASKED = (
    "Answer from the documents. The question may be about several people or things of one name: "
    "give the right answer for each of them. Some documents may be wrong or beside the point: "
    "leave out what they say wrongly."
)


def read_ramdocs(text: str) -> list[Task]:
    """A row that stands twice is one task."""
    tasks = {task.id: task for task in (_task(*one) for one in json_rows(text, "ramdocs"))}
    return list(tasks.values())


def _task(place: str, row: Row) -> Task:
    question = field_of(row, "question", str, place)
    documents = [
        field_of(one, "text", str, place) for one in field_of(row, "documents", list, place)
    ]
    whole = "\0".join([question, *documents])
    return Task(
        id=hashlib.sha256(whole.encode()).hexdigest()[:12],
        question=f"{question}\n\n{ASKED}",
        domain="misinformation" if row.get("wrong_answers") else "ambiguity",
        expected=tuple(map(str, field_of(row, "gold_answers", list, place))),
        wrong=tuple(map(str, row.get("wrong_answers") or ())),
        documents=tuple(
            Document(title=f"Document {number}", text=text)
            for number, text in enumerate(documents, 1)
        ),
    )


RAMDOCS = Pinned(
    name="ramdocs",
    url=f"https://raw.githubusercontent.com/HanNight/RAMDocs/{REVISION}/RAMDocs_test.jsonl",
    revision=REVISION,
    sha256="c67f699c97349f00cf1bd08d1dbf8ca1d0cc38c306715c93a10a4f961dcf28b7",
    reader=read_ramdocs,
    exclude=exclude_of("ramdocs"),
    others={
        "6cff1959b2d86a61dfe02db6afea0dc4562b99967abf73c18f64f59db1ae3717": "sample of 48 tasks"
    },
)
