"""The pages: who may see them, how they are made, how they stay live, and what can be done."""
