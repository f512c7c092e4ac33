"""``entrepot serve``."""

import gc

import typer

from entrepot.cli.options import with_settings
from entrepot.server.keys import ROOT_KEY, RootKey
from entrepot.server.settings import Settings


@with_settings
def serve_command(settings: Settings) -> None:
    """Run the registry until it is told to end (SIGTERM or Ctrl-C); requests in flight are finished.

    Every option can also be given in the environment (ENTREPOT_LISTEN and so on) or in entrepot.toml.
    """
    gc.disable()  # what is loaded now is no garbage; serve enables it again
    from entrepot.server.serve import serve  # noqa: PLC0415 (the server's imports cost more than --help is worth)

    serve(settings, lambda root_key: typer.echo(_greeting(settings, root_key)))


def _greeting(settings: Settings, root_key: RootKey) -> str:
    """What a newcomer needs to log in and push, ready to be pasted."""
    endpoint = settings.address.endpoint(settings.registry)
    host = endpoint.partition("://")[2]
    secret = root_key.secret_access_key if root_key.is_new else _where_the_secret_is(settings)
    return f"""\
Entrepot listens on {settings.scheme}://{settings.listen} with its data in {settings.data.resolve()}

The root access key of account {settings.account_id}:
  export AWS_ACCESS_KEY_ID={root_key.access_key_id}
  export AWS_SECRET_ACCESS_KEY={secret}
  export AWS_DEFAULT_REGION={settings.region} AWS_ENDPOINT_URL_ECR={endpoint}
  export AWS_ENDPOINT_URL_STS={endpoint} AWS_ENDPOINT_URL_IAM={endpoint}

A first push:
  aws ecr create-repository --repository-name hello
  aws ecr get-login-password | docker login --username AWS --password-stdin {host}
  docker tag IMAGE {host}/hello:latest && docker push {host}/hello:latest
"""


def _where_the_secret_is(settings: Settings) -> str:
    if settings.secret_access_key is not None:
        return '"$ENTREPOT_SECRET_ACCESS_KEY"   # as you set it'
    path = (settings.data / ROOT_KEY).resolve()
    return f'"$(python3 -c \'import json; print(json.load(open("{path}"))["secret_access_key"])\')"'
