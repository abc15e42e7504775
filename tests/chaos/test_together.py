from entrypoints.simulation.slack.event_log import Post
from tests.chaos.frozen import FROZEN, POSTING, Freeze, frozen_posts
from tests.chaos.together import POST_BURST, POSTS_PER_SECOND, disorder, fullest_bucket, post_times, without

POST = {"event": POSTING, "run": 1, "marker": "m1", "channel": "C1", "looked_at": 10.0}


def test_items_that_come_in_the_order_of_storing_are_no_problem() -> None:
    assert disorder("event", {"C1": [("a", 1), ("b", 3)], "C2": [("c", 2)]}) == []


def test_an_item_that_comes_after_a_later_one_is_a_problem() -> None:
    [problem] = disorder("post", {"C1": [("a", 1), ("c", 3), ("b", 2), ("d", 4)]})

    assert problem == "ORDER: C1: post b was stored before c and came after it"


def test_a_post_that_was_frozen_on_its_way_may_come_late() -> None:
    posts = {"C1": [("a", 1), ("c", 3), ("b", 2)], "C2": [("b", 2), ("a", 1)]}

    assert len(disorder("post", without({("b", "C1")}, posts))) == 1
    assert disorder("post", without({("b", "C1"), ("a", "C2")}, posts)) == []


def test_a_post_that_was_frozen_on_its_way_may_come_on_top_of_the_rate() -> None:
    posts = [Post("C1", f"a {marker}", "1.0", None, {}, at=at) for at, marker in ((1.0, "m1"), (2.0, "m2"))]

    assert post_times(posts, {("m1", "C2")}) == {"C1": [1.0, 2.0]}
    assert post_times(posts, {("m1", "C1")}) == {"C1": [2.0]}


def test_posts_at_the_rate_after_a_burst_fill_the_bucket_no_further() -> None:
    times = [0.0] * POST_BURST + [number / POSTS_PER_SECOND for number in range(1, 20)]

    assert fullest_bucket(times) == POST_BURST


def test_a_post_ahead_of_the_rate_overfills_the_bucket() -> None:
    assert fullest_bucket([0.0] * (POST_BURST + 2)) == POST_BURST + 2


def test_a_post_is_in_the_window_if_its_pack_was_frozen_between_its_look_and_slack() -> None:
    log = [{"event": FROZEN, "run": 1}, POST]

    assert frozen_posts(log, [Freeze(1, 11, 20)], {("m1", "C1"): 20.1}) == {("m1", "C1")}


def test_a_post_is_not_in_the_window_if_another_pack_was_frozen_or_at_another_time() -> None:
    freezes = [Freeze(2, 11, 20), Freeze(1, 9, 20), Freeze(1, 11, 21)]

    assert frozen_posts([POST], freezes, {("m1", "C1"): 20.1}) == set()
