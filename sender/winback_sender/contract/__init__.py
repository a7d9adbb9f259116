"""What winback and its senders say to each other: messages, words, schemas."""
