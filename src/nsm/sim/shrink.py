"""Make a story that goes wrong as short as it can be while it still goes wrong."""

from collections.abc import Callable, Iterator

from nsm.nouns import replace
from nsm.sim.story import Story

MOST = 200
"""Stories tried; each is a whole run."""


def shrunk(story: Story, wrong: Callable[[Story], bool], most: int = MOST) -> Story:
    """The shortest found, by leaving out faults first, then clients, endpoints and hosts."""
    tried = 0
    found = True
    while found:
        found = False
        for shorter in shorter_than(story):
            if (tried := tried + 1) > most:
                return story
            if wrong(shorter):
                story, found = shorter, True
                break
    return story


def shorter_than(story: Story) -> Iterator[Story]:
    """Stories with something left out, the boldest cuts first."""
    half = len(story.faults) // 2
    if half:
        yield replace(story, faults=story.faults[half:])
        yield replace(story, faults=story.faults[:half])
    for at in range(len(story.faults)):
        yield replace(story, faults=story.faults[:at] + story.faults[at + 1 :])
    for client in story.clients:
        yield _without(story, clients=client.name)
    for endpoint in story.endpoints:
        if sum(one.service == endpoint.service for one in story.endpoints) > 1:
            yield _without(story, endpoints=endpoint.name)
    for node in story.nodes:
        if not (story.endpoints_at(node) or story.clients_at(node)):
            yield _without(story, nodes=node.name)


def _without(story: Story, *, clients: str = "", endpoints: str = "", nodes: str = "") -> Story:
    gone = {clients, endpoints, nodes}
    return replace(
        story,
        clients=tuple(one for one in story.clients if one.name not in gone),
        endpoints=tuple(one for one in story.endpoints if one.name not in gone),
        nodes=tuple(one for one in story.nodes if one.name not in gone),
        faults=tuple(fault for fault in story.faults if not _whom(fault.whom) & gone),
    )


def _whom(whom: str) -> set[str]:
    """Everybody a fault is about: one, or the two ends of a way."""
    for arrow in "><|":
        whom = whom.replace(arrow, " ")
    return set(whom.split())
