"""Quotas and prices, as the services tell them."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Connect, code_of
from tests.ec2sim.cloud import Cloud


def test_quotas_are_told_and_set_by_the_test(cloud: Cloud, connect: Connect) -> None:
    client = connect("service-quotas")
    listed = client.list_service_quotas(ServiceCode="ec2")["Quotas"]
    assert {"L-1216C47A", "L-DB2E81BA", "L-34B43A08", "L-3819A6DF"} < {
        each["QuotaCode"] for each in listed
    }
    cloud.quotas.set("L-DB2E81BA", 48)
    one = client.get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]
    assert (one["Value"], one["QuotaName"]) == (48.0, "Running On-Demand G and VT instances")
    with pytest.raises(ClientError) as refused:
        client.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
    assert code_of(refused.value) == "NoSuchResourceException"


ONE = {
    "instanceType": "g5.xlarge",
    "regionCode": "us-east-1",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}


def filters(asked: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in asked.items()
    ]


def test_prices_come_from_the_table(cloud: Cloud, connect: Connect) -> None:
    listed = connect("pricing").get_products(ServiceCode="AmazonEC2", Filters=filters(ONE))
    (product,) = [json.loads(each) for each in listed["PriceList"]]
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert dimension["pricePerUnit"]["USD"] == "1.0060000000"
    rows = connect("ec2").describe_spot_price_history(InstanceTypes=["g5.xlarge"])
    prices = {each["AvailabilityZone"]: each["SpotPrice"] for each in rows["SpotPriceHistory"]}
    assert prices["us-east-1a"] == "0.402400"
    assert len(set(prices.values())) == len(prices) > 1
    assert all(
        each["AvailabilityZoneId"].startswith("use1-az") for each in rows["SpotPriceHistory"]
    )


@pytest.mark.parametrize("left_out", ["tenancy", "capacitystatus", "preInstalledSw"])
def test_who_leaves_a_filter_out_is_shown_more(
    cloud: Cloud, connect: Connect, left_out: str
) -> None:
    asked = {field: value for field, value in ONE.items() if field != left_out}
    listed = connect("pricing").get_products(ServiceCode="AmazonEC2", Filters=filters(asked))
    assert len(listed["PriceList"]) > 1


def test_a_price_list_goes_page_by_page_and_is_in_few_regions(
    cloud: Cloud, connect: Connect
) -> None:
    pricing = connect("pricing")
    first = pricing.get_products(ServiceCode="AmazonEC2", MaxResults=3)
    rest = pricing.get_products(ServiceCode="AmazonEC2", NextToken=first["NextToken"])
    assert len(first["PriceList"]) == 3
    assert not set(first["PriceList"]) & set(rest["PriceList"])
    with pytest.raises(ClientError) as refused:
        connect("pricing", region="us-west-2").get_products(ServiceCode="AmazonEC2")
    assert code_of(refused.value) == "NotSimulated"


def test_a_region_has_its_own_machine_types(cloud: Cloud, connect: Connect) -> None:
    def has(region: str) -> set[str]:
        asked = [{"Name": "instance-type", "Values": ["g6*", "m5.large"]}]
        pages = connect("ec2", region=region).get_paginator("describe_instance_types")
        found = pages.paginate(Filters=asked, PaginationConfig={"PageSize": 5})
        return {each["InstanceType"] for page in found for each in page["InstanceTypes"]}

    assert {"g6e.xlarge", "g6.48xlarge", "m5.large"} <= has("us-west-2")
    assert has("us-west-1") == {"m5.large"}
