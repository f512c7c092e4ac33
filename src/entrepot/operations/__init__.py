"""The ECR operations: authorise, compose features, record. The fronts call these and decide nothing."""
