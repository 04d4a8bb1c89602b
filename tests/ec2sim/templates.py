"""Launch templates, where moto's answers are rough."""

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.responses.launch_templates import LaunchTemplates

from tests.ec2sim.refusals import Refusal

__all__ = ["Templates", "template_of"]


def template_of(
    account: str, region: str, named: Mapping[str, Any]
) -> tuple[str, int, Mapping[str, Any]]:
    """A launch template's id, the number of the version that is meant, and what it says.

    Raises:
        Refusal: As EC2 refuses: there is no such template or version.
    """
    backend = ec2_backends[account][region]
    if "LaunchTemplateId" in named:
        template = backend.get_launch_template(named["LaunchTemplateId"])
    else:
        template = backend.get_launch_template_by_name(named["LaunchTemplateName"])
    version = template.get_version(named.get("Version", "$Default"))
    return template.id, version.number, version.data


class Templates(LaunchTemplates):
    """Requests about launch templates."""

    def create_launch_template(self) -> ActionResult:
        """Make a template; moto counts the template's own tags among those of its instances."""
        made = super().create_launch_template()
        name = self._get_param("LaunchTemplateName")
        data = self.ec2_backend.get_launch_template_by_name(name).default_version().data
        kinds = data.pop("TagSpecifications", [])
        if kept := [each for each in kinds if each["ResourceType"] != "launch-template"]:
            data["TagSpecifications"] = kept
        return made

    def describe_launch_templates(self) -> ActionResult:
        """With their tags of now; moto gives those that they were made with."""
        for template in self.ec2_backend.launch_templates.values():
            template.tags = template.get_tags()
        return super().describe_launch_templates()

    def delete_launch_template(self) -> ActionResult:
        """Delete one; moto names no code of EC2's where there is none."""
        name = self._get_param("LaunchTemplateName")
        if name and name not in self.ec2_backend.launch_template_name_to_ids:
            raise Refusal(
                "InvalidLaunchTemplateName.NotFoundException",
                "At least one of the launch templates specified in the request does not exist.",
            )
        return super().delete_launch_template()
