"""How it runs: services and their order, the event bus, and the one way through for a feed."""
