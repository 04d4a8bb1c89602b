"""Machine images are found as their makers say."""

import pytest

from tests.ec2sim.asking import Connect
from tests.ec2sim.images import IMAGES, Image


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: str(image.name))
def test_an_image_is_found_by_its_parameter_and_by_its_name(connect: Connect, image: Image) -> None:
    parameter = connect("ssm").get_parameter(Name=image.parameter)["Parameter"]["Value"]
    assert parameter == image.id_in("us-east-1") != image.id_in("us-west-2")
    filters = [
        {"Name": "name", "Values": [image.name[:-6] + "*"]},
        {"Name": "architecture", "Values": [image.architecture]},
    ]
    found = connect("ec2").describe_images(Owners=[image.owner], Filters=filters)["Images"]
    assert [each["ImageId"] for each in found] == [parameter]
    assert found[0]["RootDeviceName"] == image.root
