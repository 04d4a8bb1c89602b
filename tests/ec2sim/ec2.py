"""EC2's answers, where moto's are rough; all else is moto's own."""

import base64
import fnmatch
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidInstanceIdError
from moto.ec2.responses import EC2Response

from tests.ec2sim.built import copied, taken
from tests.ec2sim.clock import Clock
from tests.ec2sim.faults import Faults
from tests.ec2sim.instances import Kept
from tests.ec2sim.known import check_known
from tests.ec2sim.launching import Launcher, Order, merged, offered_in
from tests.ec2sim.life import Life
from tests.ec2sim.pages import page
from tests.ec2sim.pricing import Prices
from tests.ec2sim.refusals import NotSimulatedError, Refusal, Refusing
from tests.ec2sim.seam import Machines, Why
from tests.ec2sim.templates import Templates, template_of

__all__ = ["Ec2", "Tokens"]

_TYPES_A_PAGE, _PRICES_A_PAGE = 100, 1000
_LINUX = "Linux/UNIX"
_SPOT_PRICES = frozenset(
    {
        *("AvailabilityZone", "DryRun", "Filters", "InstanceTypes", "MaxResults", "NextToken"),
        *("ProductDescriptions", "StartTime"),
    }
)

Tokens = dict[tuple[str, str, str], tuple[str, str]]
"""Account, region and client token of a launch: its parameters, and its reservation."""


class Ec2(Refusing, Templates, EC2Response):
    """One request to EC2."""

    def __init__(
        self,
        life: Life,
        launcher: Launcher,
        faults: Faults,
        machines: Machines,
        *,
        prices: Prices,
        tokens: Tokens,
        clock: Clock,
    ) -> None:
        super().__init__()
        self._life = life
        self._launcher = launcher
        self._faults = faults
        self._machines = machines
        self._prices = prices
        self._tokens = tokens
        self._clock = clock

    def run_instances(self) -> ActionResult:
        """Launch; the same token launches once."""
        asked = dict(self._get_params())
        order = self._order(asked)
        self._launcher.check(order)
        self.error_on_dryrun()
        token = asked.get("ClientToken")
        key = (self.current_account, self.region, str(token))
        said = json.dumps(asked, sort_keys=True, default=str)
        if token and key in self._tokens:
            before, reservation = self._tokens[key]
            if before != said:
                raise Refusal(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments used in "
                    "previous request(s).",
                )
            return ActionResult(self.ec2_backend.reservations[reservation])
        self._launcher.launch(order)
        reservation = next(reversed(self.ec2_backend.reservations))
        if token:
            self._tokens[key] = (said, reservation)
        return ActionResult(self.ec2_backend.reservations[reservation])

    def describe_instances(self) -> ActionResult:
        """Those that can be seen already; EC2 also filters by client token and more."""
        self.error_on_dryrun()
        named = self._get_param("InstanceIds", [])
        if named and self._get_param("MaxResults"):
            raise Refusal(
                "InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults",
            )
        shown = [self._seen(each) for each in named] if named else self._all_seen()
        for name, values in self._filters_from_querystring().items():
            shown = [kept for kept in shown if _passes(kept, name, values)]
        return ActionResult(self._page(shown))

    def describe_instance_status(self) -> ActionResult:
        """The status checks: of running instances, unless all are asked for."""
        named = self._get_param("InstanceIds", [])
        shown = [self._seen(each) for each in named] if named else self._all_seen()
        if not self._get_bool_param("IncludeAllInstances", if_none=False):
            shown = [kept for kept in shown if kept.state == "running"]
        for name, values in self._filters_from_querystring().items():
            shown = [kept for kept in shown if _passes(kept, name, values)]
        return ActionResult({"InstanceStatuses": [_status(kept) for kept in shown]})

    def terminate_instances(self) -> ActionResult:
        """Begin to terminate; what is terminated already stays so."""
        chosen = self._chosen()
        for kept in chosen:
            if kept.record.disable_api_termination:
                raise Refusal(
                    "OperationNotPermitted",
                    f"The instance '{kept.id}' may not be terminated. Modify its "
                    "'disableApiTermination' instance attribute and try again.",
                )
        return ActionResult({"TerminatingInstances": self._ended(chosen, Why.TERMINATED)})

    def stop_instances(self) -> ActionResult:
        """Begin to stop."""
        return ActionResult({"StoppingInstances": self._ended(self._chosen(), Why.STOPPED)})

    def start_instances(self) -> ActionResult:
        """Begin to boot stopped instances."""
        changes = []
        for kept in self._chosen():
            before = _state(kept)
            self._life.start(kept)
            changes.append(_change(kept, before))
        return ActionResult({"StartingInstances": changes})

    def get_console_output(self) -> ActionResult:
        """What the machine's console shows."""
        kept = self._seen(self._get_param("InstanceId"))
        self.error_on_dryrun()
        output = base64.b64encode(self._machines.console(kept.id).encode()).decode()
        return ActionResult(
            {"InstanceId": kept.id, "Timestamp": datetime.now(UTC), "Output": output}
        )

    def describe_instance_types(self) -> ActionResult:
        """Those that the region has; moto's answer has all of the world."""
        found = self.ec2_backend.describe_instance_types(
            self._get_param("InstanceTypes", []), self._filters_from_querystring()
        )
        here = offered_in(self.region)
        rows = [each for each in found if each["InstanceType"] in here]
        shown, more = page(rows, self._get_params(), most=_TYPES_A_PAGE)
        return ActionResult({"InstanceTypes": shown, **more})

    def describe_spot_price_history(self) -> ActionResult:
        """Today's prices, from the table: they hold since before any instant that is asked for."""
        self.error_on_dryrun()
        asked = self._get_params()
        check_known(asked, _SPOT_PRICES, "Spot's price history")
        kinds = asked.get("InstanceTypes", [])
        zone = asked.get("AvailabilityZone")
        filters = self._filters_from_querystring()
        if set(filters) - {"instance-type"}:
            raise NotSimulatedError(f"the filters {sorted(filters)} of Spot's price history")
        rows = self._prices.spot_history(self.region, [*kinds, *filters.get("instance-type", [])])
        products = set(asked.get("ProductDescriptions", [_LINUX]))
        rows = [row for row in rows if zone in {None, row["AvailabilityZone"]}]
        rows = [row for row in rows if row["ProductDescription"] in products]
        shown, more = page(rows, asked, most=_PRICES_A_PAGE)
        return ActionResult({"SpotPriceHistory": shown, **more})

    def create_image(self) -> ActionResult:
        """Of a machine that goes on running."""
        kept = self._seen(self._get_param("InstanceId"))
        self.error_on_dryrun()
        image = taken(self.ec2_backend, kept, self._get_params(), self._clock)
        self._machines.take_image(kept.id, image.id)
        return ActionResult({"ImageId": image.id})

    def copy_image(self) -> ActionResult:
        """From another region."""
        self.error_on_dryrun()
        asked = self._get_params()
        token = (self.current_account, self.region, str(asked.get("ClientToken")))
        if asked.get("ClientToken") and token in self._tokens:
            return ActionResult({"ImageId": self._tokens[token][1]})
        image = copied(self.ec2_backend, asked, self._clock)
        self._tokens[token] = ("", image.id)
        return ActionResult({"ImageId": image.id})

    def deregister_image(self) -> ActionResult:
        """Its snapshots stay."""
        if self._get_param("DeleteAssociatedSnapshots"):
            raise NotSimulatedError("DeleteAssociatedSnapshots")
        return super().deregister_image()

    def create_fleet(self) -> ActionResult:
        """Not here: moto's fleets ignore what the template says."""
        raise NotSimulatedError("CreateFleet")

    def request_spot_fleet(self) -> ActionResult:
        """Not here."""
        raise NotSimulatedError("RequestSpotFleet")

    def request_spot_instances(self) -> ActionResult:
        """Not here: RunInstances takes Spot."""
        raise NotSimulatedError("RequestSpotInstances")

    def _order(self, asked: Mapping[str, Any]) -> Order:
        least, most = int(asked.get("MinCount", 1)), int(asked.get("MaxCount", 1))
        if not 1 <= least <= most:
            raise Refusal("InvalidParameterValue", f"Invalid value for MinCount: {least}")
        if "LaunchTemplate" not in asked:
            return Order(self.current_account, self.region, asked, None, least, most)
        named = asked["LaunchTemplate"]
        identity, number, says = template_of(self.current_account, self.region, named)
        wanted = merged(says, asked)
        return Order(self.current_account, self.region, wanted, (identity, number), least, most)

    def _chosen(self) -> list[Kept]:
        chosen = [self._seen(each) for each in self._get_param("InstanceIds", [])]
        self.error_on_dryrun()
        return chosen

    def _ended(self, chosen: list[Kept], why: Why) -> list[Mapping[str, object]]:
        changes = []
        for kept in chosen:
            before = _state(kept)
            self._life.end(kept, why)
            changes.append(_change(kept, before))
        return changes

    def _seen(self, instance_id: str) -> Kept:
        kept = self._life.find(instance_id)
        if kept is None or not self._is_seen(kept):
            raise InvalidInstanceIdError(instance_id)
        return kept

    def _all_seen(self) -> list[Kept]:
        return [kept for kept in self._life if self._is_seen(kept)]

    def _is_seen(self, kept: Kept) -> bool:
        here = (kept.account, kept.region) == (self.current_account, self.region)
        return here and self._life.age(kept) >= self._faults.unseen_seconds

    def _page(self, shown: list[Kept]) -> Mapping[str, object]:
        size = int(self._get_param("MaxResults") or len(shown) or 1)
        start = int(self._get_param("NextToken") or 0)
        end = start + size
        reservations: dict[str, dict[str, Any]] = {}
        of = {
            record.id: reservation
            for reservation in self.ec2_backend.reservations.values()
            for record in reservation.instances
        }
        for kept in shown[start:end]:
            one = of[kept.id]
            entry = reservations.setdefault(
                one.id,
                {"ReservationId": one.id, "OwnerId": one.owner_id, "Groups": [], "Instances": []},
            )
            entry["Instances"].append(kept.record)
        return {
            "Reservations": list(reservations.values()),
            "NextToken": str(end) if end < len(shown) else None,
        }


def _state(kept: Kept) -> Mapping[str, object]:
    state = kept.record._state
    return {"Code": state.code, "Name": state.name}


def _change(kept: Kept, before: Mapping[str, object]) -> Mapping[str, object]:
    return {"InstanceId": kept.id, "CurrentState": _state(kept), "PreviousState": before}


def _status(kept: Kept) -> Mapping[str, object]:
    if kept.state != "running":
        check: Mapping[str, object] = {"Status": "not-applicable"}
    else:
        passed = "failed" if kept.beside.impaired else "passed"
        check = {
            "Status": "impaired" if kept.beside.impaired else "ok",
            "Details": [{"Name": "reachability", "Status": passed}],
        }
    return {
        "InstanceId": kept.id,
        "AvailabilityZone": kept.zone,
        "InstanceState": _state(kept),
        "InstanceStatus": check,
        "SystemStatus": {"Status": "ok"} if kept.state == "running" else check,
    }


def _passes(kept: Kept, name: str, values: Iterable[str]) -> bool:
    """Whether the instance passes one of DescribeInstances' filters, `*` and `?` included."""

    def fits(value: object) -> bool:
        return any(fnmatch.fnmatchcase(str(value), pattern) for pattern in values)

    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return key in kept.tags and fits(kept.tags[key])
    if name == "tag-key":
        return any(fits(key) for key in kept.tags)
    known: Mapping[str, object] = {
        "availability-zone": kept.zone,
        "client-token": kept.record.client_token,
        "image-id": kept.image,
        "instance-id": kept.id,
        "instance-lifecycle": kept.market,
        "instance-state-code": kept.record._state.code,
        "instance-state-name": kept.state,
        "instance-type": kept.type,
        "instance.group-id": next((group.id for group in kept.record.security_groups), ""),
        "private-ip-address": kept.private_ip,
        "subnet-id": kept.record.subnet_id,
        "vpc-id": kept.record.vpc_id,
    }
    if name not in known:
        raise NotSimulatedError(f"the filter {name} of DescribeInstances")
    return fits(known[name])
