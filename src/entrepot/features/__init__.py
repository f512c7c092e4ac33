"""What ECR does, one folder a feature. Features do not import each other; operations compose them."""
