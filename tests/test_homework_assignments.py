"""The homework tests itself: references pass on any seed, sketches fail, and each known mistake gets its own hint."""

import pytest

from course_utils.homework import assignments, calls, ladder
from course_utils.homework.questions import PUBLIC_SEED, prepare
from tools import homework, mutants

SEEDS = (PUBLIC_SEED, 1, 20_261_121)
SOURCES = {name.split("_")[0]: name for name in homework.homework_names()}
WRITTEN = {name: assignments.assignment(name) for name in SOURCES}
QUESTIONS = [(name, question.name) for name, found in WRITTEN.items() for question in found.questions]


class Here:
    """A ladder.Student for one function."""

    def __init__(self, function):
        self.function = function

    def describe(self, name):
        return None if self.function is None else calls.described(self.function)

    def call(self, name, driver, args, seconds):
        return calls.call(self.function, driver, args)


@pytest.fixture(scope="module")
def solved():
    """The names that each homework's source defines with its solutions."""
    spaces = {}
    for short, name in SOURCES.items():
        spaces[short] = {}
        for source in homework.reference(homework.ROOT, name):
            exec(source, spaces[short])
    return spaces


def judged(short, name, function, seed):
    question = WRITTEN[short].question(name)
    return ladder.check(question, prepare(question, seed), Here(function))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("short", "name"), QUESTIONS)
def test_the_reference_passes(short, name, seed, solved):
    function = WRITTEN[short].question(name).function
    outcome = judged(short, name, solved[short][function], seed)
    assert outcome.verdict == "passed", outcome


@pytest.mark.parametrize(("short", "name"), QUESTIONS)
def test_the_empty_sketch_is_missing(short, name):
    space = {}
    for cell in homework.released(homework.ROOT, SOURCES[short]):
        if cell.cell_type == "code":
            exec(cell.source, space)
    outcome = judged(short, name, space[WRITTEN[short].question(name).function], PUBLIC_SEED)
    assert (outcome.verdict, outcome.points) == ("missing", 0)


class Mistaken(Here):
    """A student who makes one known mistake wherever it can be made, and is right elsewhere."""

    def __init__(self, cases, hint):
        self.answers = [dict(case.wrong).get(hint, case.expected) for case in cases]

    def describe(self, name):
        return ladder.Description(True, "function", 0, None)

    def call(self, name, driver, args, seconds):
        return calls.call(lambda: self.answers.pop(0), "plain", ())


@pytest.mark.parametrize(("short", "name"), QUESTIONS)
def test_each_known_mistake_gets_its_own_hint_and_every_part_is_failed_by_one(short, name):
    question = WRITTEN[short].question(name)
    assert len(question.known) >= 3
    failed = set()
    for seed in SEEDS:
        cases = prepare(question, seed)
        for known in question.known:
            outcome = ladder.check(question, cases, Mistaken(cases, known.hint))
            assert outcome.verdict in ("wrong", "partly"), known.hint
            assert outcome.hint == known.hint
            failed |= {part for part, good in outcome.parts.items() if not good}
    assert failed == {case.part for case in cases}


@pytest.mark.parametrize(("short", "name"), QUESTIONS)
def test_a_question_is_written_as_the_others_are(short, name):
    question = WRITTEN[short].question(name)
    assert question.points > 0
    cases = prepare(question, PUBLIC_SEED)
    assert len({case.part for case in cases}) >= 2
    assert {len(case.args) for case in cases} == {len(question.parameters)}
    hints = [known.hint for known in question.known]
    assert len(set(hints)) == len(hints)
    assert all(hint.endswith(".") for hint in hints)


@pytest.mark.parametrize("short", WRITTEN)
def test_the_notebook_is_the_source_without_its_solutions(short):
    import nbformat

    from tools.notebooks import same_cells

    path = homework.ROOT / "notebooks" / "homework" / f"{SOURCES[short]}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert same_cells(notebook.cells, homework.released(homework.ROOT, SOURCES[short]))
    assert WRITTEN[short].notebook == SOURCES[short]
    titles = [question.title for question in WRITTEN[short].questions]
    text = "\n".join(cell.source for cell in notebook.cells)
    for number, (question, title) in enumerate(zip(WRITTEN[short].questions, titles, strict=True), 1):
        points = f"({question.points} point{'s' * (question.points > 1)})"
        assert f"## Question {number}: {title} {points}".lower() in text.lower()
        assert f'hw.check("{question.name}", {question.function})' in text
    assert text.count("## Open question") == len(WRITTEN[short].open_questions)


@pytest.mark.parametrize(("short", "name"), QUESTIONS)
def test_spoilt_references_are_found(short, name):
    """At most one mutant in twenty survives; which, and why they may, `python -m tools.mutants` shows."""
    sources = homework.reference(homework.ROOT, SOURCES[short])
    question = WRITTEN[short].question(name)
    if question.share < 1:
        pytest.skip("judged by its result, not by its code")
    made = mutants.mutants(mutants.definition(sources, question.function))
    alive = mutants.survivors(question, sources)
    assert len(made) >= 10
    assert len(alive) <= len(made) / 20, [mutant.change for mutant in alive]
