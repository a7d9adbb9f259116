"""What an older version wrote is brought up to the present layout, step by step."""
