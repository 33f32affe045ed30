"""Written by `make proto` from `wire/proto`; read by `nsm.wire` and no one else."""
