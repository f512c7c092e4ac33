"""Layers: uploads on their way in, blobs, and which repository has which.

Operations: BatchCheckLayerAvailability, InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload,
GetDownloadUrlForLayer.
"""
