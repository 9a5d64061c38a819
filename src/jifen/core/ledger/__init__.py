"""The ledger: accounts, lots, holds and the movements between them."""
