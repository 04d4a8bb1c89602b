"""The program on a machine: takes a turn, fetches, runs, sends, leaves."""
