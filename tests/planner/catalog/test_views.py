"""Prices by the hour of a machine, of a vCPU, of a GPU; and in which order."""

from decimal import Decimal
from itertools import groupby

from cryoem_cloud.planner.catalog.catalogue import snapshot
from cryoem_cloud.planner.catalog.views import Sale, Unit, in_order, per

HERE = snapshot("us-west-2")


def test_a_price_is_of_a_machine_a_vcpu_or_a_gpu() -> None:
    four = HERE.named("g6e.12xlarge", "us-west-2")
    none = HERE.named("c7i.8xlarge", "us-west-2")
    assert four is not None
    assert none is not None
    assert per(Unit.MACHINE, Sale.ON_DEMAND, four) == Decimal("10.49264")
    assert per(Unit.GPU, Sale.ON_DEMAND, four) == Decimal("2.62316")
    assert per(Unit.VCPU, Sale.RESERVED_1Y, none) == Decimal("0.881621") / 32
    assert per(Unit.GPU, Sale.SPOT, none) is None


def test_what_is_not_sold_so_has_no_price() -> None:
    old = HERE.named("p2.8xlarge", "us-west-2")
    assert old is not None
    assert per(Unit.GPU, Sale.SPOT, old) is None
    assert per(Unit.GPU, Sale.ON_DEMAND, old) == Decimal("0.9")


def test_models_of_gpus_stand_together_the_cheapest_first_and_no_gpu_last() -> None:
    order = in_order(HERE, Unit.GPU)
    assert sorted(order, key=str) == sorted(HERE.listings, key=str)
    models = [each.kind.gpu for each in order]
    assert list(dict.fromkeys(models))[-1] == ""
    assert len([model for model, _ in groupby(models)]) == len(set(models))
    lowest = [
        min(per(Unit.GPU, Sale.ON_DEMAND, x) or 0 for x in order if x.kind.gpu == model)
        for model in dict.fromkeys(models)
        if model
    ]
    assert lowest == sorted(lowest)
    for model in set(models) - {""}:
        found = [per(Unit.GPU, Sale.ON_DEMAND, x) or 0 for x in order if x.kind.gpu == model]
        assert found == sorted(found)
