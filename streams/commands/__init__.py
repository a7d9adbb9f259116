"""The commands of `winback`, one module each; a module is imported when its command runs."""
