"""Quotas and prices, as the services tell them."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Connect, code_of
from tests.ec2sim.cloud import Cloud


def test_quotas_are_told_and_set_by_the_test(cloud: Cloud, connect: Connect) -> None:
    client = connect("service-quotas")
    listed = client.list_service_quotas(ServiceCode="ec2")["Quotas"]
    assert {each["QuotaCode"] for each in listed} == {
        "L-1216C47A",
        "L-DB2E81BA",
        "L-34B43A08",
        "L-3819A6DF",
    }
    cloud.quotas.set("L-DB2E81BA", 48)
    one = client.get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]
    assert (one["Value"], one["QuotaName"]) == (48.0, "Running On-Demand G and VT instances")
    with pytest.raises(ClientError) as refused:
        client.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
    assert code_of(refused.value) == "NoSuchResourceException"


def test_prices_come_from_the_table(cloud: Cloud, connect: Connect) -> None:
    filters = [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": "g5.xlarge"}]
    listed = connect("pricing").get_products(ServiceCode="AmazonEC2", Filters=filters)
    (product,) = [json.loads(each) for each in listed["PriceList"]]
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert dimension["pricePerUnit"]["USD"] == "1.0060000000"
    rows = connect("ec2").describe_spot_price_history(InstanceTypes=["g5.xlarge"])
    prices = {each["AvailabilityZone"]: each["SpotPrice"] for each in rows["SpotPriceHistory"]}
    assert prices["us-east-1a"] == "0.402400"
    assert len(set(prices.values())) == len(prices) > 1
