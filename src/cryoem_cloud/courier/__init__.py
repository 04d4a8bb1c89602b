"""The program beside the user: sends inputs, launches machines, brings results home."""
