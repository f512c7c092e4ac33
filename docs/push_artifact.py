# ruff: noqa: INP001, T201  (a program of its own, for a reader)
"""Push an artifact of one layer, and print a URL to download the layer from."""

import hashlib
import json

import boto3

ecr = boto3.client("ecr")
repository = "notes"
ecr.create_repository(repositoryName=repository)


def push_blob(data: bytes) -> dict:
    """Upload one layer in parts and give its digest and size."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    upload = ecr.initiate_layer_upload(repositoryName=repository)
    size = upload["partSize"]
    for first in range(0, len(data), size):
        part = data[first : first + size]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload["uploadId"],
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload["uploadId"], layerDigests=[digest])
    return {"digest": digest, "size": len(data)}


manifest = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/vnd.example.notes",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json", **push_blob(b"{}")},
    "layers": [{"mediaType": "text/plain", **push_blob(b"notes " * 5_000_000)}],
}
ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="v1")

layer = manifest["layers"][0]["digest"]
print(ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer)["downloadUrl"])
