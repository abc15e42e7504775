from entrypoints.simulation.slack.event_log import Post
from tests.chaos.frozen import FROZEN, POSTING, Freeze, frozen_posts
from tests.chaos.together import POST_BURST, POSTS_PER_SECOND, disorder, fullest_bucket, punctual_posts

POST = {"event": POSTING, "run": 1, "marker": "m1", "channel": "C1", "looked_at": 10.0}


def test_items_that_come_in_the_order_of_storing_are_no_problem() -> None:
    assert disorder("event", {"C1": [("a", 1), ("b", 3)], "C2": [("c", 2)]}) == []


def test_an_item_that_comes_after_a_later_one_is_a_problem() -> None:
    [problem] = disorder("post", {"C1": [("a", 1), ("c", 3), ("b", 2), ("d", 4)]})

    assert problem == "ORDER: C1: post b was stored before c and came after it"


def test_a_post_that_was_frozen_on_its_way_is_left_out_in_its_channel_alone() -> None:
    posts = [Post(channel, f"a {marker}", "1.0", None, {}) for channel in ("C1", "C2") for marker in ("m1", "m2")]

    assert punctual_posts(posts, {("m1", "C1")}) == posts[1:]


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
