"""Images: manifests, their tags and the tags' history, referrers.

Operations: PutImage, BatchGetImage, BatchDeleteImage, DescribeImages, ListImages.
"""
