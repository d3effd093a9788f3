"""Which queues a worker serves, and how it divides its room among them."""

import pytest

from jobqueue.queues import Queues

KNOWN = ["bulk-fast", "bulk-slow", "default", "mail"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], KNOWN),
        (["mail", "default"], ["mail", "default"]),
        (["bulk-*"], ["bulk-fast", "bulk-slow"]),
        (["mail", "bulk-*", "!bulk-slow"], ["mail", "bulk-fast"]),
        (["!bulk-*"], ["default", "mail"]),
        (["mail=3", "*"], ["mail", "bulk-fast", "bulk-slow", "default"]),
    ],
)
def test_of_known_queues_the_words_choose(words, names):
    queues = Queues(words, known=KNOWN)
    assert queues.names == names
    assert [queue for queue in KNOWN if queues.serves(queue)] == sorted(names)


@pytest.mark.parametrize(
    ("words", "names"), [(["b", "a"], ["b", "a"]), (["a", "b", "!b"], ["a"]), (["a", "a"], ["a"]), (["a=2"], ["a"])]
)
def test_where_any_queue_may_be_names_are_enough(words, names):
    assert Queues(words).names == names


@pytest.mark.parametrize(("words", "found"), [([], ["a", "b1", "b2"]), (["b*"], ["b1", "b2"]), (["!b1"], ["a", "b2"])])
def test_there_patterns_choose_among_those_that_have_jobs(words, found):
    queues = Queues(words)
    assert queues.names is None
    assert queues.among(["a", "b1", "b2"]) == found
    assert queues.are_all == (words == [])


def test_a_queue_may_be_called_as_strangely_as_it_likes():
    assert Queues(["a=1", "!x", "[y]"], known=["a=1", "!x", "[y]", "a"]).names == ["a=1", "!x", "[y]"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["mial"], r"There is no queue 'mial'\. Did you mean 'mail'\?"),
        (["x*"], r"There is no queue 'x\*'"),
        (["!mial"], "There is no queue 'mial'"),
        (["mail=0"], "from 1 to 1000, not 0: 'mail=0'"),
        (["mail=1001"], "from 1 to 1000"),
        (["mail", "!mail"], "Nothing is left of mail, !mail"),
    ],
)
def test_words_that_choose_nothing_are_refused(words, why):
    with pytest.raises(ValueError, match=why):
        Queues(words, known=KNOWN)


def test_queues_take_turns():
    queues = Queues(["a", "b", "c"])
    firsts = [next(iter(queues.portions(queues.names, 10))) for _ in range(3)]
    assert sorted(firsts) == [("a", 10), ("b", 10), ("c", 10)]


def test_unless_their_order_counts():
    queues = Queues(["b", "a"], in_order=True)
    for _ in range(3):
        assert list(queues.portions(queues.names, 5)) == [("b", 5), ("a", 5)]


def test_weights_are_shares_and_what_is_left_is_for_all():
    queues = Queues(["a=3", "b"], in_order=True)
    assert list(queues.portions(queues.names, 8)) == [("a", 6), ("b", 2), ("a", 8), ("b", 8)]
    assert list(queues.portions(queues.names, 1)) == [("a", 1), ("b", 1), ("a", 1), ("b", 1)]
