"""What the API answers, as types: each field described with its unit, encoded as they stand.

These structs are both the encoder's input and the source of the OpenAPI document, so the two
cannot drift apart.
"""
