"""``/v2/``: OCI Distribution 1.1 and Docker Registry v2, in front of the same operations as the ECR API.

This is what AWS calls the ECR proxy: a push becomes BatchCheckLayerAvailability, InitiateLayerUpload,
UploadLayerPart, CompleteLayerUpload and PutImage, a pull BatchGetImage and GetDownloadUrlForLayer.
"""
