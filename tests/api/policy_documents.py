"""Policy documents, and users that have them."""

import json

from tests.api.clients import Body
from tests.api.query_clients import Query

from entrepot.core.clock import SECOND
from entrepot.testing.registry import RunningRegistry

PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"


def allow(*actions: str, resource: str = "*", **more: object) -> str:
    """A policy that allows some actions."""
    return document({"Effect": "Allow", "Action": list(actions), "Resource": resource, **more})


def trust(principal: str = "000000000000") -> str:
    """A trust policy."""
    return document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})


def document(*statements: object) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


async def log_in(registry: RunningRegistry, iam: Query, name: str, *policies: str, **user: object) -> Query:
    """IAM, by the key of a new user with these inline policies."""
    return Query(registry, "iam", await make_key(registry, iam, name, *policies, **user))


async def make_key(registry: RunningRegistry, iam: Query, name: str, *policies: str, **user: object) -> Body:
    """The access key of a new user with these inline policies."""
    await iam("CreateUser", UserName=name, **user)
    for number, text in enumerate(policies):
        await iam("PutUserPolicy", UserName=name, PolicyName=f"p{number}", PolicyDocument=text)
    made = await iam("CreateAccessKey", UserName=name)
    registry.clock.advance(SECOND)
    return made["AccessKey"]


async def create_account(registry: RunningRegistry, iam: Query, number: str) -> Body:
    """The root key of another account. The action is not in the service model."""
    answer = await iam.send(f"Action=CreateAccount&Version=2010-05-08&Account={number}".encode())
    assert answer.status_code == 200, answer.text
    registry.clock.advance(SECOND)
    return {name: answer.text.partition(f"<{name}>")[2].partition("<")[0] for name in KEY}


KEY = ("AccessKeyId", "SecretAccessKey")
