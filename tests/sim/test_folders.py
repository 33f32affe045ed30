"""A story's folder is there for as long as the story."""

from contextlib import suppress

from nsm.sim.folders import folder, remove_abandoned, remove_own


def test_it_goes_with_its_story_however_that_ends() -> None:
    with suppress(ZeroDivisionError), folder() as place:
        (place / "kept").write_text("x")
        _ = 1 / 0
    assert not place.exists()


def test_it_stays_while_its_maker_lives_and_goes_when_that_says_so() -> None:
    with suppress(FileNotFoundError), folder() as place:
        remove_abandoned()
        assert place.exists()
        remove_own()
        assert not place.exists()
