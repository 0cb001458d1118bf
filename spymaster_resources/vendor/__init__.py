"""The vendor: what is asked of it, what it costs, and how its files reach the raw folder."""
