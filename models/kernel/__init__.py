"""What of the models is done in C: the features, the path through them, the steps of learners."""
