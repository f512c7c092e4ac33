"""What operators and load balancers ask: ``/-/health``, ``/-/ready``, ``/-/metrics``."""
