"""Jobs that several machines share: how they are cut, and how they go."""
