"""What searches of all folders share: a filter's tree becomes conditions of SQL, an order becomes pages, and no
question takes longer than it may.

- `conditions`: comparisons of texts, whole numbers, floats and times, the same on every database.
- `tree`: AND, OR and NOT of them over a catalog of fields.
- `ordering`: ``order_by`` with nulls last, and pages that go on after a row, not after a count of rows.
- `paging`: page tokens. `running`: the limit of time.

Logic has two values: a comparison with what is missing is false, never NULL.
"""
