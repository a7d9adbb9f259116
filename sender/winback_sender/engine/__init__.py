"""The engine of a sender: from the topic through journal and couriers to feedback."""
