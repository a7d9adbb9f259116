"""The same core over a file: feed, replay, back-test."""
