"""The whole pack over real sockets."""
