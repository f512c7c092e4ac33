"""What the S3 driver has to remember of uploads, in rows: ``PartLedger`` (``storage/s3_ledger.py``)."""
