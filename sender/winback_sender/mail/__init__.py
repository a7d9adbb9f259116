"""E-mail: addresses, messages, unsubscribing, and the phases of SMTP."""
