"""Works and machines to plan with."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from cryoem_cloud.model.machine_type import Listing, MachineType, Price
from cryoem_cloud.model.plan import Limits, Plan, Terms, Transfer
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.choose import choose
from cryoem_cloud.planner.performance import published

CLASS2D = Work(
    program=Program.CLASS2D,
    items=749_000,
    box_px=128,
    classes=100,
    iterations=25,
    on_gpus=True,
    input_bytes=49_000_000_000,
)
REFINE = Work(program=Program.REFINE3D, items=219_000, box_px=512, iterations=0, on_gpus=True)
MOTION = Work(
    program=Program.MOTION,
    items=1539,
    pixels=7420 * 7676,
    frames=38,
    input_bytes=12 * 10**12,
    output_bytes=350 * 10**9,
    divisible=True,
)


def kind(name: str, vcpus: int = 48, memory_gib: float = 192, **more: Any) -> MachineType:  # noqa: ANN401
    made = MachineType(name=name, vcpus=vcpus, memory_gib=memory_gib, processor="Intel Ice Lake")
    return replace(made, **more)


V100 = kind("p3.8xlarge", 32, 244, gpu="V100", gpus=4, gpu_memory_gib=16)
L4 = kind("g6.12xlarge", gpu="L4", gpus=4, gpu_memory_gib=22.4, baseline_gbps=20)
L40S = kind("g6e.12xlarge", memory_gib=384, gpu="L40S", gpus=4, gpu_memory_gib=44.7)
CORES = kind("c6i.8xlarge", 32, 64, baseline_gbps=12.5)


def listing(
    machine: MachineType, on_demand: str | None, spot: str | None = None, region: str = "us-west-2"
) -> Listing:
    price = Price(
        on_demand=Decimal(on_demand) if on_demand else None, spot=Decimal(spot) if spot else None
    )
    return Listing(kind=machine, region=region, price=price)


LISTINGS = (
    listing(V100, "12.24", "1.7531"),
    listing(L4, "4.6016", "1.7159"),
    listing(L40S, "10.4926", "5.5706"),
    listing(CORES, "1.36", "0.55"),
)
TERMS = Terms(
    egress_usd_per_gb=Decimal("0.09"),
    disk_usd_per_gib_month=Decimal("0.08"),
    store_usd_per_gib_month=Decimal("0.023"),
)
NEAR = Transfer(line_bytes_s=1e9)


def plan(work: Work, listings: tuple[Listing, ...] = LISTINGS, **limits: Any) -> Plan:  # noqa: ANN401
    transfer = limits.pop("transfer", NEAR)
    return choose(
        work,
        listings,
        transfer=transfer,
        terms=TERMS,
        rates=published(),
        limits=Limits(**limits),
    )


PROGRAMS = st.sampled_from(Program)
WORKS = st.builds(
    Work,
    program=PROGRAMS,
    items=st.integers(0, 5_000_000),
    pixels=st.integers(0, 10**8),
    frames=st.integers(1, 100),
    box_px=st.integers(0, 1200),
    classes=st.integers(1, 200),
    iterations=st.integers(0, 50),
    pad=st.sampled_from((1.0, 2.0)),
    on_gpus=st.booleans(),
    on_vectors=st.booleans(),
    divisible=st.booleans(),
    input_bytes=st.integers(0, 10**13),
    output_bytes=st.integers(0, 10**12),
)
_PRICES = st.none() | st.decimals("0.01", "50", places=4)
KINDS = st.builds(
    MachineType,
    name=st.integers(0, 20).map("k{}.large".format),
    vcpus=st.sampled_from((2, 8, 48, 192)),
    memory_gib=st.sampled_from((4.0, 64.0, 768.0)),
    processor=st.sampled_from(("", "AMD Milan", "Intel Ice Lake")),
    gpu=st.sampled_from(("L4", "K80", "V520")),
    gpus=st.sampled_from((0, 1, 4)),
    gpu_memory_gib=st.sampled_from((8.0, 16.0, 44.7)),
    baseline_gbps=st.sampled_from((0.0, 10.0)),
)
ALL_LISTINGS = st.lists(
    st.builds(
        Listing,
        kind=KINDS,
        region=st.sampled_from(("us-west-2", "eu-west-1")),
        price=st.builds(Price, on_demand=_PRICES, spot=_PRICES),
    ),
    max_size=8,
    unique_by=lambda found: found.kind.name,
)
