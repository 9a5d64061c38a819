"""What a program says of its wallets besides earning, and the commands that go with it."""
