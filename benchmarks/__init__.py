"""What the hot paths cost, beside floors measured in the same run; `python -m benchmarks` prints one table."""
