"""WeChat service accounts: three kinds of messages, and what is heard of them."""
