"""The pack's behaviour: use cases, workers and their policies. Depends on the domain only."""
