"""The ECR API: AWS JSON 1.1 at ``POST /``, and the download URLs it hands out."""
