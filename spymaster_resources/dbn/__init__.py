"""Databento Binary Encoding (DBN): files read and written without the vendor's client."""
