"""Equal values give equal bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.provenance import canonical_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), json_values))
def test_key_order_does_not_matter(value):
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))
