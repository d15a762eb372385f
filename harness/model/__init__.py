"""The words of the house as frozen types. Imports nothing but the standard library and msgspec."""
