"""Where the notes differ: every item holds, the important numbers by a second way, and a broken item is rejected."""

import re

import numpy as np
import paddle
import pytest
from paddle import nn

from course_utils import errata
from course_utils.errors import CourseError
from tools.notebooks import ROOT

STORED = errata._stored()
WHOLE = {
    "chapter": "01_convolution",
    "status": "wrong",
    "source": "a test",
    "says": "Two and two are {printed}.",
    "right": "{total}",
    "values": {"printed": "5", "total": "2 + 2"},
    "proof": "total == 4 != printed",
}


@pytest.mark.parametrize("name", STORED)
def test_item_holds(name):
    (item,) = errata.items(ids=[name])
    assert item.id == name
    assert re.fullmatch(r"[EBP]\d+[a-z]?", name)
    assert re.fullmatch(r"\d\d_[a-z0-9_]+", item.chapter)
    assert "{" not in item.says + item.right


@pytest.mark.parametrize("name", STORED)
def test_numbers_of_the_right_text_are_computed(name):
    text = re.sub(r"\{[^{}]*\}|`[^`]*`|\b[A-Z]\d\b", "", STORED[name]["right"])
    assert not re.search(r"\d", text)


@pytest.mark.parametrize("name", STORED)
def test_every_value_is_used(name):
    fields = STORED[name]
    values = fields.get("values", {})
    used = " ".join([fields["says"], fields["right"], fields.get("proof", ""), *values.values()])
    assert [key for key in values if not re.search(rf"\b{key}\b", used)] == []


@pytest.mark.parametrize("name", [name for name in STORED if "proof" in STORED[name]])
def test_every_proof_could_fail(name):
    with pytest.raises(CourseError, match=f"errata item {name}: its proof is False"):
        errata.read_item(name, {**STORED[name], "proof": f"not ({STORED[name]['proof']})"})


@pytest.mark.parametrize(
    ("chapter", "ids"),
    [
        ("01_convolution", "E1 E2 E3 E4 E5 E6 E11 E15a E18 E42 E43 E44 E45 E46 E47 E48 E49 E59 E60"),
        ("02_edge_detection", "E15b"),
        ("03_pooling_and_activation", "E6b E6c E8 E9 E12 E13 E40 E50 E55 E56"),
        ("04_batchnorm_and_dropout", "E7 E10 E57 E58"),
        ("05_losses_and_optimizers", "E16 E27 E28 E29 E30 E31 E32 E33 E34 E35 E36 E37 E38 E39 E41 E53"),
        ("10_eye_disease_screening", "P1 P2 P3 P4a P4b P4c P4d P5 P6 P7"),
        ("06_lenet_digits", "E15c E15d E15e E17 E52 B1 B2 B3 B4 B5"),
        ("07_alexnet_to_mobilenet", "E19 E20 E21 E22 E23 E24 E25 E26 E51"),
        ("11_rnn_lstm", "E54"),
    ],
)
def test_chapters(chapter, ids):
    assert [item.id for item in errata.items(chapter)] == ids.split()


def test_the_register_of_sixty_items_is_whole():
    registered = {int(re.sub(r"\D", "", name)) for name in STORED if name.startswith("E")}
    assert registered == set(range(1, 61))


@pytest.mark.parametrize("chapter", sorted({fields["chapter"] for fields in STORED.values()}))
def test_every_item_is_reached_from_its_chapter_and_from_the_table_of_all(chapter):
    sources = ROOT / "notebooks" / "src"
    shows = re.compile(rf'errata\.(table|items)\("{chapter}"')
    assert shows.search((sources / f"{chapter}.py").read_text("utf-8"))
    assert f'errata.table("{chapter}", proofs=True)' in (sources / "errata.py").read_text("utf-8")


def test_known_wrong_answers_can_be_looked_up():
    first, second = errata.items(ids=["E47", "E1"])
    assert (first.values["printed"], second.values["printed"]) == (244, 86_704_128)
    assert errata.items("06_lenet_digits", ids=["E1", "B1"]) == errata.items(ids=["B1"])


def flops(net, shape, capsys):
    count = paddle.flops(net, shape)
    capsys.readouterr()
    return count


@pytest.mark.filterwarnings("ignore:Conversion of an array with ndim:DeprecationWarning")  # in paddle.flops itself
def test_counts_attributed_to_paddle_flops(capsys):
    e49, b4 = errata.items(ids=["E49", "B4"])
    assert flops(nn.Sequential(nn.Conv2D(3, 100, 3, padding="same")), [1, 3, 32, 32], capsys) == e49.values["flops"]
    lenet = nn.Sequential(
        *(nn.Conv2D(1, 6, 5), nn.MaxPool2D(2), nn.Conv2D(6, 16, 5), nn.AvgPool2D(2), nn.Conv2D(16, 120, 5)),
        *(nn.Flatten(), nn.Linear(120, 84), nn.Linear(84, 10)),
    )
    assert flops(lenet, [1, 1, 32, 32], capsys) == b4.values["printed"]


def test_alexnets_first_layer_in_paddle():
    (item,) = errata.items(ids=["E18"])
    for padding, size in ((0, item.values["none"]), (2, 55), (3, 55)):
        assert list(nn.Conv2D(3, 1, 11, stride=4, padding=padding)(paddle.zeros([1, 3, 224, 224])).shape)[2] == size


def test_same_padding_of_an_even_kernel_in_paddle():
    (item,) = errata.items(ids=["E42"])
    y = nn.functional.conv2d(paddle.ones([1, 1, 100, 1]), paddle.ones([1, 1, 10, 1]), padding="same").numpy().ravel()
    missing = int(10 - y[0]), int(10 - y[-1])
    assert missing == (item.values["before"], item.values["after"])


def without(field):
    return {key: value for key, value in WHOLE.items() if key != field}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({**WHOLE, "prof": "True"}, "field 'prof' is not known: use chapter, status"),
        *((without(field), f"field '{field}' is missing") for field in errata.REQUIRED),
        (without("proof"), "nothing supports it: give it a proof or a reference"),
        ({**WHOLE, "proof": "total == 5"}, "its proof is False, not True: total == 5"),
        ({**WHOLE, "proof": "total"}, "its proof is 4, not True"),
        ({**WHOLE, "proof": "sum == total + nothing"}, "its proof cannot be computed, NameError"),
        ({**WHOLE, "proof": " "}, "'proof' is ' ': write it as a text"),
        (without("values"), "NameError: name 'total' is not defined"),
        ({**WHOLE, "right": "{totl}"}, "'right' uses 'totl', which is not among its values"),
        ({**WHOLE, "says": "{}"}, "'says' cannot be filled in"),
        ({**WHOLE, "right": "{total:q}"}, "Unknown format code"),
        ({**WHOLE, "right": "{total.size}"}, "'right' cannot be filled in"),
        (
            {**WHOLE, "values": {"printed": "5", "total": "1 / 0"}},
            "value 'total' cannot be computed, ZeroDivisionError",
        ),
        ({**WHOLE, "values": {"printed": "5", "total": "2 +"}}, "value 'total' cannot be computed, SyntaxError"),
        ({**WHOLE, "values": {"printed": "5", "total": 4}}, "'total' is 4: write it as a text in quotes"),
        ({**WHOLE, "values": "total = 4"}, "use values.NAME"),
        ({**WHOLE, "status": "typo"}, "status 'typo' is not known: use wrong, loose, right"),
        ({**WHOLE, "source": 7}, "'source' is 7"),
    ],
)
def test_a_broken_item_is_rejected_by_name(fields, message):
    with pytest.raises(CourseError, match=f"^errata item E99: .*{re.escape(message)}"):
        errata.read_item("E99", fields)


def test_a_broken_item_in_the_file_stops_its_chapter(monkeypatch):
    monkeypatch.setattr(errata, "_stored", lambda: {"E98": WHOLE, "E99": {**WHOLE, "proof": "total == 5"}})
    with pytest.raises(CourseError, match="errata item E99: its proof is False"):
        errata.table("01_convolution")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: errata.items(ids=["E1", "E480"]), "no errata item is called 'E480': did you mean E48?"),
        (lambda: errata.items(ids=["x"]), "no errata item is called 'x': did you mean "),
        (
            lambda: errata.table("06_lenet"),
            "no chapter with errata is called '06_lenet': did you mean 06_lenet_digits?",
        ),
    ],
)
def test_an_unknown_name_gets_the_nearest(call, message):
    with pytest.raises(CourseError, match=re.escape(message)):
        call()


def test_a_reference_is_enough_where_nothing_can_be_computed():
    fields = {**without("proof"), "right": "four", "reference": "Ask <anyone> & all."}
    item = errata.read_item("E99", fields)
    table = errata.ErrataTable((item,))
    assert "see       Ask <anyone> & all." in str(table)
    assert "<small>Ask &lt;anyone&gt; &amp; all.</small>" in table._repr_html_()


def test_numbers_are_formatted():
    values = {"a": "np.int64(1234567)", "b": "(10, 5000)", "c": "1234.5", "d": "2 / 3", "e": "True"}
    fields = {**WHOLE, "right": "{a} {b} {c} {d:.2f} {e}", "says": "two", "values": values, "proof": "np.True_"}
    item = errata.read_item("E99", fields)
    assert item.right == "1,234,567 [10, 5000] 1234.5 0.67 True"
    assert item.values["a"] == np.int64(1234567)


def test_the_table_as_text_and_as_html():
    table = errata.table("01_convolution")
    text, page = str(table), table._repr_html_()
    assert repr(table) == text
    assert max(map(len, text.splitlines())) <= 100
    assert "at 0x" not in text + page + repr(table.items)
    assert page.count("<td>") == 4 * len(table.items) == page.count("</td>")
    assert all(f"<th>{name}</th>" in page for name in ("item", "the notes say", "computed", "verdict"))
    assert "<code>paddle.flops</code>" in page
    assert "[64,\N{NO-BREAK SPACE}224,\N{NO-BREAK SPACE}224]" in page
    assert "867,041,280" in text
    assert "867,041,280" in page


def test_a_page_can_show_the_workings():
    plain, shown = errata.table("01_convolution"), errata.table("01_convolution", proofs=True)
    assert "<details>" not in plain._repr_html_()
    assert "printed = 86_704_128\n" in shown._repr_html_()
    assert "\nassert printed == single and printed * batch == total</pre>" in shown._repr_html_()
    assert shown._repr_html_().count("<details>") == sum(bool(item.workings) for item in shown.items)


def test_html_is_escaped():
    fields = {**WHOLE, "says": "<b>1 & 1</b>", "right": "<script>", "source": '"s" <i>', "values": {}, "proof": "True"}
    page = errata.ErrataTable((errata.read_item("<E>", fields),))._repr_html_()
    body = page.partition("<tbody>")[2]
    assert "&lt;b&gt;1 &amp; 1&lt;/b&gt;" in body
    assert "<strong>&lt;E&gt;</strong>" in body
    assert not re.search("<(b|i|script)>", body)
