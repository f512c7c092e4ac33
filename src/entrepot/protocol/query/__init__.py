"""The AWS Query protocol, which STS and IAM speak: forms in, XML out."""
