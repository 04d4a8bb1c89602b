"""An AWS Budget: AWS itself writes when the stack costs more than it should."""

from typing import Any

from cryoem_cloud.providers.aws.names import STACK
from cryoem_cloud.providers.aws.stack.choices import Choices

__all__ = ["WARN_AT_PERCENT", "budget"]

WARN_AT_PERCENT = (80, 100)
"""Of the budget, from which on AWS writes, once a month for each."""


def budget(choices: Choices) -> dict[str, Any]:
    """The resource, where it is wanted; without a name, so that another address can replace it.

    It counts what has the stack's tag, as bills know it: `user:KEY$VALUE` (API reference of
    Budgets, CostFilters). Budgets without actions cost nothing.
    """
    if not choices.budget_email:
        return {}
    subscriber = {"SubscriptionType": "EMAIL", "Address": choices.budget_email}
    properties = {
        "Budget": {
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": choices.budget_usd, "Unit": "USD"},
            "CostFilters": {"TagKeyValue": [f"user:{STACK}${choices.stack}"]},
        },
        "NotificationsWithSubscribers": [
            {
                "Notification": {
                    "NotificationType": "ACTUAL",
                    "ComparisonOperator": "GREATER_THAN",
                    "Threshold": percent,
                    "ThresholdType": "PERCENTAGE",
                },
                "Subscribers": [subscriber],
            }
            for percent in WARN_AT_PERCENT
        ],
    }
    return {"Budget": {"Type": "AWS::Budgets::Budget", "Properties": properties}}
