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


@pytest.mark.parametrize(
    "stage",
    ["simulate", "import_subject", "calibrate", "segment", "roi", "register", "project", "pairs"],
)
def test_a_new_key_of_the_study_reruns_nothing_before_the_trainings(stage: str) -> None:
    closure = import_closure(f"workflow_scripts.{stage}")
    assert not {f"bmdpipe.core.config.{name}" for name in ("study", "training", "root")} & closure
