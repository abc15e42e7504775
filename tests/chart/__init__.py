"""The Helm chart, rendered by Helm's own engine. Needs a large wheel, so only `make test-chart` runs it."""
