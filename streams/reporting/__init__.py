"""The report for the operations lead: from messages to figures, from figures to one page."""
