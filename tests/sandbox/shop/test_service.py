"""The service time of a genuine shop: what an answer costs, and how many are given at a time."""

import threading

import pytest

from connector.sandbox.shop import LIKE_GENUINE, SandboxShop, ServiceTime
from connector.sandbox.shop.service import Work, Workers

FLAT = ServiceTime(request=1.0, row={"orders": 0.5}, other=0.25, partial=0.5, identifier=0.125, workers=2)


class Watch:
    """A clock that moves when somebody sleeps or works."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    ("work", "seconds"),
    [
        (Work(), 1.0),
        (Work("orders", rows=4), 3.0),
        (Work("orders", partial_rows=4), 2.0),
        (Work("orders", ids=4), 1.5),
        (Work("carriers", rows=4), 2.0),
    ],
)
def test_an_answer_costs_a_share_per_request_and_one_per_row(work, seconds):
    assert FLAT.seconds(work) == seconds


def test_the_rest_of_the_service_time_is_slept():
    watch = Watch()
    workers = Workers(FLAT, watch, watch.sleep)
    answer, seconds = workers.serve(lambda: "rows", lambda _: Work("orders", rows=2))
    assert (answer, seconds, watch.slept) == ("rows", 2.0, [2.0])


def test_the_sandbox_s_own_work_counts():
    watch = Watch()

    def answer():
        watch.now += 1.5
        return "rows"

    Workers(FLAT, watch, watch.sleep).serve(answer, lambda _: Work("orders", rows=2))
    assert watch.slept == [0.5]


def test_an_answer_that_took_longer_than_its_service_time_is_not_held_back():
    watch = Watch()

    def answer():
        watch.now += 5
        return "rows"

    Workers(FLAT, watch, watch.sleep).serve(answer, lambda _: Work())
    assert watch.slept == []


def test_a_failing_answer_gives_its_worker_back():
    workers = Workers(ServiceTime(request=0, workers=1))

    def fail():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        workers.serve(fail, lambda _: Work())
    assert workers.serve(lambda: "rows", lambda _: Work())[0] == "rows"


def test_two_are_served_at_a_time_and_the_third_waits():
    together, most, lock = [], [], threading.Lock()
    two_inside, go_on = threading.Barrier(3), threading.Event()

    def answer():
        with lock:
            together.append(1)
            most.append(len(together))
        return "rows"

    def sleep(_):
        if not go_on.is_set():
            two_inside.wait(10)
            go_on.wait(10)
        with lock:
            together.pop()

    workers = Workers(FLAT, sleep=sleep)
    threads = [threading.Thread(target=workers.serve, args=(answer, lambda _: Work())) for _ in range(5)]
    for thread in threads:
        thread.start()
    two_inside.wait(10)  # two hold a worker and sleep: the others must be waiting
    assert len(most) == 2
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(most) == 5
    assert max(most) == 2


def test_over_http_full_rows_cost_most_and_id_lists_almost_nothing(talk_to):
    talk = talk_to()
    slept = []
    talk.shop.world.workers = Workers(LIKE_GENUINE, clock=lambda: 0.0, sleep=slept.append)
    talk.get("orders", display="full", output_format="JSON")
    talk.get("orders", display="[id]", output_format="JSON")
    talk.get("orders", output_format="JSON")
    talk.get("orders/5")
    talk.get("contacts", display="full", limit="0,2")
    talk.get("")
    assert slept == pytest.approx([0.01 + 20 * 0.00038, 0.01 + 20 * 0.00038 * 0.66, 0.0101, 0.01038, 0.0102, 0.01])
    assert [log.seconds for log in talk.shop.requests] == slept


def test_without_the_setting_nothing_waits():
    shop = SandboxShop(orders=20)
    assert shop.service is None
    shop.service = FLAT
    assert shop.service is FLAT
    shop.service = None
    assert shop.world.workers is None


def test_a_shop_is_made_with_its_service_time():
    assert SandboxShop(empty=True, service=LIKE_GENUINE).service is LIKE_GENUINE
