import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nsm.admission import Question, explain, foresee, judge
from nsm.admission.reading import MOST_PATTERNS, MOST_RULES, read_rules
from nsm.errors import Invalid
from nsm.values import BadFile


def wrong(text: str | bytes) -> str:
    with pytest.raises(BadFile) as caught:
        read_rules(text, "r.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: {}", "write a list of rules"),
        ("rulez: []", "did you mean rules?"),
        ("default: maybe", "'maybe' is not known"),
        ("rules: [x]", "write a rule"),
        ("rules: [{name: a}]", "one of the two"),
        ("rules: [{allow: use, deny: use}]", "one of the two"),
        ("rules: [{allow: abuse}]", "did you mean use?"),
        ("rules: [{allow: use, servise: x}]", "did you mean"),
        ("rules: [{allow: use, who: web}]", "write spiffe://*/web"),
        ("rules: [{allow: use, who: 'spiffe:'}]", "like no SPIFFE id"),
        ("rules: [{allow: use, who: []}]", "names nothing"),
        ("rules: [{allow: use, who: 7}]", "this is a number"),
        ("rules: [{allow: use, labels: [a]}]", "write labels"),
        ("rules: [{allow: use, hours: 8-18}]", "write from-to"),
        ("rules: [{allow: use, hours: '08:00-25:00'}]", "write from-to"),
        ("rules: [{allow: use, hours: '08:00-08:00'}]", "write from-to"),
        ("rules: [{allow: use, verified: somewhat}]", "proven"),
        ("rules: [{allow: use, name: deny}]", "no rule can be called"),
        ("rules: [{allow: use, name: a}, {deny: use, name: a}]", "rule in line 1"),
        ("rules: [{allow: use, because: [x]}]", "write a reason"),
        ("cases: [{who: spiffe://a, use: s}]", "expect: is missing"),
        ("cases: [{use: s, expect: deny}]", "who: is missing"),
        ("cases: [{who: spiffe://a, expect: deny}]", "asks for one thing"),
        ("cases: [{who: spiffe://a, use: s, serve: s, expect: deny}]", "asks for one thing"),
        ("cases: [{who: spiffe://a, use: s, expect: nobody}]", "no rule is called"),
        ("cases: [{who: spiffe://a, use: s, at: noon, expect: deny}]", "write one such as 09:30"),
        ("", "says nothing"),
        ("[", "not YAML"),
        (b"\xff", "no text"),
        ("a: " * 50, "not YAML"),
        ("[" * 5000, "in each other"),
        ("x" * (1 << 20) + "y", "MiB"),
        ("!!python/object/apply:os.system [true]", "a mapping with the keys"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(text: str | bytes, said: str) -> None:
    assert said in wrong(text)


def test_everything_that_is_wrong_is_said_at_once_each_with_its_line() -> None:
    text = "default: perhaps\nrules:\n  - allow: use\n    who: web\n  - deny: all\nmore: 1\n"
    told = wrong(text).splitlines()
    assert [line.split(":")[1] for line in told] == ["1", "4", "5", "6"]


def test_a_rule_without_a_name_is_called_by_its_place() -> None:
    rules = read_rules("rules: [{allow: use}, {deny: use, name: b}, {deny: serve}]", "r.yaml")
    assert [rule.name for rule in rules.rules] == ["rules[1]", "b", "rules[3]"]


def test_references_do_not_grow_beyond_bounds() -> None:
    globs = ", ".join(["'*'"] * 200)
    many = "\n".join(["- {allow: use, who: *all}"] * (MOST_PATTERNS // 200))
    assert "too many patterns" in wrong(f"rules:\n- {{allow: use, who: &all [{globs}]}}\n{many}")
    one = "{allow: use}"
    assert "at most" in wrong(f"rules: [{', '.join([one] * (MOST_RULES + 1))}]")


def test_text_that_would_be_code_elsewhere_is_only_text() -> None:
    rules = read_rules("rules: [{deny: use, because: '{{7*7}} $(id) __import__'}]", "r.yaml")
    assert rules.rules[0].because == "{{7*7}} $(id) __import__"


keys = ["default", "rules", "cases", "allow", "deny", "use", "who", "service", "labels", "hours"]
others = ["08:00-18:00", "spiffe://*", "*", "name", "expect", "verified", "proven", "", "~", "1"]
words = st.sampled_from([*keys, *others])
scalars = words | st.text(max_size=8) | st.integers() | st.booleans() | st.none()
nested = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | st.text(max_size=200) | nested.map(repr))
@example("a: &a [*a]")
@example("rules: &r [*r]")
@example("? [a]\n: b")
@example("\x00")
@example("rules: [{allow: use, who: '[!'}]")
@example("rules: [{allow: use, who: !!binary aGk=}]")
def test_any_input_is_rules_or_invalid(text: str | bytes) -> None:
    try:
        rules = read_rules(text, "r.yaml")
    except Invalid:
        return
    asked = Question(who="spiffe://a/b", service="s")
    assert judge(rules, asked).allowed in (True, False)
    foresee(rules, asked)
    assert len(explain(rules, asked)) <= len(rules.rules)
