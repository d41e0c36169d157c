"""A stand-in for Kaggle's module of the same name: the same calls, over gRPC, as the real one."""
