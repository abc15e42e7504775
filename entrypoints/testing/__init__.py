"""What another distribution tests its storage with. Needs the extra `testing`."""
