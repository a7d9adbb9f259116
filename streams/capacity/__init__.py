"""How large a deployment has to be: arithmetic from measured costs; no Kafka, no clock, no file."""
