"""The same promises of a yard behind a hub: the tests of its parts again, over HTTP, and what only a hub can do wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_cases.server import hub_thread
from modelyard import Yard
from unit.yard.test_datasets import (  # noqa: F401  run here again, with the yard below
    mixed,
    test_all_kinds_of_columns_come_back,
    test_content_decides_the_version,
    test_every_form_of_a_reference,
    test_info_begins_with_what_mlops_lite_shows,
    test_names_of_every_length_and_form,
    test_names_that_look_alike_are_refused,
    test_the_listing,
)
from unit.yard.test_models import (  # noqa: F401
    test_deleted_numbers_are_never_given_again,
    test_equal_content_is_the_same_version,
    test_from_a_live_object_with_its_data_set,
    test_from_a_path_and_from_another_name,
    test_history_is_newest_first_and_survives_a_rename,
    test_listings,
    test_renaming_and_names,
    test_stages_aliases_and_what_a_version_says_of_them,
    test_which_held_a_stage_at_a_moment,
)
from unit.yard.test_predictions import (  # noqa: F401
    rows,
    test_a_classifier_answers_probabilities,
    test_a_model_that_fails_is_logged_and_told,
    test_a_rename_keeps_the_link,
    test_listing_by_what_one_knows,
    test_references_are_given_where_there_are_none,
    test_what_does_not_fit_is_refused_and_not_logged,
    test_what_is_logged,
    version,
)


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "hub.db"

    def checked() -> list[str]:
        with Yard(file) as itself:
            return itself.check()

    with hub_thread(file) as url, Yard(url) as opened:
        monkeypatch.setattr(
            opened, "check", checked
        )  # those tests look whether all is well over there
        yield opened
