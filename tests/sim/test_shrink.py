"""A story that goes wrong is made shorter while it still goes wrong."""

from nsm.sim.shrink import shorter_than, shrunk
from nsm.sim.story import Story, told

STORY = next(story for story in map(told, range(100)) if len(story.faults) == 6)


def test_what_does_not_matter_is_left_out() -> None:
    last = STORY.faults[-1]
    short = shrunk(STORY, lambda story: last in story.faults)
    assert short.faults == (last,)
    assert len(short.clients) <= 1 + (last.whom in {one.name for one in STORY.clients})


def test_a_story_that_fails_however_short_ends_with_next_to_nothing() -> None:
    short = shrunk(STORY, lambda _: True)
    assert (short.faults, short.clients) == ((), ())
    assert {one.service for one in short.endpoints} == {one.service for one in STORY.endpoints}


def test_no_fault_is_about_who_was_left_out() -> None:
    for shorter in shorter_than(STORY):
        names = {"registry", "hub"}
        for node in shorter.nodes:
            names |= {node.name, *node.programs}
        names |= {one.name for one in (*shorter.endpoints, *shorter.clients)}
        for fault in shorter.faults:
            whom = fault.whom.replace("<", " ").replace(">", " ").replace("|", " ")
            assert set(whom.split()) <= names


def test_no_more_is_tried_than_may_be() -> None:
    tried: list[Story] = []
    shrunk(STORY, lambda story: tried.append(story) or False, most=3)
    assert len(tried) == 3
