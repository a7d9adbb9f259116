"""The conformance kit: drives any sender as a black box, and says what it did wrong."""
