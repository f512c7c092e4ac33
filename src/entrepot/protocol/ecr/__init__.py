"""The ECR API on the wire: AWS JSON 1.1, after the service model."""
